import { type BatchArchive, type OwnedBatch, ownBatch } from '../../core/agreement/own-batch.ts';
import type { SoldLog } from '../../core/agreement/verify-keys.ts';
import { blockDigest, type Opening } from '../../core/block/digest.ts';
import { metaHash } from '../../core/block/meta.ts';
import { auditKey, batchSalt } from '../../core/block/seal.ts';
import { equalBytes } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { ProofError } from '../../core/errors.ts';
import type { BlockIndex, DatasetKey } from '../../core/ids.ts';
import { MAX_RECORD_BLOCKS } from '../../core/limits.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import type { BatchHint, CssY, RecordSource } from '../../core/ports/css.ts';
import { MAX_CHALLENGE_BLOCKS } from '../../core/wire/requests.ts';
import type { SaleParts } from './sale-parts.ts';
import { type ProvenRun, subsetProof } from './subset-proof.ts';

/** What keys and answers of consecutive blocks of one batch are made of: those that are for sale. */
export interface HeldArchive extends BatchArchive {
  /** Of the device that sealed them. */
  readonly serial: number;
  readonly blocks: readonly Opening[];
}

/** Blocks of the sold log, proven to be its, with all that the owner alone can derive. */
export interface HeldBatch {
  readonly archive: HeldArchive;
  readonly batch: OwnedBatch;
  /** Of all its records, in the log that was sold. */
  readonly run: ProvenRun;
  /** Whether these are all the blocks of their batch, by its salt: only then its content key opens nothing else. */
  readonly isWhole: boolean;
}

export interface CollectParts extends Pick<SaleParts, 'primitives' | 'fetchManifest'> {
  /** @throws FileError when there is no key of the device of this serial */
  datasetKeyOf(serial: number): DatasetKey;
  readonly service: RecordSource & Pick<CssY, 'hashBlocks'> & Parameters<SaleParts['fetchManifest']>[0];
  /** The blocks that are for sale. */
  readonly range: { readonly first: BlockIndex; readonly count: number };
  /** Whether the service gives the whole segment of these blocks; else openings are asked for block by block. */
  mayFetch(first: BlockIndex, count: number): boolean;
  /** What was archived of these blocks before, if anything. */
  findArchive(hint: BatchHint, first: BlockIndex, count: number): HeldArchive | null;
}

/**
 * Collects from storage what is needed of the batch that holds a block, as far as it is for sale, and proves it by the sold
 * log's root. Nothing is taken on the storage's word: salt, nonce and openings make the records, and those lead to the root.
 * @throws ProofError when what the storage gives does not lead to the log
 */
export async function collectBatch(
  parts: CollectParts,
  log: SoldLog,
  block: BlockIndex,
  signal: AbortSignal,
): Promise<HeldBatch> {
  const hint = await hintOf(parts, log, block, signal);
  const first = Math.max(hint.first, parts.range.first);
  const end = Math.min(hint.first + hint.count, parts.range.first + parts.range.count);
  if (block < first || block >= end) {
    throw new ProofError(`The storage shows the batch of block ${hint.first} in place of the one of block ${block}.`);
  }
  const archive =
    parts.findArchive(hint, first, end - first) ?? (await archiveOf(parts, log, hint, [first, end], signal));
  const run = await proveRun(parts, log, ownRecords(parts, archive), signal);
  return heldBatch(parts, archive, run.proof);
}

/**
 * What a proven archive and its proof give; the proof is not looked at.
 * @throws ProofError when the archive contradicts itself
 */
export function heldBatch(
  parts: Pick<CollectParts, 'primitives' | 'datasetKeyOf'>,
  archive: HeldArchive,
  proof: readonly Uint8Array[],
): HeldBatch {
  const { primitives } = parts;
  const { dataset, first, salt, blocks } = archive;
  const key = parts.datasetKeyOf(archive.serial);
  const batch = ownBatch(primitives, key, archive);
  const digests = blocks.map((opening, i) => blockDigest(primitives, { dataset, index: first + i }, opening));
  const isWhole = equalBytes(batchSalt(primitives, auditKey(primitives, key), first, digests), salt);
  return { archive, batch, run: { first, records: batch.blocks.map(({ record }) => record), proof }, isWhole };
}

