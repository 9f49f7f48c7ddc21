import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noDamage } from '../../examples/demo/damage.ts';
import { runCommandsBy } from '../../examples/demo/plumb-process.ts';
import { runDemo } from '../../examples/demo/run-demo.ts';
import '../cli/quicken-keystore.ts';
import { runPlumb } from '../cli/run-plumb.ts';

// As a process of its own each took as long to start as to do what it does; `npm run demo` starts them.
runCommandsBy(runPlumb);

test('the demo fails when the damage it tells of is not done, and only there', async () => {
  const log = await runDemo({ quiet: true, damage: noDamage, hold: false, interrupt: new AbortController().signal });
  const failed = log.steps.filter((step) => !step.ok).map((step) => step.step);
  assert.equal(log.ok, false);
  assert.deepEqual(
    failed.map((step) => /flipped|cut off|change places|rival|deleted/.exec(step)?.[0]),
    ['flipped', 'cut off', 'change places', 'rival', 'deleted'],
  );
  const damage = log.steps.filter((step) => failed.includes(step.step));
  assert.ok(damage.every((step) => /^\d+ intact$/.test(step.seen)));
});
