import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { aheadRisk, aheadText } from '../../cli/loss-text.ts';
import { createOutput } from '../../cli/output.ts';
import { defaultAhead, stepOf } from '../../client/consumer/pay-ahead.ts';
import { leastStakeWei, mostToLose, type SaleAtRisk } from '../../core/agreement/most-to-lose.ts';
import { dueFor, paidBlocks } from '../../core/agreement/quota.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { ATTACHED, ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';
import { type DatasetId, NATIVE_COIN } from '../../core/ids.ts';

const TERMS: Terms = {
  ...{ dataset: `0x${'ab'.repeat(32)}` as DatasetId, first: 5, count: 1000, token: NATIVE_COIN },
  ...{ price: 100_050n, fee: 50n, bond: 200_000n, stakeWei: 3n, maxChallenges: 7, maxDemands: 4, samples: 12 },
  ...{ previews: 2, windowSeconds: 100, durationSeconds: 5000, acceptBySeconds: 9n, consumer: NATIVE_COIN },
};
const COSTS = { answerGas: 1000n, demandGas: 100n, baseFeeWei: 10n, gasPriceWei: 12n };

function lose(change: Partial<Terms> = {}, more: Partial<SaleAtRisk> = {}) {
  return mostToLose({ terms: { ...TERMS, ...change }, kind: ENCRYPTED, ahead: 20, costs: COSTS, ...more });
}

