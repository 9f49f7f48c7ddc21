/**
 * What hash-blocks holds in memory while it hashes few blocks and many: its loop over blocks of 1 MiB, read from a file as
 * an object store streams them. Each count in a process of its own, whose highest resident set is taken.
 *
 *     node dev/bench/hashing-memory.ts [--json]
 *
 * Goal of specification#figures: constant in the number of blocks.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { Sha256 } from '../../core/ids.ts';
import type { ObjectStore } from '../../core/ports/object-store.ts';
import { hashListedBlocks } from '../../functions/read/hash-listed-blocks.ts';
import type { ReadableSegment } from '../../functions/state/segment-entry.ts';
import { runJson } from './run-json.ts';

/** Highest resident set of a process that hashed so many blocks. */
interface Peak {
  readonly blocks: number;
  readonly bytes: number;
}

export interface HashingMemoryFigure {
  readonly few: Peak;
  readonly many: Peak;
}

// The collector lets some 50 MB of read pieces lie; both counts read more than that.
const [FEW, MANY] = [256, 4096];
const BLOCK_BYTES = 2 ** 20;
const PIECE_BYTES = 64 * 1024;
const TIMEOUT_MS = 120_000;

const { values } = parseArgs({
  options: { file: { type: 'string' }, blocks: { type: 'string' }, json: { type: 'boolean' } },
});
if (values.file !== undefined) console.log(JSON.stringify(await hash(values.file, Number(values.blocks))));
else await compare();

async function compare(): Promise<void> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort()).once('SIGTERM', () => interrupt.abort());
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
  try {
    const file = join(folder, 'object');
    await writeFile(file, '', { mode: 0o600 });
    // Takes no room on the disk.
    await truncate(file, MANY * BLOCK_BYTES);
    const peakOf = (blocks: number): Promise<Peak> => {
      const parameters = ['--file', file, '--blocks', String(blocks)];
      return runJson<Peak>('hashing-memory.ts', parameters, TIMEOUT_MS, interrupt.signal);
    };
    const figure: HashingMemoryFigure = { few: await peakOf(FEW), many: await peakOf(MANY) };
    if (values.json === true) console.log(JSON.stringify(figure));
    else
      for (const { blocks, bytes } of [figure.few, figure.many]) {
        console.log(`${blocks} blocks: ${(bytes / 1e6).toFixed(1)} MB at the most`);
      }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hash(file: string, count: number): Promise<Peak> {
  const objects: Pick<ObjectStore, 'stream'> = {
    stream: async (_key, { start, end }) => createReadStream(file, { start, end: end - 1, highWaterMark: PIECE_BYTES }),
  };
  const nothing = new Uint8Array(32);
  const listed = {
    ...{ sha256: nothing as Sha256, size: BLOCK_BYTES, chunkRoot: nothing, meta: new Uint8Array(0) },
    ...{ sealed: nothing, commitment: nothing },
  };
  const blocks = Array.from({ length: count }, (_, index) => ({ index, listed, offset: index * BLOCK_BYTES }));
  const ports = { primitives: nodePrimitives, objects };
  const answered = await hashListedBlocks(ports as never, { key: 'object' } as ReadableSegment, blocks as never);
  if (answered.length !== count || answered.some((answer) => 'kind' in answer)) throw new Error('Not all were hashed.');
  return { blocks: count, bytes: process.resourceUsage().maxRSS * 1024 };
}
