import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ArgumentError } from '../../core/errors.ts';
import { buildGrowth } from '../../core/log/build-growth.ts';
import { joinGrowths } from '../../core/log/join-growths.ts';
import { LazyTree } from './lazy-tree.ts';

const tree = new LazyTree([100, 5000]);
const growth = (from: number, to: number) => buildGrowth({ subtrees: tree.source }, from, to);

it('joins growths to the very one that leads from the first size to the last, whatever lies between', async () => {
  for (let to = 1; to <= 40; to++) {
    for (let from = 0; from < to; from++) {
      const whole = await growth(from, to);
      for (let between = from + 1; between < to; between++) {
        const joined = joinGrowths(nodePrimitives, [await growth(from, between), await growth(between, to)]);
        assert.deepEqual(joined, whole, `${from}, ${between}, ${to}`);
      }
    }
  }
  const many = await Promise.all([growth(3, 64), growth(64, 1023), growth(1023, 4096)]);
  assert.deepEqual(joinGrowths(nodePrimitives, many), await growth(3, 4096));
});

it('refuses growths that do not follow on each other, or lack a subtree', async () => {
  const [one, other] = [await growth(3, 9), await growth(10, 12)];
  assert.throws(() => joinGrowths(nodePrimitives, [one, other]), ArgumentError);
  assert.throws(() => joinGrowths(nodePrimitives, []), ArgumentError);
  const cut = { ...one, appended: one.appended.slice(1) };
  assert.throws(() => joinGrowths(nodePrimitives, [cut]), ArgumentError);
});
