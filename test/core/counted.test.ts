import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from '../../core/counted.ts';

test('one thing is named in the singular, every other number of them in the plural', () => {
  const said = [0, 1, 2, 1_200].map((count) => counted(count, 'block'));
  assert.deepEqual(said, ['0 blocks', '1 block', '2 blocks', '1,200 blocks']);
  assert.deepEqual(
    [counted(1, 'batch'), counted(3, 'batch'), counted(2, 'more span')],
    ['1 batch', '3 batches', '2 more spans'],
  );
});
