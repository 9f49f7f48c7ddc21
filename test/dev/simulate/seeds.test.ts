import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ALL_FAULT_KINDS, type FaultKind } from '../../../dev/simulate/faults/fault.ts';
import { rememberSignatures } from '../../../dev/simulate/remember-signatures.ts';

const SEEDS = 200;

rememberSignatures();
const { loadFunctions } = await import('../../../dev/simulate/service/run-service.ts');
const { simulateSeed } = await import('../../../dev/simulate/simulate-seed.ts');

before(loadFunctions);

test(`${SEEDS} seeds: under every kind of fault all is checked in the end, once, and restored as it was written`, async () => {
  const struck = new Set<FaultKind>();
  const failed: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failures, faults } = await simulateSeed(seed, { kinds: ALL_FAULT_KINDS });
    for (const kind of Object.keys(faults)) struck.add(kind as FaultKind);
    if (failures.length > 0) failed.push(`npm run simulate -- --seed ${seed}: ${failures.join('; ')}`);
  }
  assert.deepEqual(failed, []);
  assert.deepEqual([...struck].sort(), [...ALL_FAULT_KINDS].sort(), 'every kind has struck');
});
