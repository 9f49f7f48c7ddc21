import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { chooseFiles } from '../../dev/tests/choose-files.ts';
import { longestFirst } from '../../dev/tests/file-times.ts';
import { CONTRACTS } from '../../dev/tests/hidden-needs.ts';
import { buildImportGraph, type ImportGraph, reachedBy } from '../../dev/tests/import-graph.ts';
import { LONG_FILES } from '../../dev/tests/long-files.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the tests that a change touches', () => {
  let graph: ImportGraph;
  let tests: readonly string[];

  before(() => {
    const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root });
    const files = listed.toString().trim().split('\n');
    tests = files.filter((file) => file.endsWith('.test.ts'));
    graph = buildImportGraph(files);
  });

  const touchedBy = (...changed: string[]) => {
    const reached = reachedBy(graph, changed);
    return [...tests, CONTRACTS].filter((file) => reached.has(file));
  };
  const touches = (changed: string, ...expected: string[]) => {
    const touched = touchedBy(changed);
    for (const file of expected) assert.ok(touched.includes(file), `${changed} does not touch ${file}`);
    return touched;
  };

  test('a source touches the tests whose imports lead to it, through other sources and helpers', () => {
    const touched = touches('client/sale/serve-sales.ts', 'test/client/sale.test.ts', 'test/cli/owner-sale.test.ts');
    assert.ok(!touched.includes('test/core/vectors-segments.test.ts'));
    assert.ok(!touched.includes(CONTRACTS));
  });

  test('a test touches itself alone', () => {
    assert.deepEqual(touchedBy('test/client/sale-packing.test.ts'), ['test/client/sale-packing.test.ts']);
  });

  test('an import of types alone loads nothing', () => {
    const shape = graph.get('client/sale/serve-sales.ts');
    assert.ok(shape?.has('client/sale/serve-agreement.ts'));
    assert.ok(!shape?.has('client/sale/sale-parts.ts'));
  });

  test('programs and data that a test names by path count', () => {
    touches('test/device/child.ts', 'test/device/survive-kill.test.ts');
    touches('test/vectors/segments.json', 'test/core/vectors-segments.test.ts');
    touches('cli/plumb.ts', 'test/cli/owner.test.ts');
    touches('docs/openapi.json', 'test/openapi/document.test.ts');
  });

  test('a contract touches its suite and all that deploys it', () => {
    touches('contracts/src/OCASC.sol', CONTRACTS, 'test/local/agreements-on-stack.test.ts');
    assert.deepEqual(
      touchedBy('contracts/test/Cheats.sol').filter((file) => !file.startsWith('test/')),
      [CONTRACTS],
    );
  });

  test('what is installed touches everything', () => {
    assert.deepEqual(touchedBy('package-lock.json'), [...tests, CONTRACTS]);
  });

  test('documents touch the tests that follow them', () => {
    touches('README.md', 'test/package/made-by-commands.test.ts');
  });
});

describe('the tests that paths name', () => {
  test('a folder, a pattern and a file name theirs', () => {
    assert.ok(chooseFiles(['test/client/']).files.includes('test/client/sale.test.ts'));
    assert.deepEqual(chooseFiles(['test/client/sale-p*', './test/client/sale-packing.test.ts']), {
      files: ['test/client/sale-packing.test.ts'],
      contracts: false,
    });
    assert.deepEqual(chooseFiles([CONTRACTS]), { files: [], contracts: true });
  });

  test('what names none is refused with what may have been meant', () => {
    assert.throws(() => chooseFiles(['test/sale-packing.ts']), /Did you mean test\/client\/sale-packing\.test\.ts\?/);
    assert.throws(() => chooseFiles(['core/errors.ts']), /npm run test:touched/);
    assert.throws(() => chooseFiles(['test/real/sale.real.ts']), /npm run test:real -- test\/real\/sale\.real\.ts/);
    assert.throws(() => chooseFiles(['nowhere']), /names no test\. Give a file/);
  });
});

describe('the order of test files', () => {
  const took = (file: string, wallMs: number) => ({ file, wallMs, cpuMs: 0 });

  test('those that took longest come first, then the short ones by name', () => {
    const known = [took('test/b.test.ts', 10), took('test/d.test.ts', 20)];
    const files = ['test/a.test.ts', 'test/b.test.ts', 'test/c.test.ts', 'test/d.test.ts'];
    const order = ['test/d.test.ts', 'test/b.test.ts', 'test/a.test.ts', 'test/c.test.ts'];
    assert.deepEqual(longestFirst(files, known), order);
  });

  test('where nothing is known, those that are long anywhere come first', () => {
    assert.deepEqual(longestFirst([...LONG_FILES].sort(), []), LONG_FILES);
    for (const file of LONG_FILES) assert.ok(existsSync(join(root, file)), file);
  });
});
