import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { ocascInterface } from '../../adapters/ethereum/ocasc-interface.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { challengeStakeWei, demandStakeWei, leastStakeWei, mostToLose } from '../../core/agreement/most-to-lose.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { signVoucher } from '../../core/agreement/voucher.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { fromHex } from '../../core/bytes.ts';
import { ArgumentError, LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import type { Address, AgreementId, BlockKey } from '../../core/ids.ts';
import type { AgreementParty } from '../../core/ports/agreements.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { CLIENTS } from './clients.ts';
import { startForeignNode } from './foreign-node.ts';
import {
  ANSWER_GAS,
  DEMAND_GAS,
  type Market,
  MIN_WINDOW_SECONDS,
  NATIVE,
  randomEncryptionKey,
  randomKey,
  startMarket,
} from './ocasc-fixture.ts';
import { playOnModel } from './ocasc-on-model.ts';
import { refusal as refusalOf } from './refusal.ts';

describe('what one account does on OCASC', () => {
  let market: Market;
  before(async () => {
    market = await startMarket();
  });
  after(() => market?.stop());

  const refusal = (reason: string) => refusalOf('OCASC', reason);
  const read = async (id: AgreementId) => {
    const { agreement } = await market.ledger.readAgreement(id, 'latest');
    assert.ok(agreement !== null);
    return agreement;
  };
  async function offer(terms: Terms = market.terms) {
    const agent = accountOfKey(randomKey());
    return (await market.owner.offer(market.named, terms, agent, randomEncryptionKey())).id;
  }
  async function agree(terms?: Terms) {
    const id = await offer(terms);
    const signerKey = randomKey();
    const consumer = market.party(await market.newKey());
    await consumer.accept({ id, ...market.terms }, accountOfKey(signerKey), randomEncryptionKey());
    return { id, signerKey, consumer };
  }
  async function challenge(consumer: AgreementParty, id: AgreementId, block: number, seed: number) {
    const valueWei = 2n * (await market.ledger.readChallengeStakeWei(id));
    await consumer.challenge(id, { block, seed, valueWei });
  }

  test('an offer is found by its owner, its dataset, and its number', async () => {
    const { terms, owner, ledger, rpc } = market;
    const [agent, key] = [accountOfKey(randomKey()), randomEncryptionKey()];
    const nonce = await ledger.readOfferCount(owner.account, 'latest');
    const { id, transaction } = await owner.offer(market.named, terms, agent, key);
    const to = Number(await rpc.call('eth_blockNumber', []));
    for (const query of [{}, { owner: owner.account }, { dataset: terms.dataset }]) {
      const found = (await ledger.findOffers(query, 0, to)).find((one) => one.id === id);
      const { root, ...rest } = found ?? assert.fail('not found');
      assert.deepEqual(rest, {
        id,
        owner: owner.account,
        nonce,
        terms,
        size: 11,
        kind: 0,
        agent,
        encryptionKey: key,
        txHash: transaction.txHash,
        blockNumber: transaction.blockNumber,
      });
      assert.deepEqual(root, (await read(id)).root);
    }
    assert.equal(await ledger.readOfferCount(owner.account, 'latest'), nonce + 1n);
    assert.equal(await ledger.readOfferCount(NATIVE, 'latest'), 0n);
    assert.deepEqual(await ledger.findOffers({ owner: NATIVE }, 0, to), []);
    assert.deepEqual(await ledger.findOffers({}, transaction.blockNumber + 1, to), []);
    await owner.cancel(id);
    assert.equal((await read(id)).state, 'cancelled');
  });

  test('a sale, from the offer to the last withdrawal: balances add up to the wei', async () => {
    const { owner, ledger, terms, balanceWei } = market;
    const consumer = market.party(await market.newKey());
    const signerKey = randomKey();
    await owner.withdraw(NATIVE, owner.account).catch(refusal('OCASC_NoCredit'));
    const before = { owner: await balanceWei(owner.account), consumer: await balanceWei(consumer.account) };
    let fees = { owner: 0n, consumer: 0n };
    const { id, transaction } = await owner.offer(market.named, terms, owner.account, randomEncryptionKey());
    fees.owner += transaction.feeWei;
    const accepted = await consumer.accept({ id, ...terms }, accountOfKey(signerKey), randomEncryptionKey());
    fees.consumer += accepted.feeWei;
    assert.ok(accepted.gasUsed > 21_000n && accepted.feeWei >= accepted.gasUsed);
    const due = 400n;
    const signature = signVoucher(ledger.domain, { agreement: id, due }, signerKey);
    fees.owner += (await owner.claim(id, due, signature)).feeWei;
    assert.equal((await read(id)).due, due);
    fees.consumer += (await consumer.quit(id)).feeWei;
    fees.owner += (await owner.close(id)).feeWei;
    assert.equal(await ledger.readCredit(NATIVE, owner.account, 'latest'), due + terms.bond);
    assert.equal(await ledger.readCredit(NATIVE, consumer.account, 'latest'), terms.price - due);
    fees.owner += (await owner.withdraw(NATIVE, owner.account)).feeWei;
    fees = { ...fees, consumer: fees.consumer + (await consumer.withdraw(NATIVE, consumer.account)).feeWei };
    assert.equal(await balanceWei(owner.account), before.owner + due - fees.owner);
    assert.equal(await balanceWei(consumer.account), before.consumer - due - fees.consumer);
    assert.equal(await ledger.readCredit(NATIVE, owner.account, 'latest'), 0n);
  });

  test('answers with a real block and its log: each block, first, middle and last chunk', async () => {
    const { id, consumer } = await agree();
    const { first } = market.terms;
    // A chunk number beyond the block comes round again
    for (const [i, seed] of [2 ** 32 - 1, 0, 1, 68, 511].entries()) {
      await challenge(consumer, id, first + i, seed);
      assert.deepEqual((await read(id)).question?.seed, seed);
      assert.equal((await read(id)).question?.asks, 'chunk');
      await market.owner.respond(id, market.answer(first + i, seed));
      assert.equal((await read(id)).state, 'active');
    }
    await assert.rejects(challenge(consumer, id, first, 0), refusal('OCASC_NoChallengeLeft'));
    await consumer.approve(id);
    assert.equal((await read(id)).state, 'closed');
  });

  test('an answer with another chunk, of another block or cut short is refused, and another account may answer', async () => {
    const { id, consumer } = await agree();
    const block = market.terms.first + 3;
    await challenge(consumer, id, block, 7);
    const shown = market.answer(block, 7);
    const chunk = Uint8Array.from(shown.answer.chunk);
    chunk[0] = (chunk[0] as number) ^ 1;
    const { owner } = market;
    const withChunk = (other: Uint8Array) => ({ ...shown, answer: { ...shown.answer, chunk: other } });
    await assert.rejects(owner.respond(id, withChunk(chunk)), refusal('OCASC_WrongOpening'));
    await assert.rejects(owner.respond(id, market.answer(block, 8)), refusal('OCASC_WrongOpening'));
    await assert.rejects(owner.respond(id, market.answer(block + 1, 7)), refusal('OCASC_WrongOpening'));
    await assert.rejects(owner.respond(id, market.keyAnswer(block)), ArgumentError);
    await assert.rejects(owner.respond(id, withChunk(chunk.subarray(1))), refusal('OCASC_BadChunkLength'));
    const short = { ...shown, path: shown.path.slice(1) };
    await assert.rejects(owner.respond(id, short), refusal('OCASC_BadPathLength'));
    const malformed = { ...shown, answer: { ...shown.answer, blockKey: new Uint8Array(31) as BlockKey } };
    await assert.rejects(owner.respond(id, malformed), ArgumentError);
    assert.equal((await read(id)).state, 'challenged');
    await market.party(await market.newKey()).respond(id, shown);
    assert.equal((await read(id)).state, 'active');
    await assert.rejects(owner.respond(id, shown), refusal('OCASC_WrongState'));
  });

  test('a challenge without an answer in time lapses, and after its grace is a breach, not before: the bond', async () => {
    const { id, consumer } = await agree();
    const { owner } = market;
    await challenge(consumer, id, market.terms.first, 0);
    await assert.rejects(consumer.breach(id), refusal('OCASC_WrongState'));
    await assert.rejects(consumer.lapse(id), (error: Error) => {
      assert.match(error.message, /This is possible from 20\d\d-.*Z on, in \d+ s\.$/);
      return refusal('OCASC_TooEarly')(error);
    });
    const open = (await read(id)).question;
    assert.equal(open?.graceEndSeconds, null);
    await market.goTo((open?.deadlineSeconds ?? 0) + 1);
    await consumer.lapse(id);
    const lapsed = await read(id);
    assert.equal(lapsed.state, 'lapsed');
    assert.equal(lapsed.question?.block, market.terms.first);
    const graceEnd = lapsed.question?.graceEndSeconds ?? 0;
    assert.equal(graceEnd, (open?.deadlineSeconds ?? 0) + 1 + market.terms.windowSeconds / 4);
    await assert.rejects(consumer.breach(id), refusal('OCASC_TooEarly'));
    await market.goTo(graceEnd + 1);
    await assert.rejects(owner.respond(id, market.answer(market.terms.first, 0)), (error: Error) => {
      const refused = /^OCASC refuses: OCASC_TooLate\(id 0x[0-9a-f]{64}, timestamp \d+, limit \d+\)\. (.*)$/;
      assert.match(refused.exec(error.message)?.[1] ?? error.message, /^This was possible until 20\d\d-.*Z\.$/);
      return refusal('OCASC_TooLate')(error);
    });
    await consumer.breach(id);
    const { price, fee, bond } = market.terms;
    // Too much of a stake came back at once
    assert.ok((await market.ledger.readCredit(NATIVE, consumer.account, 'latest')) > price - fee + bond);
    assert.deepEqual([(await read(id)).state, (await read(id)).question], ['breached', null]);
    await assert.rejects(consumer.breach(id), refusal('OCASC_WrongState'));
  });

  test('what has lapsed can be answered within its grace', async () => {
    const { id, consumer } = await agree();
    await challenge(consumer, id, market.terms.first, 0);
    await market.goTo(((await read(id)).question?.deadlineSeconds ?? 0) + 1);
    await consumer.lapse(id);
    await market.owner.respond(id, market.answer(market.terms.first, 0));
    assert.deepEqual([(await read(id)).state, (await read(id)).question], ['active', null]);
  });

  test('the key of a block that is paid for is demanded and shown; of one that is not paid it is refused', async () => {
    const { id, consumer, signerKey } = await agree();
    const { owner, ledger, terms } = market;
    const demand = async (block: number) => {
      const valueWei = 2n * (await ledger.readDemandStakeWei());
      return consumer.demandKey(id, { block, valueWei });
    };
    await assert.rejects(demand(terms.first), refusal('OCASC_BlockNotPaid'));
    // Two fifths of what is left beside the fee
    const due = 10n + (990n * 2n) / 5n;
    await owner.claim(id, due, signVoucher(ledger.domain, { agreement: id, due }, signerKey));
    await assert.rejects(demand(terms.first + 2), (error: Error) => {
      assert.match(error.message, /pays for blocks 3 to 4\. Claim a later voucher first\.$/);
      return refusal('OCASC_BlockNotPaid')(error);
    });
    await demand(terms.first + 1);
    const { question, demands } = await read(id);
    assert.deepEqual([question?.asks, question?.block, question?.seed, demands], ['key', terms.first + 1, 0, 1]);
    await assert.rejects(owner.respond(id, market.keyAnswer(terms.first)), refusal('OCASC_WrongRoot'));
    const shown = market.keyAnswer(terms.first + 1);
    const wrong = { ...shown.answer, contentKey: market.keyAnswer(terms.first).answer.contentKey };
    await assert.rejects(owner.respond(id, { ...shown, answer: wrong }), refusal('OCASC_WrongKey'));
    await owner.respond(id, shown);
    assert.equal((await read(id)).state, 'active');
    await demand(terms.first);
    await owner.respond(id, market.keyAnswer(terms.first));
    await assert.rejects(demand(terms.first), refusal('OCASC_NoDemandLeft'));
  });

  test('a challenge and a demand make a small block public, content and all: as many as the terms allow', async () => {
    const { id, consumer, signerKey } = await agree();
    const { owner, ledger, terms, rpc, dataset, log } = market;
    const block = terms.first + 1;
    await challenge(consumer, id, block, 7);
    const { txHash } = await owner.respond(id, market.answer(block, 7));
    await owner.claim(id, terms.price, signVoucher(ledger.domain, { agreement: id, due: terms.price }, signerKey));
    await consumer.demandKey(id, { block, valueWei: 2n * (await ledger.readDemandStakeWei()) });
    await owner.respond(id, market.keyAnswer(block));
    // All of it is read by somebody who has nothing but the chain.
    const { input } = (await rpc.call('eth_getTransactionByHash', [txHash])) as { input: string };
    const { chunk } = ocascInterface.decodeFunctionData('respond', input).answer as { chunk: string };
    const key = (await ledger.findShownKeys(id, 0)).get(block) ?? assert.fail('no key');
    const stored = fromHex(chunk);
    assert.equal(stored.length, 1024);
    assert.equal(decryptContent(nodePrimitives, key, { dataset, index: block }, stored).length, 1008);
    assert.equal(
      mostToLose({ terms, kind: log.charter.kind, ahead: 1, costs: await ledger.readQuestionCosts() }).owner
        .publicChunks,
      terms.maxChallenges,
    );
  });

  test('what was done is refused when it is done again, by name', async () => {
    const { owner, ledger } = market;
    const id = await offer();
    await owner.cancel(id);
    await assert.rejects(owner.cancel(id), (error: Error) => {
      assert.match(error.message, /The agreement is cancelled\.$/);
      return refusal('OCASC_WrongState')(error);
    });
    const { id: sold, consumer, signerKey } = await agree();
    const again = consumer.accept({ id: sold, ...market.terms }, consumer.account, randomEncryptionKey());
    await assert.rejects(again, refusal('OCASC_WrongState'));
    const signature = signVoucher(ledger.domain, { agreement: sold, due: 20n }, signerKey);
    await owner.claim(sold, 20n, signature);
    await assert.rejects(owner.claim(sold, 20n, signature), refusal('OCASC_BadDue'));
    await assert.rejects(owner.approve(sold), refusal('OCASC_NotAllowed'));
    await assert.rejects(owner.close(sold), refusal('OCASC_TooEarly'));
    await consumer.quit(sold);
    await assert.rejects(consumer.quit(sold), refusal('OCASC_TooLate'));
    await owner.close(sold);
    await assert.rejects(owner.close(sold), refusal('OCASC_WrongState'));
  });

  test('a stake is what the chain takes at its base fee; too little is refused before anything is sent', async () => {
    const { rpc, ledger, terms } = market;
    const { id, consumer } = await agree();
    const baseFee = 10n ** 10n;
    await rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${baseFee.toString(16)}`]);
    await market.mine();
    const stake = await ledger.readChallengeStakeWei(id);
    assert.equal(stake, 2n * BigInt(ANSWER_GAS) * baseFee);
    assert.equal(await ledger.readDemandStakeWei(), BigInt(DEMAND_GAS) * baseFee);
    const nonce = await market.nonce(consumer.account);
    const low = consumer.challenge(id, { block: terms.first, seed: 0, valueWei: terms.stakeWei });
    await assert.rejects(low, refusal('OCASC_StakeTooLow'));
    assert.equal(await market.nonce(consumer.account), nonce);
    await consumer.challenge(id, { block: terms.first, seed: 0, valueWei: 2n * stake });
    const taken = (await read(id)).question?.stakeWei ?? 0n;
    assert.ok(taken > 0n && taken <= stake);
    await rpc.call('anvil_setNextBlockBaseFeePerGas', ['0x1']);
    await market.mine();
    const dear = await agree({ ...terms, stakeWei: 10n ** 17n });
    assert.equal(await ledger.readChallengeStakeWei(dear.id), 10n ** 17n);
  });

  test('on a chain without base fee the terms’ stake alone is asked for, and the least that pays for an answer is known', async () => {
    const { chain, rpc, ocasc, terms } = market;
    const { id } = await agree();
    const node = await startForeignNode(chain.rpcUrl, CLIENTS['a chain without base fee'] ?? {});
    try {
      const ledger = createOcascLedger({ ...chain, rpcUrl: node.rpcUrl, ocasc });
      const costs = await ledger.readQuestionCosts();
      const gasPriceWei = BigInt(String(await rpc.call('eth_gasPrice', [])));
      assert.deepEqual(
        [costs.answerGas, costs.demandGas, costs.baseFeeWei],
        [BigInt(ANSWER_GAS), BigInt(DEMAND_GAS), null],
      );
      assert.ok(costs.gasPriceWei > 0n && costs.gasPriceWei >= gasPriceWei);
      assert.deepEqual(
        [await ledger.readChallengeStakeWei(id), await ledger.readDemandStakeWei()],
        [terms.stakeWei, 0n],
      );
      const leastWei = leastStakeWei(costs);
      assert.equal(leastWei, 2n * BigInt(ANSWER_GAS) * costs.gasPriceWei);
      const kind = market.named.kind;
      const lost = mostToLose({ terms: { ...terms, stakeWei: leastWei ?? 0n }, kind, ahead: 1, costs }).owner
        .answersWei;
      assert.equal(
        lost,
        BigInt(terms.maxDemands) * BigInt(DEMAND_GAS) * costs.gasPriceWei,
        'only demands bring nothing',
      );
    } finally {
      await node.stop();
    }
    const here = await market.ledger.readQuestionCosts();
    assert.equal(challengeStakeWei(terms.stakeWei, here), await market.ledger.readChallengeStakeWei(id));
    assert.equal(demandStakeWei(here), await market.ledger.readDemandStakeWei());
  });

  test('an account that cannot pay, and a node that is not there, change nothing', async () => {
    const { chain, ocasc, terms } = market;
    const poor = market.party(randomKey());
    const id = await offer();
    await assert.rejects(
      poor.accept({ id, ...terms }, poor.account, randomEncryptionKey()),
      (error: unknown) => error instanceof NotRecordedError && error.details.refusal === 'insufficient-funds',
    );
    const signer = createKeySigner(randomKey());
    const gone = createOcascParty({ ...chain, rpcUrl: 'http://127.0.0.1:1', ocasc, signer });
    await assert.rejects(gone.quit(id), LedgerUnavailableError);
    await assert.rejects(market.owner.cancel(id, AbortSignal.abort()), { name: 'AbortError' });
    assert.equal((await read(id)).state, 'offered');
    const nowhere = `0x${'12'.repeat(20)}` as Address;
    const lost = createOcascParty({ ...chain, ocasc: nowhere, signer: createKeySigner(market.ownerKey) });
    await assert.rejects(lost.offer(market.named, terms, poor.account, randomEncryptionKey()), LedgerUnavailableError);
    assert.equal(await market.balanceWei(nowhere), 0n);
  });

  test('the simulator’s model of OCASC makes the same of all these calls, event by event, and of what they have led to', async () => {
    const { calls, agreements, refusals } = await playOnModel(market, MIN_WINDOW_SECONDS);
    for (const { name, modelled, real } of calls) assert.deepEqual(modelled, real, name);
    for (const { modelled, real } of agreements) assert.equal(modelled, real);
    for (const { call, modelled, real } of refusals) assert.equal(modelled, real, call);
    const made = new Set(calls.map(({ name }) => name));
    const all = ['offer', 'cancel', 'accept', 'claim', 'challenge', 'demandKey', 'respond', 'lapse', 'breach', 'quit'];
    assert.deepEqual(
      [...all, 'close', 'withdraw'].filter((name) => !made.has(name)),
      [],
    );
    assert.ok(refusals.filter(({ real }) => real !== null).length > 50);
  });
});
