import { readSegmentFront } from '../../core/batch/segment.ts';
import { NotRecordedError } from '../../core/errors.ts';
import type { SealedDigest } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import { type Head, signHead } from '../../core/log/head.ts';
import type { Ledger, Recorder, SignedTransaction, Update, UpdateLeaf } from '../../core/ports/ledger.ts';
import type { Report } from '../events.ts';
import type { SealingParts } from '../log/make-batch.ts';
import { rebuildSegment } from '../log/rebuild-segment.ts';
import { batchesFrom, isSealed, readFront, type SealedRow } from '../outbox/batch-rows.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { isOurs } from './follow-heads.ts';

export interface DirectParts extends SealingParts {
  readonly ledger: Ledger;
  readonly recorder: Recorder;
  readonly report: Report;
}

export interface DirectOptions {
  /** Least time between two transactions: waiting records more batches under one signature. */
  readonly recordEveryMs: number;
  /** After how long an unmined transaction is replaced by one that pays more. */
  readonly replaceAfterMs: number;
  readonly pollMs: number;
}

// A transaction has at most 131,072 bytes; this leaves room for its frame and the ABI's padding.
const MAX_UPDATE_BYTES = 100_000;
const LEAF_BYTES = 69;
const MAX_UPDATE_BATCHES = 512;
// The chain's limit is 16,777,216 gas; publishing costs up to 1,320 a block.
const MAX_PUBLISHED_BLOCKS = 8 * MAX_BATCH_BLOCKS;

/**
 * Records with the device's own account what is stored and not on the chain yet: every batch of it under the signature of
 * the newest, by the same call that a relayer makes. A transaction is on the disk before it is sent, and one at a time is
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
    const rows = takeRows(outbox, head.batches);
    if (rows.length === 0) {
      if (pending !== null) outbox.sql('DELETE FROM transactions').run();
      return Number.POSITIVE_INFINITY;
    }
    const dueMs = lastSentMs + options.recordEveryMs - runtime.monotonicMs();
    if (pending === null && dueMs > 0) return dueMs;

    const update = await buildUpdate(parts, rows);
    const { accepted, gas } = await recorder.simulate([update], signal);
    if (accepted[0] !== true) throw new NotRecordedError('The chain would refuse these batches now. They stay stored.');
    const nonce = pending?.nonce ?? (await recorder.nonces(signal)).latest;
    const replaces = pending === null ? {} : { replaces: pending };
    const transaction = await recorder.prepare([update], { nonce, gas, ...replaces }, signal);
    keepTransaction(outbox, transaction);
    await recorder.broadcast(transaction, signal);
    lastSentMs = runtime.monotonicMs();
    report({ event: 'sent', tx: transaction.hash, batches: rows.length });
    return options.pollMs;
  };
}

/** Stored batches behind the chain's head, as many as one transaction takes. */
function takeRows(outbox: Outbox, fromPosition: number): SealedRow[] {
  const rows: SealedRow[] = [];
  let bytes = 0;
  let publishedBlocks = 0;
  for (const row of batchesFrom(outbox, fromPosition, MAX_UPDATE_BATCHES)) {
    // Recorded, but not in this head: a reorganisation that has not been noticed yet.
    if (!isSealed(row) || row.state === 'sealed') break;
    bytes += LEAF_BYTES + (row.published ? 32 * row.blocks : 0);
    publishedBlocks += row.published ? row.blocks : 0;
    if (rows.length > 0 && (bytes > MAX_UPDATE_BYTES || publishedBlocks > MAX_PUBLISHED_BLOCKS)) break;
    rows.push(row);
  }
  return rows;
}

async function buildUpdate(parts: DirectParts, rows: readonly SealedRow[]): Promise<Update> {
  const leaves: UpdateLeaf[] = [];
  for (const row of rows) {
    const { blocks: count, salt, batchRoot } = row;
    leaves.push({ count, salt, batchRoot, sealed: row.published ? await sealedDigests(parts, row) : null });
  }
  const newest = rows[rows.length - 1] as SealedRow;
  const { dataset, domain, deviceKey } = parts.writer;
  const head = { dataset, size: newest.first + newest.blocks, batches: newest.position + 1, root: newest.root };
  // Signed here, as the newest batch may have been adopted from this dataset's former device.
  return { dataset, leaves, signature: signHead(domain, head, deviceKey) };
}

async function sealedDigests(parts: DirectParts, row: SealedRow): Promise<SealedDigest[]> {
  const manifest = row.adopted
    ? readSegmentFront(parts.primitives, readFront(parts.outbox, row.position)).manifest
    : (await rebuildSegment(parts, row)).manifest;
  return manifest.blocks.map((block) => block.sealed);
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
