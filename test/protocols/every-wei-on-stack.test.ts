import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { deliverPurchase } from '../../client/consumer/deliver-purchase.ts';
import { StateError } from '../../core/errors.ts';
import { type Address, address, NATIVE_COIN } from '../../core/ids.ts';
import { balanceOf, readFees } from './chain-books.ts';
import {
  BLOCKS,
  damage,
  FUEL_WEI,
  FUNDS_WEI,
  flipBit,
  PER_RECORD_WEI,
  type RecordedStack,
  startRecordedStack,
  until,
} from './recorded-stack.ts';
import { audit, type Bought, buy, deliveryOf, makeSeller, type Seller } from './sale-on-stack.ts';

/** What the local stack gives its operator, when it starts. */
const OPERATOR_WEI = 10n ** 21n;

/* From the grant to the last withdrawal, on the embedded stack: who has paid whom what, to the wei. */
describe('the money of a dataset recorded, sold honestly, and sold in vain', { timeout: 300_000 }, () => {
  let stack: RecordedStack;
  let seller: Seller;
  before(async () => {
    stack = await startRecordedStack(1);
    seller = await makeSeller(stack, stack.datasets[0]!);
    stack.ending(seller.serve());
  });
  after(() => stack?.close());

  const creditOf = (account: Address) => stack.market.readCredit(NATIVE_COIN, account, 'latest');
  const stateOf = async (bought: Bought) => {
    const { agreement } = await stack.market.readAgreement(bought.id, 'latest');
    return agreement ?? assert.fail('no agreement');
  };
  /** @returns what was brought; the stake is a part of it */
  async function challenge(bought: Bought, block: number): Promise<bigint> {
    const valueWei = 2n * (await stack.market.readChallengeStakeWei(bought.id));
    await bought.party.agreements.challenge(bought.id, { block, seed: 1_000_003, valueWei });
    return valueWei;
  }

  it('adds up: owner, agent, two consumers, operator and all three contracts', async () => {
    const { owner } = seller.of;
    const party = stack.as(seller.of.ownerKey).agreements;

    // An honest sale: an audit, a challenge that is answered, all delivered and paid for, approved.
    const honest = await buy(stack, await seller.offer({ samples: 3 }));
    const { price, fee, bond } = honest.terms;
    const audited = await audit(stack, honest, { protocol: 'III', sample: 3 });
    assert.ok(audited.report.ok, JSON.stringify(audited.report.notIntact));
    const delivered = await deliverPurchase(
      deliveryOf(stack, honest),
      { purchase: honest.purchase, log: honest.log, ahead: 6 },
      { append: async () => {}, sync: async () => {} },
    );
    assert.deepEqual([delivered.verified, delivered.due, delivered.stopped], [BLOCKS, price, null]);
    assert.equal((await stateOf(honest)).due, fee, 'the chain knows of no voucher yet');
    const broughtWei = await challenge(honest, 5);
    await seller.event('answered', honest.id);
    await until('The answer', async () => ((await stateOf(honest)).question === null ? true : null));
    // What a breach would have lost is claimed while the challenge is open.
    await seller.event('claimed', honest.id);
    assert.equal((await stateOf(honest)).due, price);
    const stakeWei = await creditOf(owner);
    const restWei = await creditOf(honest.party.account);
    assert.equal(stakeWei + restWei, broughtWei);
    assert.ok(stakeWei >= honest.terms.stakeWei && restWei >= 0n);
    await honest.party.agreements.approve(honest.id);
    assert.equal(await creditOf(owner), stakeWei + price + bond);

    // A breach: the storage has lost a block before the agent kept what an answer is made of.
    const undo = await damage(stack, seller.of, (block) => flipBit(block(11)));
    const broken = await buy(stack, await seller.offer({ samples: 12 }));
    const seen = await audit(stack, broken, { protocol: 'III' });
    assert.deepEqual(
      seen.report.notIntact.map(({ index }) => index),
      [11],
    );
    const pledgedWei = await challenge(broken, 11);
    const { question: open } = await stateOf(broken);
    assert.ok(open !== null && open.stakeWei > 0n);
    await seller.event('unanswered', broken.id);
    // In two steps. Refusals are found without sending: they cost nothing.
    for (const step of ['lapse', 'breach'] as const) {
      const take = () => broken.party.agreements[step](broken.id);
      assert.equal(await take().catch(whenTooEarly), null);
      await until(`The ${step}`, () => take().catch(whenTooEarly));
    }
    await undo();
    assert.equal((await stateOf(broken)).state, 'breached');
    assert.equal(await creditOf(broken.party.account), price - fee + bond + pledgedWei);
    assert.equal(await creditOf(owner), stakeWei + price + bond + fee);

    for (const one of [party, honest.party.agreements, broken.party.agreements]) {
      await one.withdraw(NATIVE_COIN, one.account);
    }

    // The books. Nobody but these has sent a transaction, and each has what it had, less gas, and what is said here.
    const operator = address(stack.file.operator);
    const fees = await readFees(stack);
    const changes = new Map<Address, bigint>([
      [owner, FUNDS_WEI - FUEL_WEI + price + stakeWei + fee - bond],
      [seller.agent, FUNDS_WEI],
      [honest.party.account, FUNDS_WEI - price - stakeWei],
      [broken.party.account, FUNDS_WEI - fee + bond],
      [operator, OPERATOR_WEI],
    ]);
    assert.deepEqual([...fees.keys()].sort(), [...changes.keys()].sort());
    for (const [account, worth] of changes) {
      assert.equal(await balanceOf(stack, account), worth - (fees.get(account) ?? 0n), account);
    }
    const { dissc, ocasc, asc } = stack.contracts;
    assert.deepEqual([await balanceOf(stack, ocasc), await balanceOf(stack, dissc)], [0n, 0n]);
    // Fuel paid = records x perRecord: it is the operator's credit, the rest is still the grant's.
    const { point } = await stack.ledger.readHeads([], 'latest');
    const records = await stack.ledger.findRecorded(seller.of.dataset, 0, point.blockNumber);
    const earnedWei = PER_RECORD_WEI * BigInt(records.length);
    assert.ok(earnedWei > 0n);
    const [grant] = (await stack.grants.readGrants([seller.of.grant], 'latest')).grants;
    assert.equal(await balanceOf(stack, asc), FUEL_WEI);
    assert.deepEqual(
      [await stack.grants.readCreditWei(operator, 'latest'), grant?.fuelWei],
      [earnedWei, FUEL_WEI - earnedWei],
    );
  });
});

function whenTooEarly(error: unknown): null {
  if (error instanceof StateError && error.details.reason === 'OCASC_TooEarly') return null;
  throw error;
}
