import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createSecretFile, readSecretFile } from '../../adapters/keys/secret-file.ts';
import { readSegment } from '../../core/batch/segment.ts';
import type { HashedBlock } from '../../core/ports/css.ts';
import { startHashesOnlyStorage } from '../hashes-only-storage.ts';
import type { StepLog } from '../step-log.ts';
import type { DemoDataset, DemoOwner } from './owner-setup.ts';
import { sayBlocks, verdictsOf } from './verify.ts';

/** A storage that kept only hashes passes hash-blocks and fails prove-chunks: what the two kinds of evidence are worth. */
export async function catchHashesOnly(
  log: StepLog,
  owner: DemoOwner,
  dataset: DemoDataset,
  objectPaths: readonly string[],
  folder: string,
): Promise<void> {
  log.act('A storage throws the data away and keeps only the hashes');
  const noted = new Map<number, HashedBlock>();
  for (const path of objectPaths) {
    const { manifest, openings } = readSegment(nodePrimitives, new Uint8Array(await readFile(path)));
    for (const [number, opening] of openings.entries()) {
      noted.set(manifest.first + number, { index: manifest.first + number, opening });
    }
  }
  const stack = JSON.parse(await readSecretFile(owner.env.PLUMB_STACK as string)) as { apiUrl: string };
  const storage = await startHashesOnlyStorage(stack.apiUrl, noted);
  try {
    const stackFile = join(folder, 'stack-hashes-only.json');
    await createSecretFile(stackFile, JSON.stringify({ ...stack, apiUrl: storage.apiUrl }));
    const env = { PLUMB_STACK: stackFile };
    const count = noted.size;
    await log.step('it passes hash-blocks: `attested` proves no more than that', `${count} intact`, () =>
      verdictsOf(owner, dataset, ['--evidence', 'attested'], env),
    );
    const all = sayBlocks(Array.from({ length: count }, (_, index) => index));
    await log.step('it fails prove-chunks', `${count} corrupted (${all}), 0 intact`, () =>
      verdictsOf(owner, dataset, ['--evidence', 'possession'], env),
    );
  } finally {
    await storage.close();
  }
}
