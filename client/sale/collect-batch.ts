import {
  type BatchArchive,
  type LogPlace,
  type OwnedBatch,
  ownBatch,
  requireInLog,
} from '../../core/agreement/build-keys.ts';
import type { Manifest } from '../../core/batch/manifest.ts';
import { metaHash } from '../../core/block/meta.ts';
import { ProofError } from '../../core/errors.ts';
import type { BlockIndex, DatasetId, DatasetKey, Salt } from '../../core/ids.ts';
import type { BatchRecords, RecordSource } from '../../core/ports/css.ts';
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
  readonly service: RecordSource & Parameters<SaleParts['fetchManifest']>[0];
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
  const archive = parts.findArchive(found.first, found.salt) ?? (await archiveOf(parts, log.dataset, found, signal));
  const batch = ownBatch(primitives, datasetKey, archive);
  requireInLog(primitives, batch, place, log);
  if (block < archive.first || block >= archive.first + archive.openings.length) {
    throw new ProofError(`The storage shows another batch, of block ${archive.first}, as that of block ${block}.`);
  }
  return { batch, place };
}

async function archiveOf(
  parts: CollectParts,
  dataset: DatasetId,
  found: BatchRecords,
  signal: AbortSignal,
): Promise<BatchArchive> {
  const manifest = await parts.fetchManifest(parts.service, dataset, found.first, signal);
  if (manifest === null) throw new ProofError(`The storage does not give the segment of block ${found.first}.`);
  const { first, salt, nonce, contentCommitment, published, blocks } = manifest as Manifest;
  const openings = blocks.map(({ size, sha256, chunkRoot, meta }) => {
    return { size, sha256, chunkRoot, metaHash: metaHash(parts.primitives, meta) };
  });
  return { dataset, first, salt, nonce, contentCommitment, published, openings };
}
