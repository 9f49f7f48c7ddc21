import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { awaitCheaperUntil } from '../../client/sale/await-cheaper.ts';
import type { Agreement, OpenQuestion } from '../../core/ports/agreements.ts';

/** Asked at second 1000, with a window of 101. */
const QUESTION: OpenQuestion = {
  ...{ asks: 'chunk', block: 3, seed: 7, stakeWei: 2000n, deadlineSeconds: 1101, graceEndSeconds: null },
};
const terms = { windowSeconds: 101 } as Agreement['terms'];

/** 100 gas for a chunk, 10 for a key. */
const until = (
  baseFeeWei: bigint | null,
  nowSeconds = 1000,
  question: Partial<OpenQuestion> = {},
): Promise<number | null> => {
  const costs = { answerGas: 100n, demandGas: 10n, baseFeeWei, gasPriceWei: 99n };
  const market = { readQuestionCosts: async () => costs };
  return awaitCheaperUntil(market, { terms }, { ...QUESTION, ...question }, nowSeconds, AbortSignal.timeout(1000));
};

describe('an answer that costs more than the question brings', () => {
  it('waits until half the window, and no longer', async () => {
    assert.equal(await until(21n), 1050);
    assert.equal(await until(21n, 1049), 1050);
    assert.equal(await until(21n, 1050), null);
    assert.equal(await until(10n ** 9n, 1051), null, 'however dear');
  });

  it('does not wait where the stake pays for it, where it has lapsed, nor where no block is cheaper than another', async () => {
    assert.equal(await until(20n), null);
    assert.equal(await until(21n, 1000, { graceEndSeconds: 1200 }), null);
    assert.equal(await until(null), null);
  });

  it('allows a demand, which brings the bare gas, what the base fee rises in two blocks', async () => {
    const key = { asks: 'key', stakeWei: 200n } as const;
    assert.equal(await until(25n, 1000, key), null);
    assert.equal(await until(26n, 1000, key), 1050);
    assert.equal(await until(1n, 1000, { asks: 'key', stakeWei: 0n }), 1050);
  });
});
