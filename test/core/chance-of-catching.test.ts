import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { ArgumentError } from '../../core/errors.ts';
import { breakEvenFraction, chanceOfCatching, MOST_CHUNKS } from '../../core/sampling/chance-of-catching.ts';

const SPECIFICATION = new URL('../../docs/specification.md', import.meta.url);

describe('what challenges on the chain catch', () => {
  it('one lost chunk of 1,024 is caught by ten challenges with one in a hundred', () => {
    const chance = chanceOfCatching({ challenges: 10, chunks: 1024, lost: 1 });
    assert.ok(chance > 0.0097 && chance < 0.0098, String(chance));
    assert.ok(chanceOfCatching({ challenges: 4712, chunks: 1024, lost: 1 }) > 0.989, 'for 99 % it takes thousands');
  });

  it('is what the specification says of it', async () => {
    const page = (await readFile(SPECIFICATION, 'utf8')).replaceAll(/\s+/g, ' ');
    const said = /lost chunk of ([\d,]+) is caught by ten challenges with (\d+) %, by ([\d,]+) with (\d+) %/.exec(page);
    const [chunks, percent, many, percentMany] = (said ?? assert.fail('not said'))
      .slice(1)
      .map((text) => Number(text.replaceAll(',', '')));
    assert.equal(chunks, MOST_CHUNKS);
    const chance = (challenges: number) => 100 * chanceOfCatching({ challenges, chunks: MOST_CHUNKS, lost: 1 });
    assert.equal(Math.round(chance(10)), percent);
    assert.ok(
      chance(many ?? 0) >= (percentMany ?? 0) && chance((many ?? 0) - 1) < (percentMany ?? 0),
      'the first with so much',
    );
    // S/(S + P - due + B), as the page has it, of what a challenge costs and wins.
    assert.match(page, /pays on average above S\/\(S \+ P - due \+ B\) of the chunks lost/);
    assert.ok(Math.abs(breakEvenFraction(3n, 100n - 40n + 50n) - 3 / (3 + 100 - 40 + 50)) < 1e-8);
  });

  it('is what counting all draws says', () => {
    for (const [challenges, chunks, lost] of [
      [1, 7, 3],
      [3, 5, 2],
      [4, 4, 1],
      [2, 1, 0],
    ] as const) {
      let caught = 0;
      const draws = chunks ** challenges;
      for (let draw = 0; draw < draws; draw++) {
        const digits = Array.from({ length: challenges }, (_, at) => Math.floor(draw / chunks ** at) % chunks);
        if (digits.some((digit) => digit < lost)) caught++;
      }
      assert.ok(Math.abs(chanceOfCatching({ challenges, chunks, lost }) - caught / draws) < 1e-12);
    }
  });

  it('a block that is lost whole is caught by the first, and nothing by none', () => {
    assert.equal(chanceOfCatching({ challenges: 1, chunks: 1024, lost: 1024 }), 1);
    assert.equal(chanceOfCatching({ challenges: 0, chunks: 1024, lost: 1024 }), 0);
    assert.equal(chanceOfCatching({ challenges: 10, chunks: 1024, lost: 0 }), 0);
    for (const hunt of [{ lost: 6 }, { chunks: 0 }, { challenges: -1 }, { challenges: 0.5 }]) {
      assert.throws(() => chanceOfCatching({ challenges: 1, chunks: 5, lost: 1, ...hunt }), ArgumentError);
    }
  });

  it('a challenge pays from that part of lost chunks on where what it may win is what it may cost', () => {
    assert.equal(breakEvenFraction(1n, 99n), 0.01);
    assert.equal(breakEvenFraction(5n, 5n), 0.5);
    assert.equal(breakEvenFraction(0n, 5n), 0);
    assert.equal(breakEvenFraction(5n, 0n), 1);
    const [stake, win] = [3n * 10n ** 15n, 10n ** 18n];
    const p = breakEvenFraction(stake, win);
    assert.ok(Math.abs(p * Number(win) - (1 - p) * Number(stake)) < 1e10);
  });
});
