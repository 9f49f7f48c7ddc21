import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPublic } from '../../dev/documented/find-public.ts';
import { findUndocumented } from '../../dev/documented/find-undocumented.ts';

const missing = (files: Readonly<Record<string, string>>) =>
  findUndocumented(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    { needsExample: (path) => path === 'client/door.ts', needsThrows: () => true },
  ).missing;

test('a function that programs import has an example, and so has a class; an error needs none', () => {
  const documented = '/**\n * Opens.\n *\n * @example\n * open();\n */\nexport async function open() {}\n';
  assert.deepEqual(missing({ 'client/door.ts': documented }), []);
  assert.deepEqual(missing({ 'client/door.ts': documented.replace('@example', '@see') }), [
    'client/door.ts:7 open has no @example.',
  ]);
  assert.deepEqual(
    missing({ 'client/door.ts': '/** A door. */\nexport class Door {}\nexport class NoError extends Error {}' }),
    ['client/door.ts:2 Door has no @example.'],
  );
  assert.deepEqual(
    missing({ 'client/door.ts': 'export const open = () => 1;\nexport const COUNT = 1;\nfunction own() {}' }),
    ['client/door.ts:1 open has no @example.'],
  );
  // The comment of what stands before it is not its own.
  assert.equal(missing({ 'client/door.ts': `${documented}export function shut() {}` }).length, 1);
});

test('what throws says so: by itself, by a function of the file, by a method, by what it imports', () => {
  const lacks = (text: string) => missing({ 'core/a.ts': text, 'core/b.ts': B });
  const B = '/** Refuses. @throws ArgumentError always */\nexport function refuse() { throw new Error(); }';
  assert.deepEqual(lacks('export function a() { throw new Error(); }'), [
    'core/a.ts:1 a has no @throws; it throws by itself.',
  ]);
  assert.equal(lacks('export function a() { own(); }\nfunction own() { throw new Error(); }').length, 1);
  assert.deepEqual(lacks("import { refuse } from './b.ts';\nexport const a = () => refuse();"), [
    'core/a.ts:2 a has no @throws; it calls refuse, which throws.',
  ]);
  const methods =
    'export class A {\n  /** Runs. */\n  run() { this.#go(); }\n  #go() { throw new Error(); }\n  rest() {}\n}';
  assert.deepEqual(lacks(methods), ['core/a.ts:3 A.run has no @throws; it throws by itself.']);
  assert.deepEqual(lacks(methods.replace('Runs.', 'Runs. @throws Error')), []);
});

test('what does not come out of it needs no word: what is caught, and what a function that it returns may throw', () => {
  for (const text of [
    'export function a() { try { throw new Error(); } catch { return 1; } }',
    'export function a() { return () => { throw new Error(); }; }',
    'export function a() {}\nfunction unused() { throw new Error(); }',
  ]) {
    assert.deepEqual(missing({ 'core/a.ts': text }), [], text);
  }
  assert.equal(
    missing({ 'core/a.ts': 'export function a() { try { b(); } finally { throw new Error(); } }' }).length,
    1,
  );
});

test('public is what the package opens, and what another room but the tests imports', () => {
  const sources = [
    { path: 'client/door.ts', text: 'export function open() {}' },
    { path: 'client/used.ts', text: 'export function used() {}\nexport function own() {}' },
    { path: 'client/inner.ts', text: "import { own } from './used.ts';\nexport function inner() {}" },
    { path: 'cli/a.ts', text: "import { used } from '../client/used.ts';" },
    { path: 'test/a.test.ts', text: "import { inner } from '../client/inner.ts';" },
  ];
  const { isPublic, closed } = findPublic('client', sources, ['.', './client/door', './client/gone', './core/*']);
  const names = ['door.ts open', 'used.ts used', 'used.ts own', 'inner.ts inner'].map((one) => one.split(' '));
  assert.deepEqual(
    names.map(([file, name]) => isPublic(`client/${file}`, name as string)),
    [true, true, false, false],
  );
  assert.deepEqual(closed, ['package.json opens client/gone.ts, which is not there.']);
});
