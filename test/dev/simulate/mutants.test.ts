import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { MUTANTS } from '../../../dev/simulate/mutants.ts';
import { SALE_EVERY } from '../../../dev/simulate/sale/sale-every.ts';

/** As many as CI runs without a mutant (seeds.test.ts), of which so many have a sale. */
const SEEDS = 200;
const SALES = Math.floor(SEEDS / SALE_EVERY);
/** Of these seeds, those that have found each before: they are tried first, and all of them where one of these does not find it any more. */
const FOUND_BY: Readonly<Record<string, number>> = {
  'trusts-2xx': 11,
  'awaits-event': 4,
  'keeps-nonce': 85,
  'synchronous-normal': 13,
  'keeps-answer': 48,
  'pays-unseen': 48,
};
const PROGRAM = join(import.meta.dirname, '../../../dev/simulate/run-simulate.ts');

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function simulate(...given: readonly string[]): Promise<Ran> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...given]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ran;
    return { code, stdout, stderr };
  }
}

describe('faults in the product itself', { concurrency: 2 }, () => {
  for (const [name, { says, shownBy }] of Object.entries(MUTANTS)) {
    const under = shownBy === undefined ? [] : ['--faults', shownBy];
    const seeds = shownBy === undefined ? ['--seeds', `${SEEDS}`] : ['--sales', '--seeds', `${SALES}`];
    test(`is found within ${SEEDS} seeds: ${says}`, async () => {
      const known = FOUND_BY[name];
      const mutant = [...under, '--mutant', name, '--stop', '--json'];
      const before = known === undefined ? null : await simulate('--seeds', '1', '--from', String(known), ...mutant);
      const found = before?.code === 1 ? before : await simulate(...seeds, ...mutant);
      const { code, stdout, stderr } = found;
      assert.equal(code, 1, stderr);
      const { failed } = JSON.parse(stdout) as { failed: readonly number[] };
      assert.equal(failed.length, 1);
      assert.ok((failed[0] as number) <= SEEDS);
      assert.match(stderr, new RegExp(`^seed ${failed[0]} fails:`));
    });
  }
});

test('the command says what is wrong with its arguments, and how it is used', async () => {
  const wrong: readonly [readonly string[], RegExp][] = [
    [['--seeds', 'many'], /--seeds is many/],
    [['--seed', '1', '--seeds', '2'], /leave --seeds/],
    [['--mutant', 'nobody'], /There is no mutant nobody/],
    [['--faults', 'power-cut,rain'], /No kind of fault: rain/],
    [['--sees', '3'], /--sees/],
  ];
  for (const [given, says] of wrong) {
    const { code, stderr } = await simulate(...given);
    assert.equal(code, 2);
    assert.match(stderr, says);
  }
  const help = await simulate('--help');
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Examples:/);
});

test('one seed without faults prints what was done', async () => {
  const { code, stdout } = await simulate('--seed', '5', '--faults', 'none', '--json');
  assert.equal(code, 0);
  const { seeds, virtualHours, faults, failed } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual({ seeds, faults, failed }, { seeds: 1, faults: {}, failed: [] });
  assert.ok((virtualHours as number) > 0.5);
});
