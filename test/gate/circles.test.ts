import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkFiles } from './check-files.ts';

const CIRCLE = {
  'core/a.ts': "export interface A { readonly b: B }\nimport type { B } from './b.ts';",
  'core/b.ts': "import type { C } from './log/c.ts';\nexport type B = C;",
  'core/log/c.ts': "export { type A as C } from '../a.ts';",
  'core/d.ts': "import type { A } from './a.ts';\nexport type D = A;",
};

describe('a circle of files', () => {
  test('is refused when types alone close it, and said whole', () => {
    assert.deepEqual(checkFiles(CIRCLE).refusals, [
      'core/a.ts:2 stands in a circle of 3 files: core/a.ts -> core/b.ts -> core/log/c.ts -> core/a.ts. ' +
        'Put what they share, types too, into a file that imports neither.',
    ]);
  });

  test('is refused when it is closed while the program runs', () => {
    const files = { 'cli/a.ts': "export const b = () => import('./b.ts');", 'cli/b.ts': "import { b } from './a.ts';" };
    assert.match(checkFiles(files).refusals.join('\n'), /circle of 2 files: cli\/a\.ts -> cli\/b\.ts -> cli\/a\.ts/);
  });

  test('is refused when a file imports itself', () => {
    assert.match(
      checkFiles({ 'core/a.ts': "export * from './a.ts';" }).refusals.join('\n'),
      /core\/a\.ts:1 imports itself/,
    );
  });
});
