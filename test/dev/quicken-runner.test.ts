import assert from 'node:assert/strict';
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { LOADED_FIRST } from '../../dev/tests/run-files.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test('a quickened file fails where it should: each error with the test that it belongs to, at once', async () => {
  const { status, said } = await outcomeOf(fork(join(import.meta.dirname, 'uncaught', 'in-tests.ts'), quickened()));
  const fails = [
    ...['assertion', 'promise', 'timer', 'immediate', 'tick', 'microtask', 'rejection', 'rejection after a timer'],
    ...['file', 'socket'],
  ];
  const passes = ['has its own', 'has them again', 'a suite with hooks', 'a test in a test', 'is not in that suite'];
  const outcomes = [...said.matchAll(/^ *(not ok|ok) \d+ - (.*)$/gm)].map(([, outcome, name]) => `${outcome}: ${name}`);
  assert.deepEqual(outcomes, [
    ...fails.map((name) => `not ok: ${name}`),
    ...passes.map((name) => `ok: ${name}`),
    'ok: follows no promise',
  ]);
  const errors = [...said.matchAll(/^ *error: '?(.*?)'?$/gm)].map(([, message]) => message);
  assert.deepEqual(errors, fails, 'and with no other error');
  assert.equal(status, 1);
});

test('an error behind the end of its test fails the file', async () => {
  const { status, said } = await outcomeOf(
    fork(join(import.meta.dirname, 'uncaught', 'after-its-end.ts'), quickened()),
  );
  assert.match(said, /^# pass 2$/m);
  assert.match(said, /Test "leaves a timer".*"Error: behind its end"/);
  assert.equal(status, 1);
});

function quickened(): ForkOptions {
  const loaded = LOADED_FIRST.flatMap((file) => ['--import', join(ROOT, 'dev', 'tests', file)]);
  const { NODE_TEST_CONTEXT, PLUMB_TEST_TIMES, ...env } = process.env;
  return { execArgv: [...loaded, '--test-reporter=tap'], env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] };
}

async function outcomeOf(child: ChildProcess): Promise<{ status: number | null; said: string }> {
  assert(child.stdout !== null);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { said: await text(child.stdout), status: await ended };
}
