import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FOREVER, findTimes } from '../../client/owner/find-times.ts';
import type { CharterHistory } from '../../core/charter/charters-in-force.ts';
import type { LogRoot } from '../../core/ids.ts';
import { charterOf, WRITER } from '../core/honest-storage.ts';

/** A log of one block a capture time; null where nobody can show the block. `starts` are later charters' first blocks. */
function search(
  ats: readonly (number | null)[],
  from: number,
  to: number,
  starts: readonly number[] = [],
  guesses: number[] = [],
) {
  const charter = charterOf(0);
  const chartered = [0, ...starts].map((at, i) => ({
    charter: { ...charter, serial: charter.serial + i, from: at },
    blockNumber: i,
    logIndex: 0,
  }));
  const charters: CharterHistory = { first: charter, chartered };
  const head = { dataset: WRITER.dataset, size: ats.length, root: new Uint8Array(32) as LogRoot };
  let asked = 0;
  const capturedAt = async (index: number) => {
    asked += 1;
    return ats[index] ?? null;
  };
  return findTimes({ head, charters }, { from, to }, capturedAt, guesses).then((found) => ({ found, asked }));
}

const indices = (found: readonly { from: number; to: number }[]): number[] =>
  found.flatMap(({ from, to }) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i));

describe('finding the blocks of a time', () => {
  it('are exactly those captured then, whatever the guesses, and both ends prove it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(20), { minLength: 1, maxLength: 60 }),
        fc.nat(25),
        fc.nat(25),
        fc.array(fc.nat(70), { maxLength: 4 }),
        async (steps, a, b, guesses) => {
          const ats = steps.map((_, i) => steps.slice(0, i + 1).reduce((sum, step) => sum + (step % 3), 0));
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const { found } = await search(ats, from, to, [], guesses);
          const wanted = [...ats.keys()].filter((i) => (ats[i] as number) >= from && (ats[i] as number) <= to);
          assert.deepEqual(indices(found), wanted);
          assert.ok(found.every(({ before, after }) => before.proven && after.proven));
          const [one] = found;
          assert.ok(one?.before.at == null || one.before.at < from);
          assert.ok(one?.after.at == null || one.after.at > to);
        },
      ),
    );
  });

  it('costs a few questions, and without bounds none', async () => {
    const ats = Array.from({ length: 100_000 }, (_, i) => 10 * i);
    const { found, asked } = await search(ats, 500_000, 600_000);
    assert.deepEqual([found[0]?.from, found[0]?.to], [50_000, 60_000]);
    assert.ok(asked <= 2 * 20, `${asked}`);
    const guessed = await search(ats, 500_000, 600_000, [], [50_000, 60_000]);
    assert.ok(guessed.asked <= 8, `${guessed.asked}`);
    assert.equal((await search(ats, 0, FOREVER)).asked, 0);
  });

  it('blocks that nobody can show are within, and what lies beyond them is said not to be proven', async () => {
    const ats = [1, 2, null, null, 5, 6, 7, null, 9];
    const { found } = await search(ats, 3, 7);
    assert.deepEqual(indices(found), [2, 3, 4, 5, 6, 7]);
    assert.deepEqual([found[0]?.before.proven, found[0]?.after.proven], [false, false]);
    const inside = await search(ats, 2, 6);
    assert.deepEqual(indices(inside.found), [1, 2, 3, 4, 5]);
    assert.deepEqual([inside.found[0]?.before.proven, inside.found[0]?.after.proven], [true, true]);
  });

  it('a long stretch that nobody can show does not hide what lies behind it', async () => {
    const ats = [...Array.from({ length: 50 }, (_, i) => i), ...Array.from({ length: 3000 }, () => null), 5000, 5001];
    const { found } = await search(ats, 10, 20);
    assert.deepEqual([found[0]?.from, found[0]?.before.proven], [10, true]);
    assert.ok((found[0]?.to as number) >= 20);
  });

  it("each device's blocks are looked through by themselves: the clocks of two need not agree", async () => {
    const ats = [10, 20, 30, 40, 15, 25, 35];
    const { found } = await search(ats, 20, 30, [4]);
    assert.deepEqual(indices(found), [1, 2, 5]);
    assert.ok(found.every(({ before, after }) => before.proven && after.proven));
  });

  it('where nothing was captured then, the neighbours show it', async () => {
    const { found } = await search([10, 20, 30], 21, 29);
    assert.deepEqual(found, [
      {
        from: 2,
        to: 1,
        before: { block: 1, at: 20, proven: true },
        after: { block: 2, at: 30, proven: true },
      },
    ]);
  });
});
