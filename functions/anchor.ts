import middy from '@middy/core';
import { ArgumentError } from '../core/errors.ts';
import { acceptGrants } from './anchor/accept-grants.ts';
import type { AnchorPorts } from './anchor/anchor-ports.ts';
import { readRounds, sendDueRound, takeInMoved } from './anchor/anchor-round.ts';
import { DEFAULT_ANCHOR_SETTINGS } from './anchor/anchor-settings.ts';
import { findPending } from './anchor/find-pending.ts';
import { followTransactions } from './anchor/follow-transactions.ts';
import { callBytes, type Pending } from './anchor/pending.ts';
import { readRelayerState } from './anchor/relayer-state.ts';
import { createSender, releaseStuck } from './anchor/send-call.ts';
import { sendUpdates } from './anchor/send-updates.ts';
import type { PortsOf } from './ports.ts';
import type { MovedHead } from './rounds/take-in-heads.ts';
import { anchorRow as row } from './table.ts';

export interface Anchored {
  /** `stopped`: its time was up; the next run goes on. `busy`: other runs kept winning, and do the work. */
  readonly outcome: 'done' | 'stopped' | 'busy' | 'full' | 'out-of-funds';
  /** Transactions sent by this run for the first time. */
  readonly transactions: number;
}

const ATTEMPTS = 5;

/** Heads taken into the map at once: the more at a time, the more pages they share. */
const MOST_MOVED = 4_096;

/**
 * Records what is stored and not recorded, and anchors what is to stand in rounds (specification#recording). Compares
 * states: the chain's heads and rounds, the verified logs, the transactions under way. So it may be run twice, by many at once, after a reorganisation, and after a crash anywhere
 * in a former run; the chain ends up with every stored head's log, and pays once where a grant has fuel. It never waits for
 * a block.
 */
export async function anchorDatasets(ports: AnchorPorts, signal?: AbortSignal): Promise<Anchored> {
  const limit = new AbortController();
  const timer = ports.runtime.after(ports.anchorSettings.timeLimitMs, () => limit.abort());
  const within = signal === undefined ? limit.signal : AbortSignal.any([signal, limit.signal]);
  const counted = { transactions: 0 };
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await runOnce(ports, counted, within);
      if (outcome === 'lost') continue;
      if (outcome === 'full') ports.observer.count('Anchor.full');
      return { outcome, ...counted };
    }
    return { outcome: 'busy', ...counted };
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    ports.observer.warn('anchor stopped: its time was up', { ...counted });
    ports.observer.count('Anchor.stopped');
    return { outcome: 'stopped', ...counted };
  } finally {
    timer.stop();
  }
}

async function runOnce(
  ports: AnchorPorts,
  counted: { transactions: number },
  signal: AbortSignal,
): Promise<'done' | 'lost' | 'full' | 'out-of-funds'> {
  const state = await readRelayerState(ports.table, ports.recorder.account, signal);
  const followed = await followTransactions(ports, state, signal);
  if (followed === null) return 'lost';
  const sender = createSender(followed);
  try {
    const accepted = await acceptGrants(ports, sender, followed.accepting, signal);
    if (accepted === 'lost' || accepted === 'out-of-funds') return accepted;
    const rounds = await readRounds(ports, signal);
    // Before anything that may take all of a run's time: what runs before this one have found goes out, whatever becomes of it.
    const due = await sendDueRound(ports, sender, rounds, signal);
    if (due !== 'sent') return due;
    const { covered } = followed;
    let gathered: Pending[] = [];
    let moved: MovedHead[] = [];
    for await (const found of findPending(ports, { covered, finalMap: rounds?.final?.map ?? null }, signal)) {
      for (const one of found) {
        if (one.kind === 'record') gathered.push(one.pending);
        else moved.push(one.moved);
      }
      // However short its time is, what it has found by then is in the map.
      if (moved.length >= MOST_MOVED) {
        if (!(await takeInMoved(ports, moved, signal))) return 'lost';
        moved = [];
      }
      // A transaction full of them at a time: what is found later shares the next one.
      if (bytesOf(gathered) < ports.anchorSettings.maxCallBytes) continue;
      const sent = await sendUpdates(ports, sender, gathered, signal);
      if (sent !== 'sent') return sent;
      gathered = [];
    }
    if (!(await takeInMoved(ports, moved, signal))) return 'lost';
    const anchored = await sendDueRound(ports, sender, rounds, signal);
    if (anchored !== 'sent') return anchored;
    const sent = await sendUpdates(ports, sender, gathered, signal);
    if (sent !== 'sent') return sent;
    const released = await releaseStuck(ports, sender, signal);
    return released === 'sent' ? 'done' : released;
  } finally {
    counted.transactions += sender.transactions;
  }
}

function bytesOf(pending: readonly Pending[]): number {
  return pending.reduce((sum, one) => sum + callBytes(one), 0);
}

const RESERVED_MS = 500;

export const handlerFor = (ports: PortsOf<typeof row>) => {
  const { recorder, grantRecorder } = ports;
  if (grantRecorder !== null && grantRecorder.account !== recorder.account) {
    throw new ArgumentError(
      `One account records and is repaid; these are ${recorder.account} and ${grantRecorder.account}.`,
    );
  }
  const anchorSettings = { ...DEFAULT_ANCHOR_SETTINGS, fromBlock: ports.settings().fromBlock };
  const anchorPorts: AnchorPorts = { ...ports, anchorSettings };
  // Whatever woke it, it acts on state alone.
  return middy(async (_event: unknown, context: { getRemainingTimeInMillis?: () => number }) => {
    const leftMs = context.getRemainingTimeInMillis?.() ?? row.limits.timeoutMs;
    const anchored = await anchorDatasets(anchorPorts, ports.runtime.timeout(Math.max(1, leftMs - RESERVED_MS)));
    // Most runs find nothing to do.
    if (anchored.transactions > 0 || anchored.outcome !== 'done') ports.observer.info('anchored', { ...anchored });
    return anchored;
  }).use([...ports.observer.middleware]);
};
