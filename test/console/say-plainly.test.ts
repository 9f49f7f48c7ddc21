import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sayPlainly } from '../../console/worker/say-plainly.ts';

test('a sentence stays as it is, signs of comparison too', () => {
  assert.equal(sayPlainly('At most 5 < 6 blocks fit. Ask again.'), 'At most 5 < 6 blocks fit. Ask again.');
});

test('tags, whole or cut off, comments, marks of a verdict and what hides text are taken out', () => {
  assert.equal(sayPlainly('No: <h1>✓ Intact</h1><!-- x --><img src=x onerror="a()"'), 'No: …… Intact………');
  assert.equal(sayPlainly('a\u202eb\u0007'), 'a\ufffdb\ufffd');
});
