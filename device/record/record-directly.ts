import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import { NotRecordedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import { type Head, signHead } from '../../core/log/head.ts';
import type { Ledger, RecordCall, Recorder, SignedTransaction, Update } from '../../core/ports/ledger.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { Report } from '../events.ts';
import { isOurs } from '../log/is-ours.ts';
import { batchesFrom, isSealed, readLeafHashes, type SealedRow, stateNumber } from '../outbox/batch-rows.ts';
import { peaksBefore } from '../outbox/log-end.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { charterToSend } from './charter-to-send.ts';

export interface DirectParts {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly outbox: Outbox;
  readonly writer: DatasetWriter;
  readonly account: Address;
  readonly charter: SignedCharter;
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  readonly report: Report;
}

export interface DirectOptions {
  /** Least time between two transactions: one transaction costs the same whatever has come since. */
  readonly recordEveryMs: number;
  /** After how long an unmined transaction is replaced by one that pays more. */
  readonly replaceAfterMs: number;
  readonly pollMs: number;
}

// Their leaf hashes are in the memory at once; what is left goes with the next transaction.
const MAX_UPDATE_BLOCKS = 2 ** 18;

/**
 * Records with the device's own account what is stored and not on the chain yet, all of it under one signature, by the same
 * call that a relayer makes; how the log has grown follows from the outbox alone. A transaction is on the disk before it is sent, and one at a time is
 * under way, so a crash in between sends the same one again.
 */
export function createDirectRecorder(parts: DirectParts, options: DirectOptions) {
  const { runtime, outbox, ledger, recorder, writer, report } = parts;
  let lastSentMs = Number.NEGATIVE_INFINITY;

  /** One look; answers how long nothing is to be done. */
  return async (signal: AbortSignal): Promise<number> => {
    const pending = readTransaction(outbox);
    if (pending !== null) {
      const receipt = await recorder.receipt(pending.hash, signal);
      if (receipt !== null) {
        outbox.sql('DELETE FROM transactions').run();
        if (!receipt.ok) throw new NotRecordedError(`The transaction ${pending.hash} failed. Another one is sent.`);
        return 0;
      }
      const { latest } = await recorder.nonces(signal);
      if (latest > pending.nonce) {
        // Another transaction of this account took its place.
        outbox.sql('DELETE FROM transactions').run();
        return 0;
      }
      // Kept by an earlier run, which may have ended before it was sent.
      if (lastSentMs === Number.NEGATIVE_INFINITY) lastSentMs = runtime.monotonicMs();
      if (lastSentMs + options.replaceAfterMs > runtime.monotonicMs()) {
        await recorder.broadcast(pending, signal);
        return options.pollMs;
      }
    }
    const { heads } = await ledger.readHeads([writer.dataset], 'latest', signal);
    const head = heads[0] as Head;
    // The comparison of logs deals with that.
    if (!isOurs(outbox, head)) return options.pollMs;
    // A node that lags behind the one that said what is final.
    if (isBehindFinal(outbox, head.size)) return options.pollMs;
    const rows = takeRows(outbox, head.size);
    if (rows.length === 0) {
      if (pending !== null) outbox.sql('DELETE FROM transactions').run();
      return Number.POSITIVE_INFINITY;
    }
    const dueMs = lastSentMs + options.recordEveryMs - runtime.monotonicMs();
    if (pending === null && dueMs > 0) return dueMs;

    const call = await buildCall(parts, rows, signal);
    const { accepted, gas } = await recorder.simulate(call, signal);
    if (accepted[0] !== true) throw new NotRecordedError('The chain would refuse these blocks now. They stay stored.');
    const nonce = pending?.nonce ?? (await recorder.nonces(signal)).latest;
    const replaces = pending === null ? {} : { replaces: pending };
    const transaction = await recorder.prepare(call, { nonce, gas, ...replaces }, signal);
    keepTransaction(outbox, transaction);
    await recorder.broadcast(transaction, signal);
    lastSentMs = runtime.monotonicMs();
    report({ event: 'sent', tx: transaction.hash, blocks: sizeAfter(rows) });
    return options.pollMs;
  };
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

function readTransaction(outbox: Outbox): SignedTransaction | null {
  const row = outbox.sql('SELECT * FROM transactions').get();
  if (row === undefined) return null;
  return {
    hash: row.hash as string,
    nonce: row.nonce as number,
    raw: row.raw as string,
    maxFeePerGasWei: BigInt(row.max_fee as string),
    maxPriorityFeePerGasWei: BigInt(row.max_tip as string),
  };
}

function keepTransaction(outbox: Outbox, transaction: SignedTransaction): void {
  outbox
    .sql('INSERT OR REPLACE INTO transactions (id, hash, nonce, raw, max_fee, max_tip) VALUES (1, ?, ?, ?, ?, ?)')
    .run(
      ...[transaction.hash, transaction.nonce, transaction.raw],
      ...[transaction.maxFeePerGasWei.toString(), transaction.maxPriorityFeePerGasWei.toString()],
    );
}
