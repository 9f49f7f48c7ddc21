import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { holdKey } from '../../../adapters/keys/holder/held-key.ts';

const MINUTE_MS = 60_000;

function holding(forMs: number) {
  const clock = { wallMs: 1_800_000_000_000, monotonicMs: 5_000 };
  const key = new Uint8Array(64).fill(7);
  const held = holdKey(key, forMs, { nowMs: () => clock.wallMs, monotonicMs: () => clock.monotonicMs });
  const pass = (ms: number): void => {
    clock.wallMs += ms;
    clock.monotonicMs += ms;
  };
  return { clock, key, held, pass };
}

describe('a key that is held for a time', () => {
  test('is there until the time is over, and zeros from then on', () => {
    const { key, held, pass } = holding(15 * MINUTE_MS);
    assert.equal(held.read(), key);
    pass(15 * MINUTE_MS - 1);
    assert.equal(held.remainingMs(), 1);
    assert.deepEqual(held.read(), new Uint8Array(64).fill(7));
    pass(1);
    assert.equal(held.read(), null);
    assert.deepEqual(key, new Uint8Array(64));
    assert.equal(held.remainingMs(), 0);
  });

  test('is gone when a machine wakes after the time: only the wall clock went on while it slept', () => {
    const { clock, key, held } = holding(15 * MINUTE_MS);
    clock.wallMs += 15 * MINUTE_MS;
    assert.equal(held.read(), null);
    assert.deepEqual(key, new Uint8Array(64));
  });

  test('does not last longer when the wall clock stands still', () => {
    const { clock, held } = holding(15 * MINUTE_MS);
    clock.monotonicMs += 15 * MINUTE_MS;
    assert.equal(held.read(), null);
  });

  test('ends when the wall clock is set back, as then nobody knows how long the machine slept', () => {
    const { clock, key, held, pass } = holding(15 * MINUTE_MS);
    pass(MINUTE_MS);
    assert.equal(held.remainingMs(), 14 * MINUTE_MS);
    clock.wallMs -= MINUTE_MS + 1;
    assert.equal(held.remainingMs(), 0);
    assert.deepEqual(key, new Uint8Array(64));
    // Nor does setting it right bring it back.
    clock.wallMs += MINUTE_MS;
    assert.equal(held.read(), null);
  });

  test('outlasts the small steps by which a clock is kept right, and gains nothing by them', () => {
    const { clock, held, pass } = holding(15 * MINUTE_MS);
    pass(MINUTE_MS);
    clock.wallMs -= 900;
    assert.equal(held.remainingMs(), 14 * MINUTE_MS);
    clock.wallMs += 1_800;
    assert.equal(held.remainingMs(), 14 * MINUTE_MS - 900);
  });

  test('ends at once when the clock is set far ahead', () => {
    const { clock, held } = holding(8 * 60 * MINUTE_MS);
    clock.wallMs += 365 * 24 * 60 * MINUTE_MS;
    assert.equal(held.read(), null);
  });

  test('is wiped in place, once or twice', () => {
    const { key, held } = holding(MINUTE_MS);
    held.wipe();
    held.wipe();
    assert.deepEqual([held.read(), held.remainingMs(), key], [null, 0, new Uint8Array(64)]);
  });
});
