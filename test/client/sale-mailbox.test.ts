import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import { openSaleState, SaleStateError } from '../../client/sale/sale-state.ts';
import { encodeKeyRequest } from '../../core/agreement/key-request.ts';
import type { SealedMessage } from '../../core/agreement/message.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { clientOf, type Market, startMarket } from '../functions/start-sale.ts';
import { key } from '../functions/start-service.ts';
import { indicesOf, makeOwner, type Owner, openedBy, sell } from './sale-fixture.ts';

const request = (...blocks: number[]) => encodeKeyRequest({ blocks, voucher: null });

describe("the owner's end of the mailbox", { timeout: 120_000 }, () => {
  let market: Market;
  let owner: Owner;
  before(async () => {
    market = await startMarket();
    owner = await makeOwner(market);
  });
  after(async () => {
    await owner?.close();
    await market?.stop();
  });

  /** The service, with another mailbox than it has. */
  const withMessages = (change: (messages: readonly SealedMessage[]) => readonly SealedMessage[]) => ({
    serviceFor: (agreement: AgreementId) => {
      const service = clientOf(market.ports, owner.agentKey, agreement);
      return {
        ...service,
        listMessages: async (...call: Parameters<typeof service.listMessages>) => {
          if (call[1].from === owner.agent) return service.listMessages(...call);
          const all = await service.listMessages(agreement, { ...call[1], sequence: 0 });
          return { ...all, messages: change(all.messages) };
        },
      };
    },
  });

  it('believes no message that the signer did not sign, whatever the storage says of it', async () => {
    const sale = await sell(market, owner);
    const strangerKey = key();
    const stranger = await sale.seal(request(0), strangerKey, 0);
    const forged = { ...stranger, from: sale.signer };
    const genuine = await sale.seal(request(1), sale.signerKey, 1);
    const elsewhere = await sell(market, owner);
    const ofAnother = await elsewhere.seal(request(2), elsewhere.signerKey, 3);
    const altered = { ...genuine, sequence: 2 };
    const said = await owner.serveOnce(withMessages(() => [forged, stranger, altered, genuine, ofAnother]));
    const refused = said.filter(({ event }) => event === 'message-refused');
    assert.equal(refused.filter(({ agreement }) => agreement === sale.id).length, 4, JSON.stringify(said));
    const { keys, refusals } = await sale.receive();
    assert.deepEqual([indicesOf(keys), refusals], [[1], []]);
  });

  it('answers a message once, though the mailbox shows it again, and in the order of the numbers', async () => {
    const sale = await sell(market, owner, { samples: 3 });
    for (const block of [3, 7, 9]) await sale.ask([block]);
    await owner.serveOnce(withMessages((all) => [...all.toReversed(), ...all]));
    await owner.serveOnce(withMessages((all) => [...all, ...all]));
    const { keys, sequences } = await sale.receive();
    assert.deepEqual(indicesOf(keys), [3, 7, 9]);
    assert.deepEqual(sequences, [0, 1, 2]);
    await sale.ask([7]);
    await owner.serveOnce();
    assert.deepEqual(indicesOf((await sale.receive()).keys), [7], 'asked for again, given again');
  });

  it('says again what it refused when it was killed before that was kept, and answers once', async () => {
    const sale = await sell(market, owner);
    await sale.service.postMessage(await sale.seal(new Uint8Array(randomBytes(40))));
    await sale.ask([20]);
    const killed = { eventsKept: () => Promise.reject(new Error('killed')) };
    const saidOf = (said: readonly SaleEvent[]) =>
      said.flatMap((one) => {
        if (one.event === 'message-refused') return [`message ${one.sequence}`];
        return one.event === 'request' ? [`request ${one.sequence}: ${one.refused}`] : [];
      });
    assert.deepEqual(saidOf(await owner.serveOnce(killed)), ['message 0']);
    assert.deepEqual((await sale.receive()).refusals, [], 'nothing was taken');
    assert.deepEqual(saidOf(await owner.serveOnce()), ['message 0', 'request 1: 1']);
    assert.equal((await sale.receive()).refusals.length, 2);
    assert.deepEqual(saidOf(await owner.serveOnce()), []);
  });

  it('says so when a signed message cannot be read, and goes on with the next', async () => {
    const sale = await sell(market, owner);
    await sale.service.postMessage(await sale.seal(new Uint8Array(randomBytes(40))));
    await sale.ask([4]);
    await owner.serveOnce();
    const { keys, refusals } = await sale.receive();
    assert.deepEqual(indicesOf(keys), [4]);
    assert.match(refusals[0]?.reason ?? '', /not dag-cbor/);
  });

  it('releases nothing for a voucher of another signer, over the price, or lower than one before', async () => {
    const sale = await sell(market, owner);
    const send = async (voucher: { due: bigint; signature: Uint8Array }) => {
      await sale.service.postMessage(await sale.seal(encodeKeyRequest({ blocks: [], voucher })));
      await owner.serveOnce();
      return sale.receive();
    };
    const stranger = await send(sale.voucher(1210n, key()));
    assert.deepEqual([stranger.keys, stranger.refusals.length], [[], 1]);
    assert.match(stranger.refusals[0]?.reason ?? '', /signed by 0x/);
    const tooHigh = await send(sale.voucher(1211n));
    assert.match(tooHigh.refusals[0]?.reason ?? '', /above the price/);
    assert.deepEqual(indicesOf((await send(sale.voucher(310n))).keys), [0, 1, 2]);
    const lower = await send(sale.voucher(210n));
    assert.deepEqual([lower.keys, lower.refusals], [[], []]);
    assert.deepEqual(indicesOf((await send(sale.voucher(410n))).keys), [3]);
  });

  it('posts the very same bytes again when it does not learn that they arrived', async () => {
    const sale = await sell(market, owner);
    await sale.ask([2, 4]);
    const posted: SealedMessage[] = [];
    const dying = {
      serviceFor: (agreement: AgreementId) => {
        const service = clientOf(market.ports, owner.agentKey, agreement);
        return {
          ...service,
          async postMessage(message: SealedMessage) {
            posted.push(message);
            await service.postMessage(message);
            throw new StoreUnavailableError('The answer is lost.');
          },
        };
      },
    };
    const said = await owner.serveOnce(dying);
    assert.ok(said.some(({ event }) => event === 'trouble'));
    await owner.serveOnce(dying);
    await owner.serveOnce();
    assert.equal(posted.length, 2);
    assert.deepEqual(posted[1], posted[0]);
    const { keys, sequences } = await sale.receive();
    assert.deepEqual([indicesOf(keys), sequences], [[2, 4], [0]]);
  });

  it('begins anew behind its own messages when its state is lost, with the same samples', async () => {
    const sale = await sell(market, owner);
    await sale.ask([6, 8]);
    await owner.serveOnce();
    assert.deepEqual(indicesOf((await sale.receive()).keys), [6, 8]);
    await rm(join(owner.folder, 'state'), { recursive: true });
    await sale.ask([10]);
    const said = await owner.serveOnce();
    assert.ok(said.some((one) => one.event === 'archived' && one.agreement === sale.id));
    const again = await sale.receive();
    assert.deepEqual(indicesOf(again.keys), [6, 8], 'asked for in the first message, and given again');
    assert.deepEqual(
      again.refusals.map(({ blocks }) => blocks),
      [[10]],
    );
    assert.deepEqual(again.sequences, [1, 2]);
  });

  it('sells a part of batches: keys of those blocks alone, and no batch key at the edges', async () => {
    const sale = await sell(market, owner, { first: 2, count: 6, price: 610n });
    await sale.ask([1, 2], 610n);
    const said = await owner.serveOnce();
    assert.ok(
      said.some((one) => one.event === 'archived' && one.agreement === sale.id),
      JSON.stringify(said),
    );
    const { keys, refusals } = await sale.receive();
    assert.deepEqual(indicesOf(keys), [2, 3, 4, 5, 6, 7]);
    assert.deepEqual(refusals[0]?.blocks, [1]);
    const batchKeys = keys.flatMap(({ batches }) => batches.map(({ first }) => first));
    assert.deepEqual(batchKeys, [3], 'the batch of blocks 3 to 6 is sold whole');
    assert.deepEqual(openedBy(keys), [2, 3, 4, 5, 6, 7]);
  });

  it('gives everything at once where the fee is the price, and nothing after the end', async () => {
    const gift = await sell(market, owner, { price: 10n, fee: 10n });
    await owner.serveOnce();
    assert.equal(indicesOf((await gift.receive()).keys).length, 12);
    const sale = await sell(market, owner, { durationSeconds: 5, windowSeconds: 1000 });
    await market.passSeconds(6);
    await sale.ask([0], 1210n);
    const said = await owner.serveOnce();
    assert.ok(said.some((one) => one.event === 'voucher' && one.agreement === sale.id));
    const { keys, refusals } = await sale.receive();
    assert.deepEqual([keys, refusals[0]?.blocks], [[], [0]]);
    assert.match(refusals[0]?.reason ?? '', /ended/);
  });

  it('takes vouchers though the mailbox is full, and leaves room for what is still to be delivered', async () => {
    const sale = await sell(market, owner);
    await owner.serveOnce();
    const fill = (next: number) => {
      const state = openSaleState(join(owner.folder, 'state'), owner.identity);
      state.sql('UPDATE agreements SET next = ? WHERE id = ?').run(next, sale.id);
      state.close();
    };
    fill(4094);
    await sale.ask([0, 1]);
    await owner.serveOnce();
    assert.deepEqual((await sale.receive()).sequences, [4094], 'samples have their place');
    await sale.ask([0, 11]);
    await owner.serveOnce();
    assert.deepEqual((await sale.receive()).sequences, [], 'the last message is kept for what will be paid');
    await sale.ask([], 1210n);
    await owner.serveOnce();
    const last = await sale.receive();
    assert.deepEqual([openedBy(last.keys).length, last.sequences], [12, [4095]], 'of the samples the content is new');
    await sale.ask([3], 1210n);
    const full = await owner.serveOnce();
    assert.ok(full.some((one) => one.event === 'request' && one.agreement === sale.id));
    assert.ok(!full.some((one) => one.event === 'trouble' && one.agreement === sale.id), JSON.stringify(full));
  });

  it('works on a state alone, and only on its own', async () => {
    const folder = join(owner.folder, 'locked');
    const state = openSaleState(folder, owner.identity);
    assert.throws(
      () => openSaleState(folder, owner.identity),
      (error) => error instanceof SaleStateError && error.kind === 'state',
    );
    state.close();
    const stranger = { ...owner.identity, owner: owner.agent };
    assert.throws(() => openSaleState(folder, stranger), /another chain, contract, owner or agent/);
    openSaleState(folder, owner.identity).close();
  });
});
