import type { Manifest } from '../../core/batch/manifest.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { contentBatchKey, contentKey, encryptContent } from '../../core/block/content-cipher.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { equalBytes, fromHex } from '../../core/bytes.ts';
import { GCM_TAG_BYTES } from '../../core/limits.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { insertPlanned, type SealedRow, updateSealed } from '../outbox/batch-rows.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { sealedSeq } from '../outbox/read-backlog.ts';
import { walkBlocks } from '../outbox/read-blocks.ts';
import type { FetchedFront } from './fetch-front.ts';
import type { VerifiedBatch } from './verify-batch.ts';

/**
 * Takes a verified batch that is stored, but not in the outbox, as the next one of this log: the device goes on behind it.
 * Unsealed blocks that are found in it, in their order, are in a batch from now on and never sealed a second time; their
 * bytes stay until the storage has proven it.
 * @returns how many captured blocks were found in it
 */
export function adoptBatch(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  batch: VerifiedBatch,
  fetched: FetchedFront,
  nowMs: number,
): number {
  return outbox.commit(() => {
    const { manifest, leaf, end } = batch;
    const fromSeq = sealedSeq(outbox);
    const known = countKnown(primitives, outbox, writer, manifest, fromSeq);
    const row: SealedRow = {
      position: end.frontier.leaves - 1,
      state: 'stored',
      first: manifest.first,
      blocks: manifest.blocks.length,
      fromSeq,
      toSeq: known.toSeq,
      published: manifest.published,
      nonce: manifest.nonce ?? new Uint8Array(0),
      plannedMs: nowMs,
      sha256: fromHex(fetched.sha256Hex),
      segmentBytes: fetched.segmentBytes,
      salt: leaf.salt,
      batchRoot: leaf.batchRoot,
      root: manifest.head.root,
      signature: manifest.signature,
      frontier: end.frontier,
      manifest: fetched.bytes,
    };
    insertPlanned(outbox, row);
    updateSealed(outbox, row);
    return known.count;
  });
}

/** How many unsealed blocks, from the oldest on, stand in this batch in the same order. */
function countKnown(
  primitives: Primitives,
  outbox: Outbox,
  writer: DatasetWriter,
  manifest: Manifest,
  fromSeq: number,
): { count: number; toSeq: number } {
  const batchKey = manifest.nonce === null ? null : contentBatchKey(primitives, writer.datasetKey, manifest.nonce);
  const captured = walkBlocks(outbox, fromSeq);
  let next = captured.next().value ?? null;
  let count = 0;
  let toSeq = fromSeq;
  for (const [number, listed] of manifest.blocks.entries()) {
    if (next === null) break;
    const { content, meta } = next.block;
    const size = content.length + (batchKey === null ? 0 : GCM_TAG_BYTES);
    if (size !== listed.size || !equalBytes(encodeMeta(meta), listed.meta)) continue;
    const index = manifest.first + number;
    const block = { dataset: writer.dataset, index };
    const stored =
      batchKey === null ? content : encryptContent(primitives, contentKey(primitives, batchKey, index), block, content);
    if (!equalBytes(primitives.sha256(stored), listed.sha256)) continue;
    count++;
    toSeq = next.seq + 1;
    next = captured.next().value ?? null;
  }
  captured.return(undefined);
  return { count, toSeq };
}
