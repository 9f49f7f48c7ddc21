import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { openSaleState } from '../../client/sale/sale-state.ts';
import { contentKeyOf, requireBlockKeys, requireKeyRecords } from '../../core/agreement/verify-keys.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { PLAIN } from '../../core/charter/kind.ts';
import { type Market, startMarket } from '../functions/start-sale.ts';
import { indicesOf, makeOwner, type Owner, openedBy, sell } from './sale-fixture.ts';

describe("the owner's side of sales", { timeout: 120_000 }, () => {
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

  it('archives what was sold, hands out samples without their content, refuses what goes beyond them', async () => {
    const sale = await sell(market, owner);
    const said = await owner.serveOnce();
    assert.deepEqual(
      said.map(({ event }) => event),
      ['offer-found', 'accepted', 'archived'],
      JSON.stringify(said),
    );
    await sale.ask([0, 5, 11]);
    await owner.serveOnce();
    const { keys, refusals } = await sale.receive();
    assert.deepEqual(indicesOf(keys), [0, 5]);
    assert.deepEqual(openedBy(keys), [], 'a buyer who reads all for the fee reads nothing');
    assert.deepEqual(
      refusals.map(({ blocks }) => blocks),
      [[11]],
    );
    const log = { dataset: owner.dataset, root: sale.agreement.root, size: sale.agreement.size };
    for (const payload of keys) {
      requireKeyRecords(nodePrimitives, log, payload);
      for (const block of payload.blocks) requireBlockKeys(nodePrimitives, owner.dataset, block);
    }
  });

  it('gives the content of the first samples as previews, and of the others once they are paid for', async () => {
    const sale = await sell(market, owner, { samples: 4, previews: 2 });
    await sale.ask([7]);
    await owner.serveOnce();
    await sale.ask([2, 4, 9]);
    await owner.serveOnce();
    const first = await sale.receive();
    assert.deepEqual(openedBy(first.keys), [7, 2], 'in the order they were asked for');
    const payload = first.keys.find(({ blocks }) => blocks.some(({ index }) => index === 7));
    assert.ok(payload);
    const key = contentKeyOf(nodePrimitives, payload, 7);
    const stored = await owner
      .partsOf(null as never)
      .serviceFor(sale.id)
      .getBlock(owner.dataset, 7);
    assert.ok(key !== null && 'block' in stored);
    decryptContent(nodePrimitives, key, { dataset: owner.dataset, index: 7 }, stored.block);
    await sale.ask([], 10n + 500n);
    await owner.serveOnce();
    const second = await sale.receive();
    assert.deepEqual(indicesOf(second.keys), [0, 1, 3, 4], 'block 2 was given whole before');
    assert.deepEqual(openedBy(second.keys), [0, 1, 3, 4]);
  });

  it('of a dataset that is not encrypted gives no content keys, and a sample once', async () => {
    const plain = await makeOwner(market, PLAIN);
    try {
      const sale = await sell(market, plain, { samples: 2 });
      await sale.ask([1]);
      await plain.serveOnce();
      await sale.ask([], 1210n);
      await plain.serveOnce();
      const { keys } = await sale.receive();
      assert.deepEqual(
        indicesOf(keys).toSorted((a, b) => a - b),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
      );
      assert.ok(
        keys.every(({ blocks, batches }) => batches.length === 0 && blocks.every((one) => one.contentKey === null)),
      );
    } finally {
      await plain.close();
    }
  });

  it('releases what vouchers pay for by itself, with a batch key only for a batch paid for whole', async () => {
    const sale = await sell(market, owner);
    await sale.ask([], 10n + 500n);
    await owner.serveOnce();
    const first = await sale.receive();
    assert.deepEqual(indicesOf(first.keys), [0, 1, 2, 3, 4]);
    const batchesOf = (keys: typeof first.keys) =>
      keys.flatMap(({ batches }) => batches.map((batch) => [batch.first, batch.count]));
    assert.deepEqual(batchesOf(first.keys), [[0, 3]]);
    assert.deepEqual(openedBy(first.keys), [0, 1, 2, 3, 4]);
    await sale.ask([], 1210n);
    await owner.serveOnce();
    const second = await sale.receive();
    assert.deepEqual(indicesOf(second.keys), [5, 6, 7, 8, 9, 10, 11], 'each once');
    assert.deepEqual(batchesOf(second.keys), [
      [3, 4],
      [7, 5],
    ]);
    await owner.serveOnce();
    assert.deepEqual((await sale.receive()).sequences, []);
  });

  it('gives no batch key where the storage hides how long the batch is: it would open what is not paid for', async () => {
    const sale = await sell(market, owner);
    const short = {
      serviceFor: (agreement: typeof sale.id) => {
        const service = owner.partsOf(null as never).serviceFor(agreement);
        return {
          ...service,
          getRecords: async (...call: Parameters<typeof service.getRecords>) => {
            const found = await service.getRecords(...call);
            return { ...found, batches: found.batches.map((batch) => ({ ...batch, count: Math.min(batch.count, 2) })) };
          },
        };
      },
    };
    const state = openSaleState(join(owner.folder, 'hidden'), owner.identity);
    try {
      await sale.ask([0, 1], 10n + 200n);
      await owner.serveOnce({ ...short, state });
      const { keys } = await sale.receive();
      assert.deepEqual(openedBy(keys), [0, 1]);
      assert.deepEqual(
        keys.flatMap(({ batches }) => batches),
        [],
      );
    } finally {
      state.close();
    }
  });
});
