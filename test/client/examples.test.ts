import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { parseEvidence } from '../../core/evidence/parse-evidence.ts';
import { namesUsed, runDocExample } from '../library/load-example.ts';
import { ON_STACK } from '../library/on-stack.ts';
import { readExamples } from '../library/read-examples.ts';

const ROOT = join(import.meta.dirname, '..', '..');

// The others, which need a chain and a service, run in test/library on its stack.
test('the examples of client/ that need no stack run, and print what they say', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-examples-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const evidence = parseEvidence(await readFile(join(ROOT, 'docs', 'example.evidence.json')));
  const examples = (await readExamples(join(ROOT, 'client'))).filter(
    (example) => namesUsed(example, ON_STACK).length === 0,
  );
  assert.ok(examples.length >= 20, `${examples.length} examples`);
  for (const [i, example] of examples.entries()) {
    await t.test(example.where, async () => {
      const given = { primitives: nodePrimitives, runtime: nodeRuntime, evidence, folder: join(folder, `${i}`) };
      await mkdir(given.folder);
      await runDocExample(join(folder, `${i}.ts`), example, given);
    });
  }
});

test('an example that prints something else than it says fails, and one that does not print it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-example-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(ROOT, 'client', 'utc-text.ts');
  const run = (name: string, code: string) => runDocExample(join(folder, name), { path, where: name, code }, {});
  await run('right.ts', 'console.log(utcText(0)); // 1970-01-01T00:00:00.000Z');
  await assert.rejects(run('wrong.ts', 'console.log(utcText(1)); // 1970-01-01T00:00:00.000Z'), assert.AssertionError);
  await assert.rejects(run('silent.ts', 'if (utcText(0) === "") console.log(1); // 1'), /did not print all/);
  await assert.rejects(run('throws.ts', 'utcText(Number.NaN);'), RangeError);
});
