import { buildSegment } from '../../core/batch/build-segment.ts';
import type { Manifest, ManifestBlock } from '../../core/batch/manifest-fields.ts';
import type { CapturedBlock, DatasetWriter, SealedBatch } from '../../core/batch/seal-batch.ts';
import { PLAIN_COMMITMENT } from '../../core/block/content-keys.ts';
import { blockDigest, type Opening, openBlock } from '../../core/block/digest.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { auditKey, batchSalt, blockKeys, commitKey, sealDigest } from '../../core/block/seal.ts';
import type { Commitment, ContentCommitment, Nonce, Salt } from '../../core/ids.ts';
import { signHead } from '../../core/log/head.ts';
import { appendLeaves, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { recordHash } from '../../core/log/record.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { WRITER, writerOf } from './honest-storage.ts';

/** How a writer with all keys may record something else than what it stores. */
export interface Misrecording {
  /** What the digest says of a block, in place of the truth. */
  readonly opening?: (opening: Opening, number: number) => Opening;
  readonly commitment?: (commitment: Commitment, number: number) => Commitment;
  /** What its segment and its storage say, in place of the salt that the keys were made of. */
  readonly salt?: (salt: Salt) => Salt;
  /** Stored bytes are encrypted by the caller; this is what the segment says, and what each record commits to. */
  readonly content?: { readonly nonce: Nonce; readonly commitment: (index: number) => ContentCommitment };
}

/**
 * A batch whose segment and signature are in order, but whose records are not; of an encrypted dataset where its content is,
 * else of a plain one. `captured` holds stored bytes.
 */
export function sealMisrecorded(
  primitives: Primitives,
  before: Peaks,
  captured: readonly CapturedBlock[],
  misrecording: Misrecording,
): SealedBatch {
  const { dataset, datasetKey, serial, domain, deviceKey } = writerOfMisrecorded(misrecording);
  const first = before.size;
  const metas = captured.map(({ meta }) => encodeMeta(meta));
  const told = captured.map(({ content }, number) => {
    const opening = openBlock(primitives, content, metas[number] as Uint8Array);
    return misrecording.opening?.(opening, number) ?? opening;
  });
  const digests = told.map((opening, number) => blockDigest(primitives, { dataset, index: first + number }, opening));
  const trueSalt = batchSalt(primitives, auditKey(primitives, datasetKey), first, digests);
  const keyOf = blockKeys(primitives, auditKey(primitives, datasetKey), trueSalt);
  const blocks = told.map((opening, number): ManifestBlock => {
    const key = keyOf(first + number);
    const commitment = commitKey(primitives, key);
    return {
      // The segment lists the bytes as they are, so that storage takes it.
      sha256: openBlock(primitives, captured[number]?.content as Uint8Array, metas[number] as Uint8Array).sha256,
      size: captured[number]?.content.length as number,
      chunkRoot: opening.chunkRoot,
      meta: metas[number] as Uint8Array,
      record: {
        sealed: sealDigest(primitives, digests[number] as (typeof digests)[number], key),
        commitment: misrecording.commitment?.(commitment, number) ?? commitment,
        contentCommitment: misrecording.content?.commitment(first + number) ?? PLAIN_COMMITMENT,
      },
      object: null,
    };
  });
  const leafHashes = blocks.map(({ record }) => recordHash(primitives, record));
  const end = appendLeaves(primitives, before, leafHashes);
  const head = { size: end.size, root: rootOfPeaks(primitives, end) };
  const manifest: Manifest = {
    dataset,
    serial,
    first,
    salt: misrecording.salt?.(trueSalt) ?? trueSalt,
    nonce: misrecording.content?.nonce ?? null,
    head,
    signature: signHead(domain, { dataset, ...head }, deviceKey),
    blocks,
  };
  const stored = captured.map(({ content }) => content);
  return { manifest, segment: buildSegment(primitives, manifest, stored), leafHashes, end };
}

/** Whose dataset such a batch is of. */
export function writerOfMisrecorded({ content }: Misrecording): DatasetWriter {
  return content === undefined ? writerOf(1) : WRITER;
}
