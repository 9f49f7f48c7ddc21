import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutPower } from './power-cuts.ts';

/* What SQLite and the outbox's mark really write, on a disk that loses what was not synchronised. Needs gcc. */

const CUTS = 300;
const SEED = 11;

test(`${CUTS} power cuts at sync points: what was acknowledged is there, and recorded once`, async (context) => {
  const { failure, ...counts } = await cutPower(CUTS, SEED);
  context.diagnostic(JSON.stringify(counts));
  assert.equal(failure, null);
  assert.equal(counts.cuts, CUTS);
  // The cuts came where they hurt.
  assert.ok(counts.lossy >= CUTS / 10, `only ${counts.lossy} cuts lost anything`);
});

test(`an outbox that is not synchronised at each commit is found within ${CUTS} cuts`, async (context) => {
  const { failure, cuts } = await cutPower(CUTS, SEED, { from: 'synchronous = FULL', to: 'synchronous = NORMAL' });
  context.diagnostic(`at cut ${cuts}: ${failure}`);
  assert.match(failure ?? '', /bytes were acknowledged/);
});