describe('the most that can be lost by an offer', () => {
  it('a consumer: the fee, what is paid ahead, and the stakes of all questions', () => {
    assert.deepEqual(lose().consumer, {
      ...{ money: 50n + 2000n, fee: 50n, blocks: 20, challengeWei: 20_000n, demandWei: 1000n },
      ...{ questionsWei: 7n * 20_000n + 4n * 1000n, lockedSeconds: 5125 },
    });
    assert.equal(
      lose({ stakeWei: 30_000n }).consumer.challengeWei,
      30_000n,
      'the terms may ask for more than gas does',
    );
  });

  it('an owner: previews of what is encrypted, samples of what is not; answers beyond what they bring; the bond', () => {
    assert.deepEqual(lose().owner, {
      ...{ blocks: 2, worth: 200n, fee: 50n, publicKeys: 4, publicChunks: 7, bond: 200_000n, lockedSeconds: 5125 },
      // A challenge brings twice its gas; a demand brings the base fee, and the tip is lost.
      answersWei: 4n * (1200n - 1000n),
    });
    for (const kind of [PLAIN, ATTACHED] as const) {
      const { owner, consumer } = lose({}, { kind });
      assert.deepEqual([owner.blocks, owner.worth, owner.publicKeys, owner.answersWei], [12, 1200n, 0, 0n]);
      assert.deepEqual([consumer.demandWei, consumer.questionsWei], [0n, 140_000n], 'there are no keys to demand');
      assert.equal(lose({ count: 6 }, { kind }).owner.blocks, 6, 'no more than there are');
      assert.equal(owner.publicChunks, 7, 'each challenge shows content to all');
    }
  });

  it('without base fee OCASC asks for the terms’ stake alone: the least that pays for an answer is said', () => {
    const costs = { ...COSTS, baseFeeWei: null, gasPriceWei: 15n };
    assert.equal(leastStakeWei(costs), 30_000n);
    assert.equal(leastStakeWei(COSTS), null);
    const { consumer, owner } = lose({ stakeWei: 30_000n }, { costs });
    assert.deepEqual([consumer.challengeWei, consumer.demandWei, owner.answersWei], [30_000n, 0n, 4n * 1500n]);
    assert.equal(lose({}, { costs }).owner.answersWei, 7n * (15_000n - 3n) + 4n * 1500n);
  });

  it('where the fee is the whole price, all of it', () => {
    const { consumer } = lose({ price: 1000n, fee: 1000n });
    assert.equal(consumer.money, 1000n);
  });

  it('is never less than what any delivery has signed for beyond what it has verified, and is reached', () => {
    for (const [count, price, fee] of [
      [1, 10n, 0n],
      [7, 10n, 3n],
      [24, 1_000_001n, 17n],
      [199, 1000n, 10n],
      [200, 1000n, 10n],
      [1000, 3n, 1n],
      [4321, 10n ** 18n + 7n, 10n ** 16n],
    ] as const) {
      const terms = { ...TERMS, count, price, fee };
      for (const ahead of [1, 2, 7, defaultAhead(count), count + 5]) {
        const { money } = mostToLose({ terms, kind: ENCRYPTED, ahead, costs: COSTS }).consumer;
        let most = 0n;
        for (let verified = 0; verified < count; verified++) {
          const due = dueFor(terms, Math.min(count, verified + stepOf({ ahead }, verified)));
          // What has come is worth what its blocks cost; the fee buys none.
          const lost = due - (BigInt(verified) * (price - fee)) / BigInt(count);
          assert.ok(lost <= money + 1n, `${count} blocks, ${ahead} ahead, ${verified} verified: ${lost} > ${money}`);
          assert.ok(dueFor(terms, verified) - fee + money >= due, 'by what vouchers say, to the unit');
          if (lost > most) most = lost;
        }
        if (ahead === 1) assert.ok(most >= money - 1n, `${most} of ${money}: nothing is made to look worse than it is`);
      }
      assert.ok(paidBlocks(terms, dueFor(terms, 1)) >= 1);
    }
  });

  it('is said anew where more is paid ahead than acceptance has shown', () => {
    const output = createOutput(false);
    const said = (ahead?: number) => aheadText(output, TERMS, aheadRisk(TERMS, ahead));
    assert.deepEqual(aheadRisk(TERMS), { blocks: 20, money: 2050n, byDefault: { blocks: 20, money: 2050n } });
    assert.deepEqual(aheadRisk(TERMS, 5000), {
      blocks: 1000,
      money: 100_050n,
      byDefault: { blocks: 20, money: 2050n },
    });
    assert.match(
      said(),
      /^Pays for 20 blocks before checking them, at most\. You can lose 0\.0{14}205 ether of .*fee included\.$/,
    );
    assert.match(said(1), /^Pays for 1 block before checking it, at most\. You can lose 0\.0{14}015 ether of [^;]*\.$/);
    const more = said(40);
    assert.match(more, /40 blocks.*lose 0\.0{14}405 ether/);
    assert.match(more, /; without --ahead it is 20 blocks and 0\.0{14}205 ether\.$/);
  });

  it('is what the table of the specification says, row by row', async () => {
    const page = await readFile(new URL('../../docs/specification.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('### What can be lost'), page.indexOf('### Odd terms'));
    const rows = [...section.matchAll(/^\| ((?:consumer|owner), in [^|]+) \| ([^|]+) \|$/gm)];
    const said = new Map(rows.map(([, who = '', what = '']) => [who, what]));
    const { price, fee, windowSeconds, durationSeconds, maxChallenges, maxDemands, stakeWei } = TERMS;
    const [a, n] = [7n, BigInt(TERMS.count)];
    const { answerGas, demandGas, baseFeeWei } = COSTS;
    const { consumer, owner } = lose({}, { ahead: Number(a) });
    const plain = lose({}, { kind: PLAIN }).owner;
    const larger = (x: bigint, y: bigint) => (x > y ? x : y);
    for (const [who, formula, holds] of [
      ['consumer, in the token', 'F + ceil(a·(P - F)/n)', consumer.money === fee + (a * (price - fee) + n - 1n) / n],
      [
        'consumer, in the native coin',
        'max(stake, 2·answerGas·basefee) of a challenge, demandGas·basefee of a demand',
        consumer.challengeWei === larger(stakeWei, 2n * answerGas * baseFeeWei) &&
          consumer.demandWei === demandGas * baseFeeWei,
      ],
      [
        'consumer, in time',
        'duration + window + window/4',
        consumer.lockedSeconds === durationSeconds + windowSeconds + windowSeconds / 4,
      ],
      [
        'owner, in blocks',
        '`previews` of an encrypted dataset, `samples` of others',
        owner.blocks === TERMS.previews && plain.blocks === TERMS.samples,
      ],
      [
        'owner, in chunks',
        '`maxChallenges` chunks',
        owner.publicChunks === maxChallenges && plain.publicChunks === maxChallenges,
      ],
      [
        'owner, in keys',
        'the content keys of `maxDemands` paid blocks',
        owner.publicKeys === maxDemands && plain.publicKeys === 0,
      ],
      [
        'owner, in the native coin',
        'the tip',
        owner.answersWei === BigInt(maxDemands) * demandGas * (COSTS.gasPriceWei - baseFeeWei),
      ],
      ['owner, in the token', 'the bond', owner.bond === TERMS.bond],
    ] as const) {
      assert.ok(said.get(who)?.includes(formula), `${who}: ${formula}`);
      assert.ok(holds, who);
      said.delete(who);
    }
    assert.deepEqual([...said.keys()], [], 'no row is held by nothing');
  });

  it('each block is paid for alone below 200, then in fifty steps', () => {
    assert.deepEqual([1, 24, 199, 200, 1000, 10_001].map(defaultAhead), [1, 1, 1, 4, 20, 201]);
  });
});
