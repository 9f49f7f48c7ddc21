import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import type { SaleParts } from '../../client/sale/sale-parts.ts';
import { openSaleState } from '../../client/sale/sale-state.ts';
import { serveSales } from '../../client/sale/serve-sales.ts';
import { MAX_MESSAGES, type SealedMessage } from '../../core/agreement/message.ts';
import type { EncryptionPublicKey } from '../../core/agreement/seal-message.ts';
import { StateError, StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { indicesOf, makeOwner, type Owner, sell } from '../client/sale-fixture.ts';
import { clientOf, type Market, startMarket } from '../functions/start-sale.ts';

describe('the owner’s agent under attack', { timeout: 180_000 }, () => {
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
  type Sold = Awaited<ReturnType<typeof sell>>;
  const newest = async (id: AgreementId) => {
    const { agreement } = await (market.ports.agreements as SaleParts['market']).readAgreement(id, 'latest');
    assert.ok(agreement);
    return agreement;
  };
  const challenge = (sale: Sold, block: number) =>
    sale.buyer.challenge(sale.id, { block, seed: 7, valueWei: 10n ** 16n });
  const agentsService = (id: AgreementId) => clientOf(market.ports, owner.agentKey, id);
  const claims = (said: readonly SaleEvent[], id: AgreementId) =>
    said.filter((one) => one.event === 'claimed' && one.agreement === id).length;
  /** A server that goes on: what it has in memory stays. */
  async function serving<T>(
    run: (step: (change?: Partial<SaleParts>, signal?: AbortSignal) => Promise<void>) => Promise<T>,
  ) {
    const state = openSaleState(join(owner.folder, 'state'), owner.identity);
    const parts = owner.partsOf(state);
    try {
      return await run(async (change = {}, signal = AbortSignal.timeout(60_000)) => {
        await serveSales({ ...parts, ...change }, { pollMs: 10, once: true }, signal);
      });
    } finally {
      state.close();
    }
  }
  /** Every question stays open until it is given up. */
  const hanging = (id: AgreementId) =>
    new Proxy(agentsService(id), {
      get:
        () =>
        (...args: unknown[]) =>
          new Promise((_, reject) => {
            const signal = args.at(-1) as AbortSignal;
            signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          }),
    });

  it('is not made to spend gas on vouchers that rise by one wei after the end', async () => {
    const sale = await sell(market, owner);
    await sale.ask([], 610n);
    const from = owner.events.length;
    await serving(async (step) => {
      await step();
      await sale.buyer.quit(sale.id);
      await step();
      for (let i = 1n; i <= 8n; i++) {
        await sale.ask([], 610n + i);
        await step();
      }
      assert.equal(claims(owner.events.slice(from), sale.id), 1, 'dribbled vouchers wait');
      await sale.ask([], 900n);
      await step();
      assert.deepEqual([claims(owner.events.slice(from), sale.id), (await newest(sale.id)).due], [2, 900n]);
      await sale.ask([], 901n);
      await step();
      assert.equal((await newest(sale.id)).due, 900n);
      await market.passSeconds(40);
      await step();
      assert.equal((await newest(sale.id)).due, 901n, 'and none of them is given up');
    });
  });

  it('claims what it has though the storage hangs: after the end, and while challenged', async () => {
    const [ended, challenged] = [await sell(market, owner), await sell(market, owner)];
    await Promise.all([ended.ask([], 610n), challenged.ask([], 610n)]);
    await owner.serveOnce();
    await ended.buyer.quit(ended.id);
    await challenge(challenged, 2);
    const stop = new AbortController();
    const bothClaimed = async () => {
      for (let i = 0; i < 300; i++) {
        const dues = [(await newest(ended.id)).due, (await newest(challenged.id)).due];
        if (dues.every((due) => due === 610n)) return true;
        await sleep(100);
      }
      return false;
    };
    await serving(async (step) => {
      const hangs = step({ serviceFor: hanging as SaleParts['serviceFor'] }, stop.signal);
      try {
        assert.ok(await bothClaimed(), 'nothing was claimed within 30 s');
      } finally {
        stop.abort();
        await hangs;
      }
    });
  });

  it('hands out nothing for a voucher that a breach would not pay: first it is claimed', async () => {
    const sale = await sell(market, owner, { samples: 0 });
    await owner.serveOnce();
    await challenge(sale, 2);
    await sale.ask([0, 1, 2, 3], 1210n);
    const lost = async () => {
      throw new StoreUnavailableError('The block is lost.');
    };
    const serviceFor = (id: AgreementId) => ({ ...agentsService(id), proveChunks: lost, getBlock: lost });
    const state = openSaleState(join(owner.folder, 'state'), owner.identity);
    const { party } = owner.partsOf(state);
    state.close();
    const stuck = {
      ...party,
      claim: async () => {
        throw new StateError('Gas has become too dear.');
      },
    };
    await owner.serveOnce({ serviceFor, party: stuck });
    assert.deepEqual(indicesOf((await sale.receive()).keys), []);
    await owner.serveOnce({ serviceFor });
    await owner.serveOnce({ serviceFor });
    assert.equal((await newest(sale.id)).due, 1210n);
    assert.equal(indicesOf((await sale.receive()).keys).length, sale.terms.count);
  });

  it('keeps its numbers though the mailbox shows messages that it never wrote', async () => {
    const sale = await sell(market, owner);
    const made: SealedMessage = {
      ...{ agreement: sale.id, from: owner.agent, to: sale.signer, sequence: MAX_MESSAGES - 1 },
      ...{ enc: new Uint8Array(32), ciphertext: new Uint8Array(16), signature: new Uint8Array(65).fill(27) },
    };
    await owner.serveOnce({
      serviceFor: (id) => {
        const service = agentsService(id);
        return {
          ...service,
          listMessages: async (...call: Parameters<typeof service.listMessages>) =>
            call[1].from === owner.agent && id === sale.id
              ? { messages: [made], next: null }
              : service.listMessages(...call),
        };
      },
    });
    await sale.ask([4]);
    await owner.serveOnce();
    assert.deepEqual(indicesOf((await sale.receive()).keys), [4]);
  });

  it('does not answer its own messages, for ever, where the consumer names the agent as its signer', async () => {
    // The fee is all of the price, so that keys are owed as soon as it is accepted.
    const own = { price: 120n, fee: 120n };
    const sale = await sell(market, owner, own, { signer: owner.agent });
    const from = owner.events.length;
    for (let i = 0; i < 4; i++) await owner.serveOnce();
    const mine = owner.events.slice(from).filter(({ agreement }) => agreement === sale.id);
    assert.deepEqual(
      mine.filter(({ event }) => event === 'message-refused' || event === 'trouble'),
      [],
    );
    const { messages } = await agentsService(sale.id).listMessages(sale.id, { from: owner.agent });
    assert.equal(messages.length, 1, 'the keys, once');
    await challenge(sale, 3);
    await owner.serveOnce();
    assert.equal((await newest(sale.id)).question, null, 'answered all the same');
  });

  it('takes vouchers, answers and is never in trouble where nothing can be sealed to the consumer', async () => {
    const encryptionKey = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)) as EncryptionPublicKey;
    const sale = await sell(market, owner, {}, { encryptionKey });
    const from = owner.events.length;
    await sale.ask([0]);
    await sale.ask([1], 610n);
    await sale.service.postMessage(await sale.seal(new Uint8Array([7])));
    await challenge(sale, 2);
    for (let i = 0; i < 3; i++) await owner.serveOnce();
    const mine = owner.events.slice(from).filter(({ agreement }) => agreement === sale.id);
    assert.deepEqual(
      mine.filter(({ event }) => event === 'trouble'),
      [],
    );
    assert.equal(mine.filter(({ event }) => event === 'message-refused').length, 3);
    const { due, question } = await newest(sale.id);
    assert.deepEqual([due, question], [610n, null], 'the voucher was claimed, and the challenge answered');
    assert.deepEqual((await sale.receive()).sequences, []);
  });

  it('does no work for keys that were sent before and find no place any more', async () => {
    const sale = await sell(market, owner, { price: 10n });
    await owner.serveOnce();
    const state = openSaleState(join(owner.folder, 'state'), owner.identity);
    state.sql('UPDATE agreements SET next = ? WHERE id = ?').run(MAX_MESSAGES, sale.id);
    const { primitives } = owner.partsOf(state);
    state.close();
    for (let i = 0; i < 4; i++) await sale.ask([0, 3, 7]);
    let derived = 0;
    const hmacSha256: typeof primitives.hmacSha256 = (...given) => {
      derived++;
      return primitives.hmacSha256(...given);
    };
    const said = await owner.serveOnce({ primitives: { ...primitives, hmacSha256 } });
    const requests = said.filter((one) => one.event === 'request' && one.agreement === sale.id);
    assert.deepEqual(
      requests.map((one) => (one.event === 'request' ? one.refused : 0)),
      [3, 3, 3, 3],
    );
    // Twelve blocks' keys take more than one a block; each agreement's own encryption key takes one.
    assert.ok(derived < 12, `${derived} keys were derived`);
  });
});
