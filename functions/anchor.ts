import middy from '@middy/core';
import { ArgumentError, PlumblineError } from '../core/errors.ts';
import type { DatasetId } from '../core/ids.ts';
import { DEFAULT_KEEP_ROUNDS_DAYS, keepRoundsMsOf } from '../core/rounds/cadence.ts';
import type { MapRetention } from '../core/rounds/thin-maps.ts';
import { acceptGrants } from './anchor/accept-grants.ts';
import type { AnchorPorts } from './anchor/anchor-ports.ts';
import { readRounds, sendDueRound, takeInMarkedHeads, takeInMoved } from './anchor/anchor-round.ts';
import { DEFAULT_ANCHOR_SETTINGS } from './anchor/anchor-settings.ts';
import { findPending } from './anchor/find-pending.ts';
import { followCharters } from './anchor/follow-charters.ts';
import { followTransactions } from './anchor/follow-transactions.ts';
import { callBytes, type Pending } from './anchor/pending.ts';
import { readRelayerState } from './anchor/relayer-state.ts';
import { isResting, noteRest, restAfter } from './anchor/rest.ts';
import { createSender, releaseStuck, type Sender, type Sent } from './anchor/send-call.ts';
import { sendUpdates } from './anchor/send-updates.ts';
import { reasonsOf } from './events/wake-reasons.ts';
import type { PortsOf } from './ports.ts';
import type { RoundsOnChain } from './rounds/follow-rounds.ts';
import { thinRounds } from './rounds/thin-rounds.ts';
import { type Mark, markDue, readMarks } from './state/work-marks.ts';
import { anchorRow as row } from './table.ts';

export interface Anchored {
  /** `stopped`: its time was up; the next run goes on. `busy`: other runs kept winning, and do the work. */
  /** `resting`: nothing can be done yet, as a former run has noted. */
  readonly outcome: 'done' | 'stopped' | 'busy' | 'full' | 'out-of-funds' | 'resting';
  /** Transactions sent by this run for the first time. */
  readonly transactions: number;
}

const ATTEMPTS = 5;

/** Marks gone through at once: the more at a time, the more pages of the map they share. */
const MOST_MOVED = 10_000;

interface Counted {
  transactions: number;
  /** Datasets that are marked, and that the run has not come to. */
  backlog: number;
}

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
  const counted: Counted = { transactions: 0, backlog: 0 };
  const result = (outcome: Anchored['outcome']): Anchored => ({ outcome, transactions: counted.transactions });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await runOnce(ports, counted, within);
      if (outcome === 'lost') continue;
      if (outcome === 'full') ports.observer.count('Anchor.full');
      return result(outcome);
    }
    return result('busy');
  } catch (error) {
    if (!limit.signal.aborted) throw error;
    ports.observer.warn('anchor stopped: its time was up', { ...counted });
    ports.observer.count('Anchor.stopped');
    return result('stopped');
  } finally {
    ports.observer.count('Anchor.backlog', counted.backlog);
    timer.stop();
  }
}

type RunOutcome = 'done' | 'lost' | 'full' | 'out-of-funds';

async function runOnce(ports: AnchorPorts, counted: Counted, signal: AbortSignal): Promise<RunOutcome> {
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
    if (due === 'lost') return due;
    await keepCharters(ports, rounds, signal);
    await markDue(ports.table, ports.runtime.nowMs(), signal);
    const toLookAt = await takeInAll(ports, sender, { rounds, counted }, signal);
    if (toLookAt === null) return 'lost';
    // Again, with what has come since: it is all that most datasets need.
    const anchored = await sendDueRound(ports, sender, rounds, signal);
    if (anchored === 'lost') return anchored;
    const looked = await lookAtAll(ports, sender, { toLookAt, rounds, covered: followed.covered, counted }, signal);
    if (looked !== 'sent') return looked;
    if (anchored !== 'sent') return anchored;
    const released = await releaseStuck(ports, sender, signal);
    // Last, as it can wait.
    await thinRounds(ports, ports.recorder.account, rounds?.final ?? null, retentionOf(ports), signal);
    if (released !== 'sent') return released;
    await rest(ports, sender, rounds, signal);
    return 'done';
  } finally {
    counted.transactions += sender.transactions;
  }
}

async function rest(
  { table, recorder, runtime, settings }: AnchorPorts,
  { waiting, mayAnchor }: Sender,
  rounds: RoundsOnChain | null,
  signal: AbortSignal,
): Promise<void> {
  const nowMs = runtime.nowMs();
  const left = { rounds, isAnchoring: !mayAnchor, waiting, roundEveryMs: settings().roundEveryMs };
  const restMs = restAfter(left, nowMs);
  if (restMs > 0) await noteRest(table, recorder.account, nowMs + restMs, signal);
}

