import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { commitContent, contentKey, decryptContent } from '../../core/block/content-cipher.ts';
import { type Market, startMarket } from '../functions/start-sale.ts';
import { indicesOf, makeOwner, type Owner, sell } from './sale-fixture.ts';

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

  it('archives what was sold, hands out samples, refuses what goes beyond them', async () => {
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
    assert.deepEqual(
      refusals.map(({ blocks }) => blocks),
      [[11]],
    );
    const [block] = keys[1]?.blocks ?? [];
    const stored = await owner
      .partsOf(null as never)
      .serviceFor(sale.id)
      .getBlock(owner.dataset, 5);
    assert.ok(block?.contentKey && 'block' in stored);
    decryptContent(nodePrimitives, block.contentKey, { dataset: owner.dataset, index: 5 }, stored.block);
  });

  it('releases what vouchers pay for by itself, with a batch key only for a batch paid for whole', async () => {
    const sale = await sell(market, owner);
    await sale.ask([], 10n + 500n);
    await owner.serveOnce();
    const first = await sale.receive();
    assert.deepEqual(indicesOf(first.keys), [0, 1, 2, 3, 4]);
    assert.deepEqual(
      first.keys.map(({ contentBatchKey }) => contentBatchKey !== null),
      [true, false],
    );
    const [whole] = first.keys;
    assert.deepEqual(commitContent(nodePrimitives, whole!.contentBatchKey!), whole!.contentCommitment);
    assert.equal(whole!.blocks[0]!.contentKey, null);
    assert.deepEqual(contentKey(nodePrimitives, whole!.contentBatchKey!, 0).length, 32);
    await sale.ask([], 1210n);
    await owner.serveOnce();
    const second = await sale.receive();
    assert.deepEqual(indicesOf(second.keys), [5, 6, 7, 8, 9, 10, 11], 'each once');
    assert.ok(second.keys.every(({ contentBatchKey }) => contentBatchKey !== null));
    await owner.serveOnce();
    assert.deepEqual((await sale.receive()).sequences, []);
  });
});
