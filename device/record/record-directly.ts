import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { NotRecordedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import { type Head, signHead } from '../../core/log/head.ts';
import type { Ledger, RecordCall, Recorder, SignedTransaction, Update } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { DeviceClock } from '../clock.ts';
import type { Report } from '../events.ts';
import { isOurs } from '../log/is-ours.ts';
import { batchesFrom, isSealed, readLeafHashes, type SealedRow, stateNumber } from '../outbox/batch-rows.ts';
import { peaksBefore } from '../outbox/log-end.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { charterToSend } from './charter-to-send.ts';
import { forgetFinal, forgetSent, keepSent, readSent } from './sent-transactions.ts';

export interface DirectParts {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly outbox: Outbox;
  readonly writer: DatasetWriter;
  readonly account: Address;
  readonly charter: SignedCharter;
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  readonly clock: Pick<DeviceClock, 'nowMs'>;
  readonly report: Report;
}

export interface DirectOptions {
  /** Least time between two transactions: one transaction costs the same whatever has come since. */
  readonly recordEveryMs: number;
  /** After how long an unmined transaction is replaced by one that pays more. */
  readonly replaceAfterMs: number;
  /** After how long it is first looked what has become of a transaction; later twice as rarely each time. */
  readonly pollMs: number;
}

const POLL_MOST_MS = 60_000;

// Their leaf hashes are in the memory at once; what is left goes with the next transaction.
const MAX_UPDATE_BLOCKS = 2 ** 18;

/**
 * Records with the device's own account what is stored and not on the chain yet, all of it under one signature, by the same
 * call that a relayer makes; how the log has grown follows from the outbox alone. A transaction is on the disk before it is
 * sent and until it is final, and it takes the account's next nonce by the latest block: what a reorganisation has dropped is
 * sent again, and so is what a former run has sent; what no block takes is replaced by one that pays more.
 */
export function createDirectRecorder(parts: DirectParts, options: DirectOptions) {
  const { runtime, outbox, ledger, recorder, writer, report } = parts;
  let lastSentMs = Number.NEGATIVE_INFINITY;
  /** What this run has sent and not seen mined, and since when each is waited for. */
  const waiting = new Map<string, number>();
  /** Since something was sent. */
  let looks = 0;

  /** Looks whether what was sent has failed: its nonce is used then, and nothing is recorded. */
  const requireSucceeded = async (mined: readonly SignedTransaction[], signal: AbortSignal): Promise<void> => {
    for (const { hash } of mined) {
      if (!waiting.delete(hash)) continue;
      const receipt = await recorder.receipt(hash, signal);
      if (receipt?.ok === false)
        throw new NotRecordedError(`The transaction ${hash} failed. The device sends another one.`);
    }
  };

  /** Sends once more what may have been dropped, in the order of nonces. */
  const sendAgain = async (open: readonly SignedTransaction[], signal: AbortSignal): Promise<number> => {
    for (const transaction of open) await recorder.broadcast(transaction, signal);
    return options.pollMs;
  };

  const send = async (transaction: SignedTransaction, signal: AbortSignal): Promise<void> => {
    keepSent(outbox, transaction, parts.clock.nowMs());
    try {
      await recorder.broadcast(transaction, signal);
    } catch (cause) {
      // No node has it, and paying more would not help: the next one is signed anew.
      if (cause instanceof NotRecordedError && cause.details.refusal === 'insufficient-funds')
        forgetSent(outbox, transaction);
      throw cause;
    }
    lastSentMs = runtime.monotonicMs();
    looks = 0;
    waiting.set(transaction.hash, lastSentMs);
  };

  /** One look; answers how long nothing is to be done. */
  return async (signal: AbortSignal): Promise<number> => {
    const restMs = await look(signal);
    return restMs === options.pollMs ? Math.min(POLL_MOST_MS, restMs * 2 ** Math.min(looks++, 30)) : restMs;
  };

  async function look(signal: AbortSignal): Promise<number> {
    const { latest, final } = await recorder.nonces(signal);
    forgetFinal(outbox, final);
    const sent = readSent(outbox);
    await requireSucceeded(
      sent.filter(({ nonce }) => nonce < latest),
      signal,
    );
    const open = sent.filter(({ nonce }) => nonce >= latest);
    // Where the next nonce is not among them, one before them was dropped: nothing of them is mined until it is filled.
    const next = open[0]?.nonce === latest ? open[0] : null;
    if (next !== null) {
      // Kept by an earlier run, which may have ended before it was sent.
      const sinceMs = waiting.get(next.hash) ?? runtime.monotonicMs();
      waiting.set(next.hash, sinceMs);
      if (sinceMs + options.replaceAfterMs > runtime.monotonicMs()) return sendAgain(open, signal);
    }
    const { heads } = await ledger.readHeads([writer.dataset], 'latest', signal);
    const head = heads[0] as Head;
    // The comparison of logs deals with that.
    if (!isOurs(outbox, head)) return options.pollMs;
    // A node that lags behind the one that said what is final.
    if (isBehindFinal(outbox, head.size)) return options.pollMs;
    const rows = takeRows(outbox, head.size);
    if (rows.length === 0) {
      for (const transaction of open) forgetSent(outbox, transaction);
      return Number.POSITIVE_INFINITY;
    }
    const dueMs = lastSentMs + options.recordEveryMs - runtime.monotonicMs();
    if (open.length === 0 && dueMs > 0) return dueMs;

    const call = await buildCall(parts, rows, signal);
    const { accepted, gas } = await recorder.simulate(call, signal);
    if (accepted[0] !== true) throw new NotRecordedError('The chain would refuse these blocks now. They stay stored.');
    const transaction = await recorder.prepare(
      call,
      { nonce: latest, gas, ...(next === null ? {} : { replaces: next }) },
      signal,
    );
    await send(transaction, signal);
    if (next !== null) waiting.delete(next.hash);
    report({ event: 'sent', tx: transaction.hash, blocks: sizeAfter(rows) });
    return options.pollMs;
  }
}

function isBehindFinal(outbox: Outbox, size: number): boolean {
  for (const next of batchesFrom(outbox, size)) return stateNumber(next.state) >= stateNumber('final');
  return false;
}

/** Stored batches behind the chain's head, without a gap. */
function takeRows(outbox: Outbox, from: number): SealedRow[] {
  const rows: SealedRow[] = [];
  for (const row of batchesFrom(outbox, from)) {
    // Recorded, but not in this head: a reorganisation that has not been noticed yet.
    if (!isSealed(row) || row.state === 'sealed') break;
    if (row.end.size - from > MAX_UPDATE_BLOCKS) break;
    rows.push(row);
  }
  return rows;
}

async function buildCall(parts: DirectParts, rows: readonly SealedRow[], signal: AbortSignal): Promise<RecordCall> {
  const { ledger, writer, account, charter } = parts;
  const { devices } = await ledger.readDevices([writer.dataset], 'latest', signal);
  return { charters: charterToSend(charter, account, devices[0] ?? null), updates: [buildUpdate(parts, rows)] };
}

function buildUpdate({ primitives, outbox, writer }: DirectParts, rows: readonly SealedRow[]): Update {
  const [oldest, newest] = [rows[0] as SealedRow, rows[rows.length - 1] as SealedRow];
  const leafHashes = rows.flatMap((row) => readLeafHashes(outbox, row));
  const { peaks, appended } = growthOfLeaves(primitives, peaksBefore(outbox, oldest.first), leafHashes);
  const head = { dataset: writer.dataset, size: newest.end.size, root: newest.root };
  // Signed here, as the newest batch may have been adopted from this dataset's former device.
  return { ...head, peaks, appended, signature: signHead(writer.domain, head, writer.deviceKey) };
}

function sizeAfter(rows: readonly SealedRow[]): number {
  return rows.at(-1)?.end.size ?? 0;
}
