import type { Manifest } from '../../core/batch/manifest.ts';
import { type BatchLeaf, batchLeafHash, batchRoot, ROOTED } from '../../core/batch/record.ts';
import type { CapturedBlock, LogEnd, SealedBatch } from '../../core/batch/seal-batch.ts';
import { buildSegment } from '../../core/batch/segment.ts';
import { PLAIN_COMMITMENT } from '../../core/block/content-cipher.ts';
import { blockDigest, type Opening, openBlock } from '../../core/block/digest.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { batchSalt, blockKeys, commitKey, sealDigest } from '../../core/block/seal.ts';
import type { Commitment, ContentCommitment, Salt } from '../../core/ids.ts';
import { appendLeaf, frontierRoot } from '../../core/log/frontier.ts';
import { signHead } from '../../core/log/head.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { WRITER } from './honest-storage.ts';

/** How a writer with all keys may record something else than what it stores. */
export interface Misrecording {
  /** What the digest says of a block, in place of the truth. */
  readonly opening?: (opening: Opening, number: number) => Opening;
  readonly commitment?: (commitment: Commitment, number: number) => Commitment;
  readonly salt?: (salt: Salt) => Salt;
  /** Stored bytes are encrypted by the caller; this is what the batch commits to. */
  readonly content?: { readonly nonce: Uint8Array; readonly commitment: ContentCommitment };
}

/** A batch whose segment and signature are in order, but whose record is not. `captured` holds stored bytes. */
export function sealMisrecorded(
  primitives: Primitives,
  end: LogEnd,
  captured: readonly CapturedBlock[],
  misrecording: Misrecording,
): SealedBatch {
  const { dataset, datasetKey } = WRITER;
  const first = end.size;
  const metas = captured.map(({ meta }) => encodeMeta(meta));
  const told = captured.map(({ content }, number) => {
    const opening = openBlock(primitives, content, metas[number] as Uint8Array);
    return misrecording.opening?.(opening, number) ?? opening;
  });
  const digests = told.map((opening, number) => blockDigest(primitives, { dataset, index: first + number }, opening));
  const trueSalt = batchSalt(primitives, datasetKey, first, digests);
  const keyOf = blockKeys(primitives, datasetKey, trueSalt);
  const blocks = told.map((opening, number) => {
    const key = keyOf(first + number);
    const commitment = commitKey(primitives, key);
    return {
      // The segment lists the bytes as they are, so that storage takes it.
      sha256: openBlock(primitives, captured[number]?.content as Uint8Array, metas[number] as Uint8Array).sha256,
      ...{ size: captured[number]?.content.length as number, chunkRoot: opening.chunkRoot },
      meta: metas[number] as Uint8Array,
      sealed: sealDigest(primitives, digests[number] as (typeof digests)[number], key),
      commitment: misrecording.commitment?.(commitment, number) ?? commitment,
    };
  });
  const salt = misrecording.salt?.(trueSalt) ?? trueSalt;
  const contentCommitment = misrecording.content?.commitment ?? PLAIN_COMMITMENT;
  const root = batchRoot(primitives, contentCommitment, blocks);
  const leaf: BatchLeaf = { dataset, first, count: blocks.length, salt, batchRoot: root, sealedHash: ROOTED };
  const frontier = appendLeaf(primitives, end.frontier, batchLeafHash(primitives, leaf));
  const head = { size: first + blocks.length, batches: frontier.leaves, root: frontierRoot(primitives, frontier) };
  const manifest: Manifest = {
    ...{ dataset, first, salt, nonce: misrecording.content?.nonce ?? null, contentCommitment, published: false },
    ...{ head, signature: signHead(WRITER.domain, { dataset, ...head }, WRITER.deviceKey), blocks },
  };
  const stored = captured.map(({ content }) => content);
  return { manifest, leaf, segment: buildSegment(primitives, manifest, stored), end: { size: head.size, frontier } };
}
