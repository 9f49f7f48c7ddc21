import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeArchitecture } from '../../dev/architecture/describe-architecture.ts';
import { rooms } from '../../dev/gate/rooms.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the glossary has at most 45 words, in order, each once', () => {
  const words = [...read('docs/glossary.md').matchAll(/^\| \*\*(.+?)\*\* \|/gm)].map(([, word]) => word);
  assert.ok(words.length > 30 && words.length <= 45, `${words.length} words`);
  const byAlphabet = words.toSorted((one, other) => String(one).localeCompare(String(other), 'en'));
  assert.deepEqual(words, byAlphabet);
  assert.equal(new Set(words).size, words.length);
});

test('the picture of the rooms has an arrow for each room that another may import, and no other', () => {
  const text = describeArchitecture(
    { ...rooms, ...{ far: { ...rooms.cdk, imports: { device: ['far/a.ts'] } } } } as typeof rooms,
    root,
  );
  assert.match(text, /^ {2}far -\.-> device$/m);
  assert.doesNotMatch(text, /^ {2}core -/m);
  assert.match(text, /^ {2}device --> core$/m);
});

test('what CONTRIBUTING says to run is there (check:citations looks up the files that it names)', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...read('CONTRIBUTING.md').matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? '');
  assert.ok(named.length > 5);
  for (const name of named) assert.ok(scripts[name], `npm run ${name}`);
});
