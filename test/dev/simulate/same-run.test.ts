import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ALL_FAULT_KINDS } from '../../../dev/simulate/faults/fault.ts';
import { rememberSignatures } from '../../../dev/simulate/remember-signatures.ts';

rememberSignatures();
const { loadFunctions } = await import('../../../dev/simulate/service/run-service.ts');
const { simulateSeed } = await import('../../../dev/simulate/simulate-seed.ts');

before(loadFunctions);

test('the same seed gives the same run, to the millisecond and the last event, and another seed another one', async () => {
  for (const seed of [3, 16, 25]) {
    const [first, second] = [
      await simulateSeed(seed, { kinds: ALL_FAULT_KINDS }),
      await simulateSeed(seed, { kinds: ALL_FAULT_KINDS }),
    ];
    assert.ok(first.trace.length > 20);
    assert.deepEqual(second.trace, first.trace);
    assert.deepEqual(second, first);
    assert.notEqual((await simulateSeed(seed + 1, { kinds: ALL_FAULT_KINDS })).traceHash, first.traceHash);
  }
});

test('without faults nothing strikes and nothing fails', async () => {
  const { plan, faults, failures, trace } = await simulateSeed(7, { kinds: [] });
  assert.deepEqual({ plan, faults, failures }, { plan: [], faults: {}, failures: [] });
  for (const event of ['captured', 'sealed', 'stored', 'final', 'checked']) {
    assert.ok(
      trace.some((line) => line.includes(`{"event":"${event}"`)),
      event,
    );
  }
});
