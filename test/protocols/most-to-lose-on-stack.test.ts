import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { deliverPurchase } from '../../client/consumer/deliver-purchase.ts';
import { defaultAhead } from '../../client/consumer/pay-ahead.ts';
import { encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { encodeKeyRequest } from '../../core/agreement/key-request.ts';
import { mostToLose } from '../../core/agreement/most-to-lose.ts';
import { paidBlocks } from '../../core/agreement/quota.ts';
import { sealMessage } from '../../core/agreement/seal-message.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { contentKeyOf } from '../../core/agreement/verify-keys.ts';
import { StateError } from '../../core/errors.ts';
import { type ContentKey, NATIVE_COIN } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { balanceOf, readFees } from './chain-books.ts';
import { IDLE_AGENT } from './consumer-scene.ts';
import { type LyingProxy, startLyingProxy } from './lying-proxy.ts';
import { type RecordedStack, startRecordedStack, until } from './recorded-stack.ts';
import { type Bought, buy, deliveryOf, keysSent, makeSeller, openChannel, type Seller } from './sale-on-stack.ts';

const NOWHERE = { append: async () => {}, sync: async () => {} };

/* Rational players against those who follow the rules: nobody of these loses more than what was shown before. */
describe('what is shown as the most that can be lost, played', { timeout: 600_000 }, () => {
  let stack: RecordedStack;
  let proxy: LyingProxy;
  let seller: Seller;
  before(async () => {
    stack = await startRecordedStack(1);
    proxy = await startLyingProxy(stack.apiUrl);
    stack.ending(() => proxy.close());
    seller = await makeSeller(stack, stack.datasets[0]!);
    stack.ending(seller.serve());
  });
  after(() => stack?.close());

  const shown = async (terms: Terms) => {
    const costs = await stack.market.readQuestionCosts();
    return mostToLose({ terms, kind: seller.of.charter.kind, ahead: defaultAhead(terms.count), costs });
  };
  const newest = async ({ id }: Bought) => {
    const { agreement } = await stack.market.readAgreement(id, 'latest');
    return agreement ?? assert.fail('no agreement');
  };
  const patiently = (what: string, act: () => Promise<unknown>) =>
    until(what, async () => {
      try {
        return await act();
      } catch (error) {
        if (error instanceof StateError && error.details.reason === 'OCASC_TooEarly') return null;
        throw error;
      }
    });
  /** The agent of a sale may be faster. */
  const patientlyClose = (bought: Bought, close: () => Promise<unknown>) =>
    patiently('The close', async () => {
      try {
        return (await newest(bought)).state === 'closed' ? true : await close();
      } catch (error) {
        if ((await newest(bought)).state === 'closed') return true;
        throw error;
      }
    });
  /** Delivery with the defaults, as far as it goes; then out of it. @returns what the consumer has lost, in wei without gas */
  async function buyAndLeave(bought: Bought, options: Parameters<typeof deliveryOf>[2] = {}) {
    const { terms, party } = bought;
    const delivered = await deliverPurchase(
      deliveryOf(stack, bought, { patienceMs: 500, ...options }),
      { purchase: bought.purchase, log: bought.log, ahead: defaultAhead(terms.count) },
      NOWHERE,
    );
    // The owner claims whatever was ever signed.
    const { due } = bought.store.state;
    if (due > terms.fee) {
      const [voucher, signature] = bought.voucher(due);
      await stack.as(seller.of.ownerKey).agreements.claim(bought.id, voucher.due, signature);
    }
    await party.agreements.quit(bought.id);
    return {
      delivered,
      async settle() {
        await patientlyClose(bought, () => party.agreements.close(bought.id));
        const { verified } = delivered;
        const worth = (BigInt(verified) * (terms.price - terms.fee)) / BigInt(terms.count);
        const back = await stack.market.readCredit(NATIVE_COIN, party.account, 'latest');
        return terms.price - back - worth;
      },
    };
  }

  it('a consumer: against owners who are silent, send wrong keys, stop halfway, and take all for nothing', async () => {
    const silent = await buy(stack, await seller.offer({}, IDLE_AGENT));
    const robbing = await buy(stack, await seller.offer({ price: 500n, fee: 500n, bond: 500n }, IDLE_AGENT));
    const agentKey = await stack.funded();
    const wrong = await buy(stack, await seller.offer({}, accountOfKey(agentKey)));
    const stopping = await buy(stack, await seller.offer());
    // Keys of the first block that are not the committed ones, in the owner's own words.
    const { market } = stack;
    const keyBlock = (await honestKeys()).get(0) ?? assert.fail('no keys');
    const payload = encodeKeyPayload({
      blocks: [{ ...keyBlock, contentKey: new Uint8Array(32).fill(9) as ContentKey }],
      ...{ batches: [], proof: [] },
    });
    const header = { agreement: wrong.id, from: accountOfKey(agentKey), to: wrong.purchase.buyer.signer, sequence: 0 };
    const sealed = await sealMessage(market.domain, header, wrong.purchase.buyer.encryptionKey, agentKey, payload);
    await stack.clientOf(agentKey).postMessage(sealed);
    // The storage lets nothing pass from the fifth block on.
    proxy.reset();
    proxy.rule = ({ path }) => (/\/blocks\/[5-9]/.test(path) ? 'cut' : 'pass');
    const left = await Promise.all([
      buyAndLeave(silent),
      buyAndLeave(robbing),
      buyAndLeave(wrong, { patienceMs: 5_000 }),
      buyAndLeave(stopping, { proxy, patienceMs: 20_000 }),
    ]);
    const verified = left.map(({ delivered }) => delivered.verified);
    assert.deepEqual(verified, [0, 0, 0, 5]);
    assert.equal(left[2]?.delivered.stopped?.blame, 'owner');
    for (const [at, bought] of [silent, robbing, wrong, stopping].entries()) {
      const lost = (await left[at]?.settle()) ?? assert.fail('not settled');
      const { consumer } = await shown(bought.terms);
      assert.ok(lost <= consumer.money, `${lost} of ${consumer.money}`);
      // It is no empty promise: this much can be lost.
      assert.equal(lost, consumer.money);
      assert.ok(bought.store.state.due === 0n || paidBlocks(bought.terms, bought.store.state.due) <= verified[at]! + 1);
    }

    /** Those of the previews of another sale: a sample of one block comes with its content key. */
    async function honestKeys() {
      const one = await buy(stack, await seller.offer({ samples: 1, previews: 1 }));
      const { channel } = openChannel(stack, one);
      await channel.requestKeys([0]);
      const keys = await keysSent(stack, one);
      await one.party.agreements.approve(one.id);
      return keys;
    }
  });

  it('an owner: against a consumer who reads what is free, asks for more, and makes the agent answer all it may', async () => {
    const { owner: before } = await shown((await seller.offer()).terms);
    const bought = await buy(stack, await seller.offer({ maxChallenges: 2, maxDemands: 2 }));
    const { id, terms, party } = bought;
    const most = (await shown(terms)).owner;
    const all = Array.from({ length: terms.count }, (_, index) => index);
    const { channel } = openChannel(stack, bought);
    const { payloads } = await channel.requestKeys(all);
    const opened = payloads.flatMap((one) =>
      one.blocks.filter(({ index }) => contentKeyOf(nodePrimitives, one, index) !== null),
    );
    assert.equal(opened.length, most.blocks, 'all samples are given, and so many of them open');
    assert.equal(before.blocks, most.blocks);
    // Once more by name, and with a voucher for more than the price: nothing comes of it.
    await channel.send({ blocks: all, voucher: null });
    assert.ok(encodeKeyRequest({ blocks: all, voucher: null }).length > 0);
    const agentBefore = await balanceOf(stack, seller.agent);
    const creditBefore = await stack.market.readCredit(NATIVE_COIN, seller.of.owner, 'latest');
    const feesBefore = (await readFees(stack)).get(seller.agent) ?? 0n;
    const [voucher, signature] = bought.voucher(terms.fee + 100n);
    await party.agreements.claim(id, voucher.due, signature);
    const asking = [
      async () => {
        const valueWei = 2n * (await stack.market.readChallengeStakeWei(id));
        await party.agreements.challenge(id, { block: 11, seed: 5, valueWei });
      },
      async () => {
        const valueWei = 2n * (await stack.market.readDemandStakeWei());
        await party.agreements.demandKey(id, { block: 0, valueWei });
      },
    ];
    for (const ask of [...asking, ...asking]) {
      await ask();
      await until('The answer', async () => ((await newest(bought)).question === null ? true : null));
    }
    for (const ask of asking) await assert.rejects(ask(), /OCASC_No(Challenge|Demand)Left/);
    assert.equal((await stack.market.findShownKeys(id, 0)).size, 1);
    await party.agreements.quit(id);
    await patientlyClose(bought, () => stack.as(seller.of.ownerKey).agreements.close(id));
    const gas = ((await readFees(stack)).get(seller.agent) ?? 0n) - feesBefore;
    const brought = (await stack.market.readCredit(NATIVE_COIN, seller.of.owner, 'latest')) - creditBefore;
    const stakes = brought - terms.bond - voucher.due;
    assert.ok(stakes > 0n && agentBefore > 0n);
    assert.ok(gas - stakes <= most.answersWei, `${gas} - ${stakes} > ${most.answersWei}`);
    assert.ok(voucher.due >= terms.fee, 'nothing of the fee, nor of the bond, is lost');
  });

  it('an owner whose agent is away loses the bond and no more, as was shown', async () => {
    const bought = await buy(stack, await seller.offer({}, IDLE_AGENT));
    const { id, terms, party } = bought;
    const { owner } = await shown(terms);
    const valueWei = 2n * (await stack.market.readChallengeStakeWei(id));
    const before = await stack.market.readCredit(NATIVE_COIN, seller.of.owner, 'latest');
    await party.agreements.challenge(id, { block: 0, seed: 1, valueWei });
    await patiently('The lapse', () => party.agreements.lapse(id));
    await patiently('The breach', () => party.agreements.breach(id));
    const earned = (await stack.market.readCredit(NATIVE_COIN, seller.of.owner, 'latest')) - before;
    assert.equal(terms.bond - earned, owner.bond - terms.fee, 'the bond, and the fee is the owner’s');
  });
});
