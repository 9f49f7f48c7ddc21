import { readFile } from 'node:fs/promises';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { readSegment } from '../../../core/batch/read-segment.ts';
import type { HashedBlock } from '../../../core/ports/css.ts';
import { startHashesOnlyStorage } from '../hashes-only-storage.ts';
import type { StepLog } from '../step-log.ts';
import type { VerifyHere } from '../verify-here.ts';
import type { DemoDataset } from './owner-setup.ts';
import { sayBlocks } from './verify.ts';

/** A storage that kept only hashes passes hash-blocks and fails prove-chunks: what the two kinds of evidence are worth. */
export async function catchHashesOnly(
  log: StepLog,
  verify: VerifyHere,
  dataset: DemoDataset,
  objectPaths: readonly string[],
  honestApiUrl: string,
): Promise<void> {
  log.act('A storage throws the data away and keeps only the hashes');
  const noted = new Map<number, HashedBlock>();
  for (const path of objectPaths) {
    const { manifest, openings } = readSegment(nodePrimitives, new Uint8Array(await readFile(path)));
    for (const [number, opening] of openings.entries()) {
      noted.set(manifest.first + number, { index: manifest.first + number, opening });
    }
  }
  const storage = await startHashesOnlyStorage(honestApiUrl, noted);
  try {
    const count = noted.size;
    await log.step('it passes hash-blocks: `attested` proves no more than that', `${count} intact`, () =>
      verify(dataset, 'attested', storage.apiUrl),
    );
    const all = sayBlocks(Array.from({ length: count }, (_, index) => index));
    await log.step('it fails prove-chunks', `${count} corrupted (${all}), 0 intact`, () =>
      verify(dataset, 'possession', storage.apiUrl),
    );
  } finally {
    await storage.close();
  }
}
