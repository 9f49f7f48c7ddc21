import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { verifyDataset } from '../../../client/owner/verify-dataset.ts';
import { uniformBelow } from '../../../core/sampling/choose-blocks.ts';
import type { BenchOwner } from '../parts/open-owner.ts';
import type { SizedDataset } from '../parts/record-sizes.ts';
import { type Figure, nameBytes, type Run } from '../report/figure.ts';

const WAYS = [
  { series: 'hash-blocks, 1 block', evidence: 'attested', blocks: 1 },
  { series: 'prove-chunks, 1 block', evidence: 'possession', blocks: 1 },
  { series: 'hash-blocks, 16 blocks', evidence: 'attested', blocks: 16 },
  { series: 'prove-chunks, 16 blocks', evidence: 'possession', blocks: 16 },
] as const;

/** Figure 3 of the paper: how long an owner takes to verify blocks on storage that hashes (Protocol I), by block size. */
export async function verifyByBlockSize(
  owner: BenchOwner,
  { dataset, batches }: SizedDataset,
  repetitions: number,
  signal: AbortSignal,
): Promise<Figure> {
  const runs: Run[] = [];
  const { dataset: id, datasetKey } = dataset.writer;
  const deps = { primitives: nodePrimitives, ledger: owner.ledger, css: owner.service };
  // The first round warms up connections and compiled code, and does not count.
  for (let round = -1; round < repetitions; round++) {
    for (const { blockBytes, first, count } of batches) {
      for (const { series, evidence, blocks } of WAYS) {
        signal.throwIfAborted();
        const from = first + uniformBelow(nodePrimitives, count - Math.min(blocks, count) + 1);
        const range = { from, to: Math.min(from + blocks, first + count) - 1 };
        const began = performance.now();
        const audit = { dataset: id, datasetKeyOf: () => datasetKey, evidence, anchor: 'final', range } as const;
        const report = await verifyDataset(deps, audit, undefined, signal);
        const ms = performance.now() - began;
        if (report.counts.intact !== report.checked) throw new Error(`Verified: ${JSON.stringify(report.counts)}`);
        if (round >= 0) runs.push({ series, x: blockBytes, y: ms });
      }
    }
  }
  return {
    name: 'figure-3-verification',
    title: 'Figure 3: verification by the owner at CSS-Y (Protocol I), by block size',
    x: { label: 'size of a stored block', scale: 'log2', name: nameBytes },
    y: { label: 'time (ms)', scale: 'log10' },
    ...{ xColumn: 'block_bytes', yColumn: 'ms', runs },
    notes: [
      'From reading the final head and its signer (two calls of the chain) to the verdict; over HTTP, every request signed.',
    ],
  };
}
