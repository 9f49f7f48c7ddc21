import {
  type BatchArchive,
  type LogPlace,
  type OwnedBatch,
  ownBatch,
  requireInLog,
} from '../../core/agreement/build-keys.ts';
import type { BlockRecord } from '../../core/batch/record.ts';
import type { Opening } from '../../core/block/digest.ts';
import { metaHash } from '../../core/block/meta.ts';
import { isZero } from '../../core/bytes.ts';
import { ProofError } from '../../core/errors.ts';
import type { BlockIndex, DatasetId, DatasetKey, Salt } from '../../core/ids.ts';
import { MAX_RECORD_BLOCKS } from '../../core/limits.ts';
import type { BatchRecords, CssY, RecordSource } from '../../core/ports/css.ts';
import { MAX_CHALLENGE_BLOCKS } from '../../core/wire/requests.ts';
import { pathFromMultiproof } from './path-from-multiproof.ts';
import type { SaleParts } from './sale-parts.ts';

/** The log that an agreement sells blocks of. */
export interface SoldLog {
  readonly dataset: DatasetId;
  readonly root: Uint8Array;
  readonly batches: number;
}

/** A batch of the sold log, proven to be one, with everything that keys and answers are made of. */
export interface HeldBatch {
  readonly batch: OwnedBatch;
  readonly place: LogPlace;
}

export interface CollectParts extends Pick<SaleParts, 'primitives' | 'fetchManifest'> {
  readonly datasetKey: DatasetKey;
  readonly service: RecordSource & Pick<CssY, 'hashBlocks'> & Parameters<SaleParts['fetchManifest']>[0];
  /** Whether the service gives the whole segment of these blocks; else openings only of those that are for sale. */
  mayFetch(first: BlockIndex, count: number): boolean;
  /** Blocks that openings are wanted of. */
  isWanted?(block: BlockIndex): boolean;
  /** What was archived of the batch before, if anything. */
  findArchive(first: BlockIndex, salt: Salt): BatchArchive | null;
}

/**
 * Collects from storage what is needed of the batch that holds a block, and proves it by the sold log's root: the openings of
 * all its blocks, as records alone do not tell them. Nothing is taken on the storage's word.
 * @throws ProofError when what the storage gives does not lead to the log
 */
export async function collectBatch(
  parts: CollectParts,
  log: SoldLog,
  block: BlockIndex,
  signal: AbortSignal,
): Promise<HeldBatch> {
  const { primitives, datasetKey, service } = parts;
  const { batches, proof, faults } = await service.getRecords(log.dataset, [block], log.batches, signal);
  const [found] = batches;
  if (found === undefined || batches.length !== 1) {
    throw new ProofError(`The storage gives no record of block ${block}: ${faults[0]?.reason ?? 'no reason given'}`);
  }
  const place = { position: found.position, logPath: pathFromMultiproof(found.position, log.batches, proof) };
  const archive = parts.findArchive(found.first, found.salt) ?? (await archiveOf(parts, log, found, signal));
  const batch = ownBatch(primitives, datasetKey, archive);
  requireInLog(primitives, batch, place, log);
  if (block < archive.first || block >= archive.first + archive.blocks.length) {
    throw new ProofError(`The storage shows another batch, of block ${archive.first}, as that of block ${block}.`);
  }
  return { batch, place };
}

async function archiveOf(
  parts: CollectParts,
  log: SoldLog,
  found: BatchRecords,
  signal: AbortSignal,
): Promise<BatchArchive> {
  const { dataset } = log;
  if (!parts.mayFetch(found.first, found.count)) return archiveEdge(parts, log, found, signal);
  const manifest = await parts.fetchManifest(parts.service, dataset, found.first, signal);
  if (manifest === null) throw new ProofError(`The storage does not give the segment of block ${found.first}.`);
  const { first, salt, nonce, contentCommitment, published } = manifest;
  const blocks = manifest.blocks.map(({ size, sha256, chunkRoot, meta }) => {
    return { size, sha256, chunkRoot, metaHash: metaHash(parts.primitives, meta) };
  });
  return { dataset, first, salt, nonce, contentCommitment, published, blocks };
}

/** A batch of which only some blocks are for sale: records of all of them, openings of those. */
async function archiveEdge(
  { service, isWanted = () => true }: CollectParts,
  { dataset, batches }: SoldLog,
  found: BatchRecords,
  signal: AbortSignal,
): Promise<BatchArchive> {
  const { first, salt, nonce, contentCommitment, sealedHash } = found;
  const known = new Map<BlockIndex, Opening | BlockRecord>();
  const all = Array.from({ length: found.count }, (_, i) => first + i);
  for (let at = 0; at < all.length; at += MAX_RECORD_BLOCKS) {
    const asked = all.slice(at, at + MAX_RECORD_BLOCKS);
    const records = await service.getRecords(dataset, asked, batches, signal);
    for (const { index, sealed, commitment } of records.batches.flatMap((batch) => batch.records)) {
      known.set(index, { sealed, commitment });
    }
  }
  let left = all.filter(isWanted);
  while (left.length > 0) {
    const { answers } = await service.hashBlocks(dataset, left.slice(0, MAX_CHALLENGE_BLOCKS), signal);
    const before = left.length;
    for (const answer of answers) {
      if ('reason' in answer) throw new ProofError(`The storage does not hash block ${answer.index}: ${answer.reason}`);
      known.set(answer.index, answer.opening);
    }
    const told = new Set(answers.map(({ index }) => index));
    left = left.filter((index) => !told.has(index));
    if (left.length === before) throw new ProofError(`The storage does not hash block ${left[0]}.`);
  }
  const blocks = all.map((index) => {
    const block = known.get(index);
    if (block !== undefined) return block;
    throw new ProofError(`The storage gives no record of block ${index}.`);
  });
  return { dataset, first, salt, nonce, contentCommitment, published: !isZero(sealedHash), blocks };
}
