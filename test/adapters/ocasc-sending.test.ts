import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { ocascInterface } from '../../adapters/ethereum/ocasc-interface.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { readFees } from '../../adapters/ethereum/read-fees.ts';
import { signTransaction } from '../../adapters/ethereum/sign-transaction.ts';
import { NotRecordedError, StateError } from '../../core/errors.ts';
import type { PrivateKey } from '../../core/ids.ts';
import type { HeldUp } from '../../core/ports/sent-transactions.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { type Market, randomEncryptionKey, startMarket } from './ocasc-fixture.ts';

const SHORT_MS = 300;

describe('transactions that wait to be mined', () => {
  let market: Market;
  let ownerKey: PrivateKey;
  before(async () => {
    market = await startMarket('manual');
    ownerKey = market.ownerKey;
  });
  after(() => market?.stop());
  beforeEach(() => market.mine());

  const offer = (party = market.owner) => party.offer(market.named, market.terms, party.account, randomEncryptionKey());
  const offers = () => market.ledger.readOfferCount(market.owner.account, 'latest');
  const transaction = async (hash: string) =>
    z
      .looseObject({ nonce: z.string(), maxFeePerGas: z.string(), maxPriorityFeePerGas: z.string() })
      .nullable()
      .parse(await market.rpc.call('eth_getTransactionByHash', [hash]));
  const notMined = async (sending: Promise<unknown>): Promise<string> => {
    const error = await sending.then(
      () => assert.fail('it was mined'),
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof NotRecordedError, String(error));
    const { hash } = error.details;
    assert.ok(typeof hash === 'string' && error.message.includes(hash));
    return hash;
  };
  /** Until the pool holds `count` transactions. */
  async function untilPooled(count: number): Promise<void> {
    const status = z.looseObject({ pending: z.string() });
    while (Number(status.parse(await market.rpc.call('txpool_status', [])).pending) < count) await sleep(5);
  }
  async function mineWhen(count: number): Promise<void> {
    await untilPooled(count);
    await market.mine();
  }

  test('one that is not mined in time is named, and may still be mined', async () => {
    const count = await offers();
    const party = market.party(ownerKey, SHORT_MS);
    const hash = await notMined(offer(party));
    assert.equal(await offers(), count);
    await market.mine();
    assert.equal(await offers(), count + 1n);
    assert.notEqual(await market.rpc.call('eth_getTransactionReceipt', [hash]), null);
  });

  test('the next one of the party takes the place of the one that is stuck: just one of them is mined', async () => {
    const count = await offers();
    const party = market.party(ownerKey, SHORT_MS);
    const stuck = await notMined(offer(party));
    const former = await transaction(stuck);
    const next = await notMined(offer(party));
    assert.notEqual(next, stuck);
    const latter = await transaction(next);
    assert.equal(latter?.nonce, former?.nonce);
    assert.ok(Number(latter?.maxFeePerGas) >= 1.1 * Number(former?.maxFeePerGas));
    assert.ok(Number(latter?.maxPriorityFeePerGas) >= 1.1 * Number(former?.maxPriorityFeePerGas));
    assert.equal(await transaction(stuck), null);
    await market.mine();
    assert.equal(await offers(), count + 1n);
    const done = offer(party);
    await Promise.all([mineWhen(1), done]);
    assert.equal(await offers(), count + 2n);
  });

  test('calls of one party at once are sent one after another; one who is aborted leaves the queue', async () => {
    const count = await offers();
    const party = market.party(ownerKey);
    const aborting = new AbortController();
    const first = offer(party);
    const left = party.cancel(`0x${'11'.repeat(32)}` as never, aborting.signal);
    const second = offer(party);
    aborting.abort();
    await assert.rejects(left, { name: 'AbortError' });
    await mineWhen(1);
    const a = await first;
    await mineWhen(1);
    const b = await second;
    assert.notEqual(a.id, b.id);
    assert.ok(a.transaction.blockNumber < b.transaction.blockNumber);
    assert.equal(await offers(), count + 2n);
  });

  test('what another program of the same account has sent is waited for', async () => {
    const count = await offers();
    await notMined(offer(market.party(ownerKey, SHORT_MS)));
    const patient = offer(market.party(ownerKey));
    await market.mine();
    await mineWhen(1);
    await patient;
    assert.equal(await offers(), count + 2n);
  });

  test('where it is not mined in all that time, its place is taken, whatever it pays: one of them is mined', async () => {
    const count = await offers();
    const dear = market.party(ownerKey, SHORT_MS);
    // Each takes the place of the one before, so the last pays several times what the first would.
    let stuck = '';
    for (let i = 0; i < 12; i++) stuck = await notMined(offer(dear));
    const heldUp: HeldUp[] = [];
    const { chain, ocasc } = market;
    const signer = createKeySigner(ownerKey);
    const onHeldUp = (one: HeldUp) => void heldUp.push(one);
    const party = createOcascParty({ ...chain, ocasc, signer, waitMs: SHORT_MS, onHeldUp });
    const hash = await notMined(offer(party));
    assert.equal(await transaction(stuck), null);
    const [account, nonce] = [party.account, Number((await transaction(hash))?.nonce)];
    assert.deepEqual(heldUp, [
      { event: 'waiting', account, nonce, stuckHash: null, atMostMs: SHORT_MS },
      { event: 'replaced', account, nonce, stuckHash: null, hash },
    ]);
    await market.mine();
    assert.equal(await offers(), count + 1n);
  });

  test('parties of one account in a race for a nonce: all of them are mined', async () => {
    const count = await offers();
    const racing = [1, 2, 3].map(() => offer(market.party(ownerKey)));
    const ended = new AbortController();
    const mining = (async () => {
      while (!ended.signal.aborted) {
        await market.mine();
        await sleep(50);
      }
    })();
    try {
      assert.equal(new Set((await Promise.all(racing)).map(({ id }) => id)).size, 3);
    } finally {
      ended.abort();
      await mining;
    }
    assert.equal(await offers(), count + 3n);
  });

  test('one that was possible when it was sent and is mined behind another: the reason is told', async () => {
    const offering = offer();
    await mineWhen(1);
    const { id } = await offering;
    const consumer = market.party(await market.newKey());
    const accepting = consumer.accept({ id, ...market.terms }, consumer.account, randomEncryptionKey());
    accepting.catch(() => {});
    // The owner takes the offer back at a price that puts it first
    const { chain, rpc, ocasc } = market;
    const fees = await readFees(rpc, undefined);
    const nonce = await market.nonce(accountOfKey(ownerKey));
    const ahead = { maxFeePerGasWei: 9n * fees.maxFeePerGasWei, maxPriorityFeePerGasWei: 9n * fees.maxFeePerGasWei };
    const data = ocascInterface.encodeFunctionData('cancel', [id]);
    const call = { chainId: chain.chainId, to: ocasc, data, nonce, gas: 200_000n, fees: ahead };
    const { raw } = await signTransaction(createKeySigner(ownerKey), call);
    await untilPooled(1);
    await rpc.call('eth_sendRawTransaction', [raw]);
    await mineWhen(2);
    await assert.rejects(accepting, (error: unknown) => {
      assert.ok(error instanceof StateError, String(error));
      assert.equal(error.details.reason, 'OCASC_WrongState');
      assert.match(String(error.details.hash), /^0x[0-9a-f]{64}$/);
      return true;
    });
  });

  test('a node that takes a transaction and is gone before it says so: it is followed until it is mined', async (t) => {
    const count = await offers();
    let hungUp = 0;
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      const headers = { 'content-type': 'application/json' };
      const answered = await (await fetch(market.chain.rpcUrl, { method: 'POST', headers, body })).text();
      if (!body.includes('eth_sendRawTransaction')) return response.end(answered);
      hungUp++;
      return response.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const rpcUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { chain, ocasc } = market;
    const party = createOcascParty({ ...chain, rpcUrl, ocasc, signer: createKeySigner(ownerKey), waitMs: 20_000 });
    const sending = offer(party);
    await mineWhen(1);
    const { transaction: mined } = await sending;
    assert.equal(hungUp, 1);
    assert.notEqual(await transaction(mined.txHash), null);
    assert.equal(await offers(), count + 1n);
  });
});
