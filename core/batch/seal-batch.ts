import {
  commitContent,
  contentBatchKey,
  contentKey,
  encryptContent,
  PLAIN_COMMITMENT,
  requireContentSize,
} from '../block/content-cipher.ts';
import { blockDigest, type Opening, openBlock } from '../block/digest.ts';
import { type BlockMeta, encodeMeta } from '../block/meta.ts';
import { batchSalt, blockKeys, commitKey, sealDigest } from '../block/seal.ts';
import type { DatasetId, DatasetKey, PrivateKey } from '../ids.ts';
import { appendLeaf, type Frontier, frontierRoot } from '../log/frontier.ts';
import { type HeadDomain, signHead } from '../log/head.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Manifest, ManifestBlock } from './manifest.ts';
import { type BatchLeaf, batchLeafHash, batchRoot, ROOTED, requireBatchCount, sealedHash } from './record.ts';
import { buildSegment, type Segment } from './segment.ts';

/** The end of a dataset's log: where the next batch goes. */
export interface LogEnd {
  /** Blocks so far. */
  readonly size: number;
  readonly frontier: Frontier;
}

export const EMPTY_LOG: LogEnd = { size: 0, frontier: { leaves: 0, peaks: [] } };

/** What a dataset's device needs to seal. */
export interface DatasetWriter {
  readonly dataset: DatasetId;
  readonly datasetKey: DatasetKey;
  readonly deviceKey: PrivateKey;
  readonly domain: HeadDomain;
  readonly plain: boolean;
  readonly published: boolean;
}

export interface CapturedBlock {
  readonly content: Uint8Array;
  readonly meta: BlockMeta;
}

export interface SealedBatch {
  readonly manifest: Manifest;
  readonly leaf: BatchLeaf;
  readonly segment: Segment;
  /** The log's end after this batch. */
  readonly end: LogEnd;
}

/**
 * Seals captured blocks into the next batch of a log: encrypts, digests, seals, signs the head, writes the segment.
 * Tables II to V, steps 1 to 5. `nonce16` must have been stored durably before, and is ignored for plain datasets.
 */
export function sealBatch(...batch: Parameters<typeof sealBatchInSteps>): SealedBatch {
  const steps = sealBatchInSteps(...batch);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** The same, with a pause behind every block: a large batch takes long, and a caller may have others to serve meanwhile. */
export function* sealBatchInSteps(
  primitives: Primitives,
  writer: DatasetWriter,
  end: LogEnd,
  captured: readonly CapturedBlock[],
  nonce16: Uint8Array,
): Generator<void, SealedBatch> {
  requireBatchCount(captured.length);
  const { dataset, datasetKey } = writer;
  const first = end.size;
  const batchContentKey = writer.plain ? null : contentBatchKey(primitives, datasetKey, nonce16);

  const blocks: Uint8Array[] = [];
  const metas: Uint8Array[] = [];
  const openings: Opening[] = [];
  for (const [number, { content, meta }] of captured.entries()) {
    const index = first + number;
    requireContentSize(content);
    const block =
      batchContentKey === null
        ? content
        : encryptContent(primitives, contentKey(primitives, batchContentKey, index), { dataset, index }, content);
    const encoded = encodeMeta(meta);
    blocks.push(block);
    metas.push(encoded);
    openings.push(openBlock(primitives, block, encoded));
    yield;
  }
  const digests = openings.map((opening, number) =>
    blockDigest(primitives, { dataset, index: first + number }, opening),
  );

  const salt = batchSalt(primitives, datasetKey, first, digests);
  const keyOf = blockKeys(primitives, datasetKey, salt);
  const lines: ManifestBlock[] = openings.map((opening, number) => {
    const key = keyOf(first + number);
    return {
      sha256: opening.sha256,
      size: opening.size,
      chunkRoot: opening.chunkRoot,
      meta: metas[number] as Uint8Array,
      sealed: sealDigest(primitives, digests[number] as (typeof digests)[number], key),
      commitment: commitKey(primitives, key),
    };
  });

  const contentCommitment = batchContentKey === null ? PLAIN_COMMITMENT : commitContent(primitives, batchContentKey);
  const leaf: BatchLeaf = {
    dataset,
    first,
    count: blocks.length,
    salt,
    batchRoot: batchRoot(primitives, contentCommitment, lines),
    sealedHash: writer.published ? sealedHash(lines.map((line) => line.sealed)) : ROOTED,
  };
  const frontier = appendLeaf(primitives, end.frontier, batchLeafHash(primitives, leaf));
  const size = first + blocks.length;
  const root = frontierRoot(primitives, frontier);
  const manifest: Manifest = {
    dataset,
    first,
    salt,
    nonce: writer.plain ? null : nonce16,
    contentCommitment,
    published: writer.published,
    head: { size, batches: frontier.leaves, root },
    signature: signHead(writer.domain, { dataset, size, batches: frontier.leaves, root }, writer.deviceKey),
    blocks: lines,
  };
  return { manifest, leaf, segment: buildSegment(primitives, manifest, blocks), end: { size, frontier } };
}

/** The chain's leaf of a stored batch, rebuilt from its manifest. */
export function batchLeafOf(primitives: Pick<Primitives, 'sha256'>, manifest: Manifest): BatchLeaf {
  return {
    dataset: manifest.dataset,
    first: manifest.first,
    count: manifest.blocks.length,
    salt: manifest.salt,
    batchRoot: batchRoot(primitives, manifest.contentCommitment, manifest.blocks),
    sealedHash: manifest.published ? sealedHash(manifest.blocks.map((block) => block.sealed)) : ROOTED,
  };
}
