import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFinal, DAY_BLOCKS } from '../../core/final-block.ts';

test('a final block that is lower than before is late within a day, and beyond it proves the earlier one too high', () => {
  const now = 1_000;
  assert.equal(compareFinal(null, now), 'ahead', 'nothing was read before');
  assert.equal(compareFinal(now - 1, now), 'ahead');
  assert.equal(compareFinal(now, now), 'ahead');
  assert.equal(compareFinal(now + 1, now), 'behind');
  assert.equal(compareFinal(now + DAY_BLOCKS, now), 'behind');
  assert.equal(compareFinal(now + DAY_BLOCKS + 1, now), 'far-behind');
  assert.equal(compareFinal(Number.MAX_SAFE_INTEGER, 0), 'far-behind');
});
