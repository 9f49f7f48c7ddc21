import type { ManifestBlock } from '../../core/batch/manifest-fields.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { type PlannedBatch, type SealedRow, updateSealed } from '../outbox/batch-rows.ts';
import { readFinalHead } from '../outbox/final-head.ts';
import { keepToPublish } from '../outbox/to-publish.ts';
import { makeBatch, type SealingParts } from './make-batch.ts';

/** Makes a planned batch's segment and writes down its head and signature: the receipt that exists at once. */
export async function sealPlanned(
  parts: SealingParts,
  planned: PlannedBatch,
): Promise<{ row: SealedRow; sealed: SealedBatch }> {
  const sealed = await makeBatch(parts, planned);
  const { manifest, segment, leafHashes, end } = sealed;
  const row: SealedRow = {
    ...planned,
    state: 'sealed',
    sha256: segment.sha256,
    segmentBytes: segment.car.length,
    root: manifest.head.root,
    signature: manifest.signature,
    end,
    endAtMs: decodeMeta((manifest.blocks.at(-1) as ManifestBlock).meta).at,
    adopted: false,
  };
  const { outbox, publishes } = parts;
  outbox.commit(() => {
    updateSealed(outbox, row, { leafHashes, front: null });
    // Nobody can have published it before it was sealed.
    if (publishes) keepToPublish(outbox, manifest, readFinalHead(outbox)?.chainBlock ?? 0);
  });
  return { row, sealed };
}
