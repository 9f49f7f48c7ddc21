import { sealedHash } from '../../core/batch/record.ts';
import { readSegmentFront } from '../../core/batch/segment.ts';
import { equalBytes } from '../../core/bytes.ts';
import { SegmentError } from '../../core/errors.ts';
import type { Address, BatchRoot, DatasetId, Salt, SealedDigest } from '../../core/ids.ts';
import type { Update, UpdateLeaf } from '../../core/ports/ledger.ts';
import type { LogEntry, Unpaid } from '../state/entries.ts';
import { objectKey, readSegmentEntry } from '../state/segment-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';

/** Batches of one dataset that the chain does not have, in order, as far as they may go under one signature. */
export interface Pending {
  readonly dataset: DatasetId;
  /** The chain's number of batches, which these follow. */
  readonly batches: number;
  readonly device: Address;
  /** Whether its owner is served for a grant alone: nothing is recorded for it that is not paid for. */
  readonly onlyPaid: boolean;
  /** As it was when last looked at. */
  readonly unpaid: Unpaid | null;
  readonly entries: readonly LogEntry[];
}

export interface BuiltUpdate {
  readonly pending: Pending;
  readonly update: Update;
  /** Log length that it leads to. */
  readonly upTo: number;
  readonly sizeBytes: number;
}

const LEAF_BYTES = 69;
const DIGEST_BYTES = 32;
/** ABI encoding of one update without its leaves and digests: offsets, lengths, dataset, signature and all padding. */
const UPDATE_BYTES = 32 * 12;

/**
 * The longest update within `maxBytes` and `maxBatches` that ends at a head of the current device. `too-long`: not even
 * the first such head is within reach. `unreadable`: a segment to be published before it cannot be read now.
 */
export async function buildUpdate(
  ports: AnchorPorts,
  pending: Pending,
  limits: { maxBytes: number; maxBatches: number },
  signal?: AbortSignal,
): Promise<BuiltUpdate | 'too-long' | 'unreadable'> {
  const { dataset, entries, device } = pending;
  let length = lengthWithin(entries, limits);
  length = endOfDevice(entries, device, length);
  if (length === 0) return 'too-long';
  const leaves: UpdateLeaf[] = [];
  while (leaves.length < length) {
    const entry = entries[leaves.length] as LogEntry;
    const sealed = entry.published ? await readSealed(ports, dataset, entry, signal) : null;
    if (entry.published && sealed === null) {
      // What lies before it can go on.
      length = endOfDevice(entries, device, leaves.length);
      break;
    }
    leaves.push({ count: entry.count, salt: entry.salt as Salt, batchRoot: entry.batchRoot as BatchRoot, sealed });
  }
  const last = entries[length - 1];
  if (last === undefined) return 'unreadable';
  const update = { dataset, leaves: leaves.slice(0, length), signature: last.signature };
  const sizeBytes = entries.slice(0, length).reduce((sum, entry) => sum + entryBytes(entry), UPDATE_BYTES);
  return { pending, update, upTo: last.batches, sizeBytes };
}

function lengthWithin(entries: readonly LogEntry[], limits: { maxBytes: number; maxBatches: number }): number {
  let sizeBytes = UPDATE_BYTES;
  for (const [length, entry] of entries.entries()) {
    sizeBytes += entryBytes(entry);
    if (length >= limits.maxBatches || sizeBytes > limits.maxBytes) return length;
  }
  return entries.length;
}

/** The largest length, `most` at most, whose last batch the device has signed the head of. */
function endOfDevice(entries: readonly LogEntry[], device: Address, most: number): number {
  for (let length = most; length > 0; length--) if (entries[length - 1]?.signer === device) return length;
  return 0;
}

function entryBytes(entry: LogEntry): number {
  return LEAF_BYTES + (entry.published ? DIGEST_BYTES * entry.count : 0);
}

/** The sealed digests of a published batch, from its segment; null when it is missing or not what the log says. */
async function readSealed(
  { objects, primitives, table, observer }: AnchorPorts,
  dataset: DatasetId,
  entry: LogEntry,
  signal?: AbortSignal,
): Promise<SealedDigest[] | null> {
  const key = objectKey(dataset, entry);
  const segment = await readSegmentEntry(table, dataset, entry, signal);
  const front =
    segment?.frontBytes === undefined ? null : await objects.read(key, { start: 0, end: segment.frontBytes }, signal);
  const sealed = front === null ? null : sealedOf(primitives, front);
  if (sealed !== null && equalBytes(sealedHash(sealed), entry.sealedHash)) return sealed;
  observer.error('the segment of a batch to publish is missing or damaged', { dataset, key, batches: entry.batches });
  observer.count('Anchor.segmentUnreadable');
  return null;
}

function sealedOf(primitives: AnchorPorts['primitives'], front: Uint8Array): SealedDigest[] | null {
  try {
    return readSegmentFront(primitives, front).manifest.blocks.map((block) => block.sealed);
  } catch (error) {
    if (error instanceof SegmentError) return null;
    throw error;
  }
}
