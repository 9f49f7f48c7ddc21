import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ArgumentError } from '../../core/errors.ts';
import { chooseDistinct, uniformBelow } from '../../core/sampling/choose-blocks.ts';
import {
  type AuditCount,
  assure,
  DEFAULT_SAMPLE,
  detectionOfDamagedBlocks,
  detectionOfDamagedChunks,
  sampleSize,
} from '../../core/sampling/confidence.ts';
import { BOTH } from './both-primitives.ts';

/** splitmix32 as a source of bytes: the same seed gives the same bytes, so a distribution is judged once and for all. */
function seeded(seed: number): { randomBytes(size: number): Uint8Array } {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return {
    randomBytes(size) {
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size; at++) bytes[at] = next() >>> 24;
      return bytes;
    },
  };
}

/** Bytes that are given one after another, to lead a choice where it shall go. */
function scripted(...words: bigint[]): { randomBytes(size: number): Uint8Array; left(): number } {
  return {
    randomBytes(size) {
      assert.equal(size, 8);
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, words.shift() ?? assert.fail('no more randomness'));
      return bytes;
    },
    left: () => words.length,
  };
}

/** Chi-square of counts against equal shares, less its mean, in standard deviations. */
function deviation(counts: readonly number[]): number {
  const share = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - share) ** 2 / share, 0);
  const freedom = counts.length - 1;
  return (chiSquare - freedom) / Math.sqrt(2 * freedom);
}

describe('choosing at random', () => {
  it('a number below a limit is uniform (chi-square, fixed seeds)', () => {
    for (const [limit, seed] of [
      [2, 1],
      [3, 2],
      [7, 3],
      [10, 4],
      [100, 5],
      [257, 6],
    ] as const) {
      const random = seeded(seed);
      const counts = new Array<number>(limit).fill(0);
      for (let draw = 0; draw < 400 * limit; draw++) counts[uniformBelow(random, limit)]! += 1;
      assert.ok(Math.abs(deviation(counts)) < 4, `below ${limit}: ${deviation(counts)}`);
    }
  });

  it('uses all 53 bits, and throws away what would favour small numbers', () => {
    const top = (1n << 64n) - 1n;
    assert.equal(uniformBelow(scripted(top), 2 ** 52), 2 ** 52 - 1);
    assert.equal(uniformBelow(scripted(1n << 32n), 2 ** 53 - 1), 0, 'the 11 bits between the halves are left out');
    assert.equal(uniformBelow(scripted(1n << 43n), 2 ** 53 - 1), 2 ** 32);
    // 2^53 = 3 · 3,002,399,751,580,330 + 2: the two largest numbers would be a third 0 and a third 1.
    const random = scripted(top, top ^ 1n, top ^ 2n);
    assert.equal(uniformBelow(random, 3), 2);
    assert.equal(random.left(), 0);
  });

  it('refuses limits that are none', () => {
    for (const limit of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => uniformBelow(seeded(1), limit), ArgumentError);
    }
  });

  it('a sample is distinct, ascending, in range, and of the size asked for', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), fc.nat(), (total, wanted, seed) => {
        const count = Math.min(total, wanted);
        const chosen = chooseDistinct(seeded(seed), total, count);
        assert.equal(chosen.length, count);
        for (const [at, number] of chosen.entries()) {
          assert.ok(Number.isInteger(number) && number >= 0 && number < total);
          if (at > 0) assert.ok(number > (chosen[at - 1] as number));
        }
      }),
      { seed: 7 },
    );
    assert.deepEqual(chooseDistinct(seeded(1), 4, 4), [0, 1, 2, 3]);
    assert.deepEqual(chooseDistinct(seeded(1), 0, 0), []);
  });

  it('every set is equally likely, and every number (chi-square, fixed seeds)', () => {
    const random = seeded(11);
    const sets = new Map<string, number>();
    for (let draw = 0; draw < 7000; draw++) {
      const set = chooseDistinct(random, 7, 3).join();
      sets.set(set, (sets.get(set) ?? 0) + 1);
    }
    assert.equal(sets.size, 35);
    assert.ok(Math.abs(deviation([...sets.values()])) < 4);
    const counts = new Array<number>(200).fill(0);
    for (let draw = 0; draw < 2000; draw++) for (const number of chooseDistinct(random, 200, 20)) counts[number]! += 1;
    assert.ok(Math.abs(deviation(counts)) < 4, String(deviation(counts)));
  });

  it('a small sample of a huge dataset costs a small sample', () => {
    const random = seeded(13);
    let bytes = 0;
    const counted = {
      randomBytes: (size: number) => {
        bytes += size;
        return random.randomBytes(size);
      },
    };
    const chosen = chooseDistinct(counted, 2 ** 52, DEFAULT_SAMPLE);
    assert.equal(chosen.length, DEFAULT_SAMPLE);
    assert.ok(bytes <= 8 * 2 * DEFAULT_SAMPLE);
    assert.ok((chosen.at(-1) as number) > 2 ** 51 && (chosen[0] as number) < 2 ** 51);
  });

  it('refuses a sample that cannot be', () => {
    for (const [total, count] of [
      [3, 4],
      [3, -1],
      [3, 0.5],
      [3, Number.NaN],
    ] as const) {
      assert.throws(() => chooseDistinct(seeded(1), total, count), ArgumentError);
    }
  });

  for (const { name, primitives } of BOTH) {
    it(`works on the randomness of ${name}`, () => {
      assert.equal(new Set(chooseDistinct(primitives, 1e6, DEFAULT_SAMPLE)).size, DEFAULT_SAMPLE);
      assert.notDeepEqual(chooseDistinct(primitives, 1e6, 20), chooseDistinct(primitives, 1e6, 20));
    });
  }
});

