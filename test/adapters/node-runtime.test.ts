import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';

const LONG_MS = 3_600_000;

// What is not ended here would keep the process for an hour.
const bounded = { timeout: 10_000 };

test('sleeping ends as soon as it is aborted, before or meanwhile', bounded, async () => {
  await assert.rejects(nodeRuntime.sleep(LONG_MS, AbortSignal.abort()), { name: 'AbortError' });
  const stop = new AbortController();
  const sleeping = nodeRuntime.sleep(LONG_MS, stop.signal);
  stop.abort();
  await assert.rejects(sleeping, { name: 'AbortError' });
});

test('sleeping takes the time that was said', bounded, async () => {
  const fromMs = nodeRuntime.monotonicMs();
  await nodeRuntime.sleep(20);
  // A timer may ring up to a millisecond early.
  assert.ok(nodeRuntime.monotonicMs() - fromMs >= 19);
});

test('a call that is to come comes once, and not when it is stopped before', bounded, async () => {
  let calls = 0;
  nodeRuntime.after(1, () => calls++).stop();
  await new Promise<void>((resolve) => nodeRuntime.after(5, resolve));
  assert.equal(calls, 0);
});

test('what is limited in time is aborted with a TimeoutError', bounded, async () => {
  const signal = nodeRuntime.timeout(1);
  assert.equal(signal.aborted, false);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  assert.equal((signal.reason as Error).name, 'TimeoutError');
});

test('clocks are in ms: one since 1970, one that never goes back', () => {
  assert.ok(Math.abs(nodeRuntime.nowMs() - Date.now()) < 1_000);
  const first = nodeRuntime.monotonicMs();
  assert.ok(nodeRuntime.monotonicMs() >= first);
});
