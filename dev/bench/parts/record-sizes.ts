import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../../core/batch/seal-batch.ts';
import { GCM_TAG_BYTES } from '../../../core/limits.ts';
import type { BenchDataset, BenchOwner } from './open-owner.ts';

/** Blocks of one stored size: a batch of their own. */
export interface SizedBatch {
  readonly blockBytes: number;
  readonly first: number;
  readonly count: number;
  readonly sealed: SealedBatch;
}

/** A dataset with a batch of blocks for each size, recorded finally. */
export interface SizedDataset {
  readonly dataset: BenchDataset;
  readonly batches: readonly SizedBatch[];
}

export const BLOCK_SIZES = [1, 4, 16, 64, 256, 1024].map((kib) => kib * 1024);

/** Records `count` blocks of each size: what Figures 3 and 6 read. */
export async function recordSizes(owner: BenchOwner, count: number, signal: AbortSignal): Promise<SizedDataset> {
  const [dataset] = (await owner.open(1)) as [BenchDataset];
  const batches: SizedBatch[] = [];
  for (const blockBytes of BLOCK_SIZES) {
    // Encrypted, a block is as much longer as its tag.
    const contents = Array.from({ length: count }, () => nodePrimitives.randomBytes(blockBytes - GCM_TAG_BYTES));
    const sealed = await owner.store(dataset, contents, signal);
    batches.push({ blockBytes, first: sealed.manifest.first, count, sealed });
  }
  await owner.untilFinal(dataset, signal);
  return { dataset, batches };
}