async function hintOf(
  { service }: CollectParts,
  { dataset, size }: SoldLog,
  block: BlockIndex,
  signal: AbortSignal,
): Promise<BatchHint> {
  const { batches, faults } = await service.getRecords(dataset, [block], size, signal);
  const [hint] = batches;
  if (hint !== undefined && batches.length === 1) return hint;
  throw new ProofError(`The storage returned no record of block ${block}: ${faults[0]?.reason ?? 'no reason given'}`);
}

async function archiveOf(
  parts: CollectParts,
  { dataset }: SoldLog,
  hint: BatchHint,
  [first, end]: readonly [number, number],
  signal: AbortSignal,
): Promise<HeldArchive> {
  const { serial, salt, nonce } = hint;
  const openings = parts.mayFetch(hint.first, hint.count)
    ? await openingsOfSegment(parts, dataset, hint, [first, end], signal)
    : await openingsOfBlocks(parts, dataset, [first, end], signal);
  return { dataset, first, serial, salt, nonce, blocks: openings };
}

async function openingsOfSegment(
  { primitives, fetchManifest, service }: CollectParts,
  dataset: SoldLog['dataset'],
  hint: BatchHint,
  [first, end]: readonly [number, number],
  signal: AbortSignal,
): Promise<Opening[]> {
  const manifest = await fetchManifest(service, dataset, hint.first, signal);
  if (manifest === null) throw new ProofError(`The storage did not return the segment of block ${hint.first}.`);
  const lines = manifest.blocks.slice(first - hint.first, end - hint.first);
  if (lines.length !== end - first) {
    throw new ProofError(
      `The segment of block ${hint.first} has ${counted(manifest.blocks.length, 'block')}, not ${hint.count}.`,
    );
  }
  return lines.map(({ size, sha256, chunkRoot, meta }) => {
    return { size, sha256, chunkRoot, metaHash: metaHash(primitives, meta) };
  });
}

/** Where the agent may not see the whole segment, as a part of its blocks is not for sale. */
async function openingsOfBlocks(
  { service }: CollectParts,
  dataset: SoldLog['dataset'],
  [first, end]: readonly [number, number],
  signal: AbortSignal,
): Promise<Opening[]> {
  const known = new Map<BlockIndex, Opening>();
  let left = Array.from({ length: end - first }, (_, i) => first + i);
  while (left.length > 0) {
    const { answers } = await service.hashBlocks(dataset, left.slice(0, MAX_CHALLENGE_BLOCKS), signal);
    for (const answer of answers) {
      if ('reason' in answer) throw new ProofError(`The storage did not hash block ${answer.index}: ${answer.reason}`);
      known.set(answer.index, answer.opening);
    }
    const before = left.length;
    left = left.filter((index) => !known.has(index));
    if (left.length === before) throw new ProofError(`The storage did not hash block ${left[0]}.`);
  }
  return Array.from({ length: end - first }, (_, i) => known.get(first + i) as Opening);
}

function ownRecords(parts: CollectParts, archive: HeldArchive): Omit<ProvenRun, 'proof'> {
  const { first, blocks } = ownBatch(parts.primitives, parts.datasetKeyOf(archive.serial), archive);
  return { first, records: blocks.map(({ record }) => record) };
}

/** Proves the derived records by the storage's proofs, of as many as one request may name, and makes one proof of them. */
async function proveRun(
  { primitives, service }: CollectParts,
  log: SoldLog,
  { first, records }: Omit<ProvenRun, 'proof'>,
  signal: AbortSignal,
): Promise<ProvenRun> {
  const runs: ProvenRun[] = [];
  for (let at = 0; at < records.length; at += MAX_RECORD_BLOCKS) {
    const some = records.slice(at, at + MAX_RECORD_BLOCKS);
    const shown = some.map((record, i) => ({ index: first + at + i, record }));
    const asked = shown.map(({ index }) => index);
    const { proof } = await service.getRecords(log.dataset, asked, log.size, signal);
    requireRecords(primitives, log, shown, proof);
    runs.push({ first: first + at, records: some, proof });
  }
  const [only] = runs;
  if (only !== undefined && runs.length === 1) return only;
  const positions = records.map((_, i) => first + i);
  return { first, records, proof: subsetProof(primitives, log.size, runs, positions) };
}
