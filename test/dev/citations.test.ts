import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { anchorOf, anchorsOf, checkCitations } from '../../dev/citations/find-citations.ts';
import { findMissingPaths } from '../../dev/citations/find-missing-paths.ts';

const root = join(import.meta.dirname, '..', '..');
// What is refused must not stand in this very file, which is looked at as well.
const PAGE = 'specification';
const DESIGN = 'design';
const pages = { specification: '# Specification\n\n## Formats\n\n### Record\n\n```\n# Fenced\n```\n\n## Two words\n' };

describe('citations of the specification', () => {
  test('in this tree all lead to a heading', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['dev/citations/check-citations.ts'], { cwd: root });
    const [, cited = '0'] = /^(\d+) citations/.exec(stdout) ?? [];
    assert.ok(Number(cited) > 100, `It saw ${cited} citations.`);
  });

  test('that lead to a heading pass, in code and as links', () => {
    const files = {
      'core/a.ts': '/** 96 bytes (specification#record). */',
      'docs/b.md': `[formats](${PAGE}.md#formats), [words](../docs/${PAGE}.md#two-words)`,
      'README.md': '[record](docs/specification.md#record)',
      'docs/openapi.json': '{"about": "Formats: specification#formats."}',
    };
    assert.deepEqual(checkCitations(files, pages), []);
  });

  test('that lead nowhere are refused, with file, line and page', () => {
    const files = {
      'core/a.ts': `const a = 1;\n// ${PAGE}#recrod`,
      'README.md': `[x](docs/${PAGE}.md#fenced)`,
    };
    assert.deepEqual(checkCitations(files, pages), [
      { file: 'core/a.ts', line: 2, problem: `cites ${PAGE}#recrod; docs/specification.md has no such heading` },
      { file: 'README.md', line: 1, problem: `cites ${PAGE}#fenced; docs/specification.md has no such heading` },
    ]);
  });

  test('within a page count as well', () => {
    const files = { 'docs/specification.md': '[here](#record), [there](#recrod)' };
    assert.deepEqual(
      checkCitations(files, pages).map(({ problem }) => problem),
      [`cites ${PAGE}#recrod; docs/specification.md has no such heading`],
    );
  });

  test('of a page by number, or of one that is not here, are refused', () => {
    for (const gone of [
      `design \u00a74`,
      `the ${DESIGN} document`,
      `${DESIGN.toUpperCase()}.md`,
      `${DESIGN}-changes.md`,
    ]) {
      const [refusal, ...others] = checkCitations({ 'core/a.ts': `// ${gone}` }, pages);
      assert.equal(refusal?.line, 1, gone);
      assert.deepEqual(others, []);
    }
  });

  test('know a heading as GitHub links it', () => {
    assert.equal(anchorOf('Table II, Protocol I: owner, `CSS-Y`'), 'table-ii-protocol-i-owner-css-y');
    assert.equal(anchorOf('What a round proves'), 'what-a-round-proves');
    assert.deepEqual([...anchorsOf('## Two\n## Two\n')], ['two', 'two-1']);
  });

  test('leave private fields, colours and other pages alone', () => {
    const files = {
      'core/a.ts': "this.#record; const colour = '#fff'; // https://example.org/page#record, c2sp.org/x#y",
    };
    assert.deepEqual(checkCitations(files, pages), []);
  });

  test('of files that are not there are refused in pages, in code style and as links', () => {
    const there = new Set(['core/log/record.ts', 'docs/errors.md', 'README.md']);
    const files = {
      'docs/a.md': '`core/log/record.ts`, [errors](errors.md#exit-codes), [start](../README.md), `plumb owner get`',
      'README.md': '`core/log/recrod.ts`\n[errors](docs/erors.md), https://example.org/docs/x.md',
    };
    assert.deepEqual(
      findMissingPaths(files, (path) => there.has(path)),
      [
        { file: 'README.md', line: 1, problem: 'names core/log/recrod.ts, which is not there' },
        { file: 'README.md', line: 2, problem: 'names docs/erors.md, which is not there' },
      ],
    );
  });
});
