/**
 * Writes test/vectors: `node dev/vectors/generate-vectors.ts`. With `--check` it writes nothing and fails when a file is
 * stale, missing or not of this generator.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { charterVectors } from './charters.ts';
import { chunkVectors } from './chunks.ts';
import { digestVectors } from './digests.ts';
import { headVectors } from './heads.ts';
import { keyVectors } from './keys.ts';
import { logVectors } from './log.ts';
import { malformedSegmentVectors } from './malformed-segments.ts';
import { metaVectors } from './meta.ts';
import { publishedFiles } from './published.ts';
import type { Json } from './reference/bytes.ts';
import { roundVectors } from './rounds.ts';
import { sealingVectors } from './sealing.ts';
import { segmentVectors } from './segments.ts';

const FOLDER = join(import.meta.dirname, '../../test/vectors');

const files: Record<string, () => Json | Promise<Json>> = {
  'digests.json': digestVectors,
  'chunks.json': chunkVectors,
  'meta.json': metaVectors,
  'sealing.json': sealingVectors,
  'log.json': logVectors,
  'heads.json': headVectors,
  'keys.json': keyVectors,
  'charters.json': charterVectors,
  'rounds.json': roundVectors,
  'segments.json': segmentVectors,
  'malformed-segments.json': malformedSegmentVectors,
  ...Object.fromEntries(Object.entries(publishedFiles).map(([name, make]) => [`published/${name}`, make])),
};

const check = process.argv.includes('--check');
const wrong: string[] = [];

for (const [name, make] of Object.entries(files)) {
  const text = `${JSON.stringify(await make(), null, 1)}\n`;
  const path = join(FOLDER, name);
  if (current(path) === text) continue;
  wrong.push(name);
  if (check) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
const foreign = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
  .map((entry) => relative(FOLDER, join(entry.parentPath, entry.name)))
  .filter((name) => !(name in files));

if (check && wrong.length + foreign.length > 0) {
  console.error(
    `test/vectors differs from its generator: ${[...wrong, ...foreign].join(', ')}. ` +
      'Run node dev/vectors/generate-vectors.ts, remove files it does not write, and read the difference.',
  );
  process.exit(1);
}
console.log(
  check ? `${Object.keys(files).length} vector files are current` : `wrote ${wrong.join(', ') || 'nothing new'}`,
);

function current(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
