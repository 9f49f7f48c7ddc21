import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { misplacedPiece } from '../../core/block/attached-object.ts';
import { fallingClock, nextCaptureTime } from '../../core/block/falling-clock.ts';
import { decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { ArgumentError } from '../../core/errors.ts';

describe('pieces of attached objects', () => {
  const piece = (key: string, versionId: string | null, offset: number, size = 10) => ({
    object: { key, versionId, offset },
    size,
  });
  const position = (before: Parameters<typeof misplacedPiece>[0], ...pieces: ReturnType<typeof piece>[]) =>
    misplacedPiece(before, pieces)?.position ?? null;

  it('go from offset 0 to the end, ascending and without gap', () => {
    assert.equal(
      position(null, piece('a', 'v', 0), piece('a', 'v', 10), piece('a', 'v', 20, 3), piece('b', 'v', 0)),
      null,
    );
    assert.equal(position(null, piece('a', 'v', 5)), 0);
    assert.equal(position(undefined, piece('a', 'v', 5), piece('a', 'v', 15)), null);
    assert.equal(position(undefined, piece('a', 'v', 5), piece('a', 'v', 16)), 1);
    assert.equal(position(undefined, piece('a', 'v', 5), piece('a', 'v', 14)), 1);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'v', 10)), null);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'v', 11)), 0);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'w', 10)), 0);
    assert.equal(position(piece('a', 'v', 0), piece('b', 'v', 10)), 0);
  });

  it('begin anew at 0 where there is no version, and once a version otherwise', () => {
    assert.equal(position(null, piece('a', null, 0), piece('a', null, 0), piece('a', null, 10)), null);
    assert.equal(position(null, piece('a', 'v', 0), piece('a', 'v', 0)), 1);
    assert.equal(position(null, piece('a', 'v', 0), piece('b', 'v', 0), piece('a', 'v', 0)), 2);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'v', 0)), 0);
    assert.equal(position(null, piece('a', 'v', 0), piece('a', 'w', 0), piece('b', 'v', 0)), null);
  });
});

describe('the clock of a log', () => {
  it('never falls within a stretch', () => {
    const times = (...list: (number | [number, 1 | 2])[]) =>
      list.map((one) => (typeof one === 'number' ? { at: one } : { at: one[0], clock: one[1] }));
    assert.equal(fallingClock(null, times(1, 2, 2, 3)), -1);
    assert.equal(fallingClock(null, times(1, 3, 2)), 2);
    assert.equal(fallingClock({ at: 5 }, times(4)), 0);
    assert.equal(fallingClock({ at: 5 }, times([4, 2], 4, 5)), -1);
    assert.equal(fallingClock({ at: 5 }, times([4, 1])), 0);
    assert.equal(fallingClock(null, times(9, [1, 2], 2, 1)), 3);
    assert.equal(fallingClock(null, []), -1);
  });

  it('keeps the last value when it went back, and says so', () => {
    const now = (nowMs: number, isSynchronised = true, isNewStretch = false) => ({
      nowMs,
      isSynchronised,
      isNewStretch,
    });
    assert.deepEqual(nextCaptureTime(null, now(7)), { at: 7 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(7)), { at: 9, clock: 1 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(9)), { at: 9 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(10, false)), { at: 10, clock: 1 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(7, true, true)), { at: 7, clock: 2 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean(), fc.nat(9)), { maxLength: 40 }), (ticks) => {
        const times: { at: number; clock?: 1 | 2 }[] = [];
        for (const [nowMs, isSynchronised, stretch] of ticks) {
          times.push(nextCaptureTime(times.at(-1) ?? null, now(nowMs, isSynchronised, stretch === 0)));
        }
        assert.equal(fallingClock(null, times), -1);
      }),
    );
  });
});

describe('a meta', () => {
  it('reads back with every field, up to 512 bytes', () => {
    const full = {
      at: 2 ** 53 - 1,
      clock: 2 as const,
      time: 0,
      after: new Uint8Array(32).fill(1),
      name: 'wind.csv',
      type: 'text/csv',
      part: 2,
      parts: 3,
      object: new Uint8Array(32).fill(2),
    };
    assert.deepEqual(decodeMeta(encodeMeta(full)), full);
    assert.throws(() => encodeMeta({ at: 1, name: 'x'.repeat(500) }), /at most 512 fit/);
    for (const wrong of [
      { part: 3 },
      { at: -1 },
      { at: 1.5 },
      { clock: 3 },
      { after: new Uint8Array(31) },
      { name: '' },
      { time: -1 },
      { name: '\uD800' },
    ]) {
      assert.throws(() => encodeMeta({ ...full, ...wrong } as never), ArgumentError, JSON.stringify(wrong));
    }
  });
});