/** C(n, k), exactly. */
function choose(n: number, k: number): bigint {
  let result = 1n;
  for (let i = 1; i <= k; i++) result = (result * BigInt(n - k + i)) / BigInt(i);
  return result;
}

/** 1 - C(total - damaged, sample) / C(total, sample), exactly, then rounded once. */
function exactDetection(total: number, damaged: number, sample: number): number {
  const all = choose(total, sample);
  const missed = sample > total - damaged ? 0n : choose(total - damaged, sample);
  return Number(((all - missed) * 10n ** 18n) / all) / 1e18;
}

describe('how sure a sample makes', () => {
  it('the hypergeometric agrees with exact arithmetic', () => {
    for (const total of [1, 2, 3, 5, 8, 13, 30]) {
      for (let damaged = 0; damaged <= total; damaged++) {
        for (let sample = 0; sample <= total; sample++) {
          const found = detectionOfDamagedBlocks(total, damaged, sample);
          const wanted = damaged === 0 ? 0 : exactDetection(total, damaged, sample);
          assert.ok(Math.abs(found - wanted) < 1e-12, `${damaged} of ${total}, ${sample} sampled: ${found}, ${wanted}`);
        }
      }
    }
    for (const [total, damaged, sample] of [
      [1000, 10, 460],
      [5000, 50, 460],
      [5000, 1, 2500],
      [3000, 1500, 3],
      [2000, 1999, 1],
    ] as const) {
      const [found, wanted] = [
        detectionOfDamagedBlocks(total, damaged, sample),
        exactDetection(total, damaged, sample),
      ];
      assert.ok(Math.abs(found - wanted) < 1e-12, `${found}, ${wanted}`);
    }
  });

  it('grows with damage and sample, and is exact at its ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 1e9 }), fc.nat(), fc.nat(), (total, a, b) => {
        const damaged = 1 + (a % (total - 1));
        const sample = 1 + (b % (total - 1));
        const at = detectionOfDamagedBlocks(total, damaged, Math.min(sample, 10_000));
        assert.ok(at > 0 && at <= 1);
        assert.ok(detectionOfDamagedBlocks(total, damaged, Math.min(sample, 10_000) + 1) >= at - 1e-12);
        assert.equal(detectionOfDamagedBlocks(total, damaged, total), 1);
        assert.equal(detectionOfDamagedBlocks(total, 0, sample), 0);
        assert.equal(detectionOfDamagedBlocks(total, damaged, 0), 0);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('the default sample of 460 sees 1 % with 99 %, whatever the size of the dataset', () => {
    for (const total of [460, 500, 1000, 10_000, 1e6, 1e9]) {
      const detection = detectionOfDamagedBlocks(total, Math.ceil(total / 100), Math.min(DEFAULT_SAMPLE, total));
      assert.ok(detection >= 0.99, `${total}: ${detection}`);
    }
    assert.ok(detectionOfDamagedChunks(0.01, DEFAULT_SAMPLE) >= 0.99);
    assert.ok(detectionOfDamagedChunks(0.01, DEFAULT_SAMPLE - 2) < 0.99);
  });

  it('the least sample reaches the confidence, and one less does not', () => {
    for (const total of [10, 100, 1000, 12_345]) {
      for (const fraction of [0.01, 0.07, 0.29, 0.5]) {
        for (const confidence of [0.5, 0.9, 0.99]) {
          const size = sampleSize('retrieved', total, fraction, confidence);
          // The fraction in exact arithmetic: 7 % of 100 blocks are 7, though 0.07 * 100 > 7 in floating point.
          const damaged = Number((BigInt(Math.round(fraction * 100)) * BigInt(total) + 99n) / 100n);
          assert.ok(
            exactDetection(total, damaged, size) >= confidence - 1e-12,
            `${total}, ${fraction}, ${confidence}: ${size}`,
          );
          if (size > 1) assert.ok(exactDetection(total, damaged, size - 1) < confidence, `${size} is not the least`);
        }
      }
    }
    for (const fraction of [0.01, 0.05, 0.5]) {
      const size = sampleSize('possession', 1e6, fraction, 0.99);
      assert.ok(1 - (1 - fraction) ** size >= 0.99);
      assert.ok(1 - (1 - fraction) ** (size - 1) < 0.99);
    }
    assert.equal(sampleSize('possession', 1e6, 0.01, 0.99), 459);
    assert.equal(sampleSize('possession', 20, 0.01, 0.99), 20, 'more than all blocks cannot be challenged');
  });

  it('refuses fractions, confidences and counts that cannot be', () => {
    for (const bad of [0, 1, -0.1, Number.NaN]) {
      assert.throws(() => sampleSize('retrieved', 10, bad, 0.9), ArgumentError);
      assert.throws(() => sampleSize('retrieved', 10, 0.1, bad), ArgumentError);
      assert.throws(() => detectionOfDamagedChunks(bad, 10), ArgumentError);
    }
    for (const [total, damaged, sample] of [
      [10, 11, 1],
      [10, 1, 11],
      [-1, 0, 0],
      [10, 0.5, 1],
      [10, 1, Number.NaN],
    ] as const) {
      assert.throws(() => detectionOfDamagedBlocks(total, damaged, sample), ArgumentError);
    }
  });
});

describe('what an audit states', () => {
  const count = (change: Partial<AuditCount>): AuditCount => ({
    ...{ evidence: 'retrieved', total: 10_000, checked: 460, intact: 460, unanswered: 0, fraction: 0.01 },
    ...change,
  });

  it('retrieved: the exact hypergeometric, about blocks', () => {
    const { confidence, words } = assure(count({}));
    assert.ok(confidence !== null && Math.abs(confidence - exactDetection(10_000, 100, 460)) < 1e-12);
    assert.match(words, /460 of 10,000 blocks were hashed here/);
    assert.match(words, /100 or more blocks/);
    assert.doesNotMatch(words, /chunk/);
    assert.deepEqual(assure(count({ total: 460 })).confidence, 1);
  });

  it('retrieved: the number of damaged blocks is not raised by rounding', () => {
    const { confidence, words } = assure(count({ total: 100, checked: 30, intact: 30, fraction: 0.07 }));
    assert.match(words, /If 7 or more blocks \(7 %\)/);
    assert.ok(confidence !== null && Math.abs(confidence - exactDetection(100, 7, 30)) < 1e-12);
  });

  it('possession: a lower bound about chunks, and that isolated ones go unseen, even when all blocks were asked', () => {
    for (const total of [460, 10_000]) {
      const { confidence, words } = assure(count({ evidence: 'possession', total }));
      assert.ok(confidence !== null && confidence < 1 && Math.abs(confidence - (1 - 0.99 ** 460)) < 1e-12);
      assert.match(words, /at least 0\.99/);
      assert.match(words, /It can miss isolated damaged chunks/);
    }
  });

  it('attested: no confidence, and that hashes alone may be kept', () => {
    const { confidence, words } = assure(count({ evidence: 'attested' }));
    assert.equal(confidence, null);
    assert.match(words, /does not show that it still has the bytes/);
  });

  it('one missing or refused answer withholds the confidence, under every evidence', () => {
    for (const evidence of ['attested', 'possession', 'retrieved'] as const) {
      for (const total of [460, 10_000]) {
        const { confidence, words } = assure(count({ evidence, total, intact: 459, unanswered: 1 }));
        assert.equal(confidence, null);
        assert.match(words, /1 of 460 answers is missing/);
      }
    }
  });

  it('damage seen, and nothing checked, state no confidence', () => {
    for (const evidence of ['attested', 'possession', 'retrieved'] as const) {
      const seen = assure(count({ evidence, intact: 457, unanswered: 1 }));
      assert.equal(seen.confidence, null);
      assert.match(seen.words, /Damage found: 2 of 460/);
      assert.deepEqual(assure(count({ evidence, checked: 0, intact: 0 })), {
        confidence: null,
        words: 'Nothing was checked.',
      });
    }
  });

  it('a figure is never shown kinder than it is', () => {
    for (let checked = 1; checked < 600; checked++) {
      const { confidence, words } = assure(count({ evidence: 'possession', checked, intact: checked }));
      const shown = Number(/at least ([0-9.]+)[;.]/.exec(words)?.[1]);
      assert.ok(shown <= (confidence as number) && (confidence as number) - shown < 2e-4, `${checked}: ${words}`);
    }
  });
});

describe('simulated audits (fixed seeds)', () => {
  const TRIALS = 2000;

  it('of retrieved blocks see damage as often as the audit states', () => {
    const random = seeded(101);
    for (const [total, damaged, sample] of [
      [500, 5, 100],
      [500, 25, 40],
      [200, 1, 50],
    ] as const) {
      let seen = 0;
      for (let trial = 0; trial < TRIALS; trial++) {
        const bad = new Set(chooseDistinct(random, total, damaged));
        if (chooseDistinct(random, total, sample).some((block) => bad.has(block))) seen += 1;
      }
      const stated = assure({
        evidence: 'retrieved',
        total,
        checked: sample,
        intact: sample,
        unanswered: 0,
        fraction: damaged / total,
      }).confidence as number;
      const spread = Math.sqrt((stated * (1 - stated)) / TRIALS);
      assert.ok(Math.abs(seen / TRIALS - stated) < 4 * spread, `seen ${seen / TRIALS}, stated ${stated}`);
    }
  });

  it('by possession see damage at least as often as the audit states, however the damage lies', () => {
    const random = seeded(202);
    const [total, chunks, sample] = [300, 16, 60];
    // The same mean fraction of damaged chunks: spread over blocks, heaped in few, and in between.
    const layouts: number[][] = [
      Array.from({ length: total }, (_, block) => (block % 10 === 0 ? 4 : 0)),
      Array.from({ length: total }, (_, block) => (block % 40 === 0 ? 15 : 0)),
      Array.from({ length: total }, (_, block) => (block % 3 === 0 ? 1 : 0)),
    ];
    for (const layout of layouts) {
      const fraction = layout.reduce((sum, bad) => sum + bad / chunks, 0) / total;
      const stated = assure({ evidence: 'possession', total, checked: sample, intact: sample, unanswered: 0, fraction })
        .confidence as number;
      let seen = 0;
      for (let trial = 0; trial < TRIALS; trial++) {
        const hit = chooseDistinct(random, total, sample).some(
          (block) => uniformBelow(random, chunks) < (layout[block] as number),
        );
        if (hit) seen += 1;
      }
      const spread = Math.sqrt((stated * (1 - stated)) / TRIALS);
      assert.ok(seen / TRIALS > stated - 4 * spread, `seen ${seen / TRIALS}, stated ${stated}`);
    }
  });

  it('by possession hardly ever see one damaged chunk a block in 1 % of the blocks, and do not claim to', () => {
    const random = seeded(303);
    const [total, chunks, sample] = [1000, 1024, DEFAULT_SAMPLE];
    let seen = 0;
    const trials = 400;
    for (let trial = 0; trial < trials; trial++) {
      // Blocks 0 … 9 have one damaged chunk each: 1 % of the blocks, 0.001 % of the chunks.
      const hit = chooseDistinct(random, total, sample).some(
        (block) => block < 10 && uniformBelow(random, chunks) === 0,
      );
      if (hit) seen += 1;
    }
    const about = { evidence: 'possession' as const, total, checked: sample, intact: sample, unanswered: 0 };
    assert.ok(seen / trials < 0.03);
    const stated = assure({ ...about, fraction: 10 / (total * chunks) }).confidence as number;
    assert.ok(stated < 0.01, `stated ${stated}`);
    assert.match(assure({ ...about, fraction: 0.01 }).words, /1 % of the blocks' chunks/);
  });
});