/** What goes wrong here keeps nothing from being recorded: what the table says grows old, and functions ask the chain. */
async function keepCharters(ports: AnchorPorts, rounds: RoundsOnChain | null, signal: AbortSignal): Promise<void> {
  try {
    await followCharters(ports, rounds?.points ?? (await readPoints(ports, signal)), signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PlumblineError)) throw error;
    ports.observer.error('charters not followed', { error });
    ports.observer.count('Anchor.chartersFailed');
  }
}

async function readPoints({ ledger }: AnchorPorts, signal: AbortSignal): Promise<RoundsOnChain['points']> {
  const final = (await ledger.readHeads([], 'final', signal)).point;
  return { final, latest: (await ledger.readHeads([], 'latest', signal)).point };
}

/** Takes in the heads that marks say all of, and answers with what is to be looked at; null: begin again. */
async function takeInAll(
  ports: AnchorPorts,
  sender: Sender,
  { rounds, counted }: Pick<Looking, 'rounds' | 'counted'>,
  signal: AbortSignal,
): Promise<Mark[] | null> {
  const toLookAt: Mark[] = [];
  let marks: Mark[] = [];
  const takeIn = async (): Promise<boolean> => {
    const left = await takeInMarkedHeads(ports, marks, { sender, rounds }, signal);
    if (left === null) return false;
    toLookAt.push(...left);
    counted.backlog = toLookAt.length;
    marks = [];
    return true;
  };
  counted.backlog = 0;
  for await (const page of readMarks(ports.table, ports.primitives, ports.runtime.random(), signal)) {
    marks.push(...page);
    counted.backlog += page.length;
    if (marks.length >= MOST_MOVED && !(await takeIn())) return null;
  }
  return (await takeIn()) ? toLookAt : null;
}

/** Looks at the logs of these datasets, and sends what comes of it. */
async function lookAtAll(
  ports: AnchorPorts,
  sender: Sender,
  { toLookAt, rounds, covered, counted }: Looking,
  signal: AbortSignal,
): Promise<Sent> {
  let gathered: Pending[] = [];
  const under = { covered, finalMap: rounds?.final?.map ?? null };
  for await (const { found, looked } of findPending(ports, toLookAt, under, signal)) {
    gathered.push(...found.flatMap((one) => (one.kind === 'record' ? [one.pending] : [])));
    const moved = found.flatMap((one) => (one.kind === 'round' ? [one.moved] : []));
    // However short its time is, what it has found by then is in the map.
    if (!(await takeInMoved(ports, moved, { sender, rounds }, signal))) return 'lost';
    counted.backlog -= looked;
    // A transaction full of them at a time: what is found later shares the next one.
    if (bytesOf(gathered) < ports.anchorSettings.maxCallBytes) continue;
    const sent = await sendUpdates(ports, sender, gathered, signal);
    if (sent !== 'sent') return sent;
    gathered = [];
  }
  const anchored = await sendDueRound(ports, sender, rounds, signal);
  if (anchored !== 'sent') return anchored;
  return sendUpdates(ports, sender, gathered, signal);
}

function retentionOf(ports: AnchorPorts): MapRetention {
  const { keepRoundsMs = keepRoundsMsOf(DEFAULT_KEEP_ROUNDS_DAYS) } = ports.settings();
  return { everyMs: keepRoundsMs, thenOneAMs: ports.anchorSettings.thenOneAMs };
}

interface Looking {
  readonly toLookAt: readonly Mark[];
  readonly rounds: RoundsOnChain | null;
  /** Datasets with an update under way. */
  readonly covered: ReadonlySet<DatasetId>;
  readonly counted: Counted;
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
  // Whatever woke it, it acts on state alone; what woke it says only whether that can wait.
  return middy(async (event: unknown, context: { getRemainingTimeInMillis?: () => number }) => {
    const leftMs = context.getRemainingTimeInMillis?.() ?? row.limits.timeoutMs;
    const signal = ports.runtime.timeout(Math.max(1, leftMs - RESERVED_MS));
    const reasons = reasonsOf(event);
    const isForALook = reasons === null || reasons.has('look');
    if (!isForALook && (await isResting(ports.table, recorder.account, ports.runtime.nowMs(), signal))) {
      return { outcome: 'resting', transactions: 0 } satisfies Anchored;
    }
    const anchored = await anchorDatasets(anchorPorts, signal);
    // Most runs find nothing to do.
    if (anchored.transactions > 0 || anchored.outcome !== 'done') ports.observer.info('anchored', { ...anchored });
    return anchored;
  }).use([...ports.observer.middleware]);
};
