import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { deliverPurchase } from '../../client/consumer/deliver-purchase.ts';
import type { VerifiedBlock } from '../../client/consumer/verified-block.ts';
import { dueFor } from '../../core/agreement/quota.ts';
import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { openDigest } from '../../core/block/seal.ts';
import { equalBytes } from '../../core/bytes.ts';
import { decodeRecords } from '../../core/wire/answers.ts';
import { type ConsumerScene, IDLE_AGENT, setScene } from './consumer-scene.ts';
import { BLOCKS, damage, flipBit } from './recorded-stack.ts';
import { audit, type Bought, buy, deliveryOf, keysSent, settle } from './sale-on-stack.ts';
import { withstandOwner } from './withstand-owner.ts';
import { withstandParties } from './withstand-parties.ts';
import { withstandStorage } from './withstand-storage.ts';

/* Protocol IV (Table V) on the embedded stack: as III, on storage that only gives blocks back; and what is sold, delivered. */
describe('Protocol IV on the embedded stack', { timeout: 300_000 }, () => {
  let scene: ConsumerScene;
  before(async () => {
    scene = await setScene('IV');
  });
  after(() => scene?.stack.close());

  it('steps 1–12', async () => {
    const { stack, proxy, seller } = scene;
    proxy.reset();
    const bought = await buy(stack, await seller.offer({ samples: 4 }));
    const { purchase, terms, log, store } = bought;
    // Table V step 1: the agreement between owner and consumer, on OCASC; with how many blocks may be looked at.
    assert.deepEqual([purchase.state, purchase.owner, purchase.terms.samples], ['active', seller.of.owner, 4]);
    // Table V step 2: the owner lets the storage deliver, on ASC.
    const [grant] = (await stack.grants.readGrants([seller.of.grant], 'final')).grants;
    assert.deepEqual([grant?.state, grant?.terms.css, grant?.terms.blocks], ['accepted', stack.file.operator, true]);
    // Table V step 4: the BlockIDs, and what is to be known of the storage.
    assert.deepEqual([terms.dataset, terms.first, terms.count], [seller.of.dataset, 0, BLOCKS]);
    const { report, kinds, verdicts, distrusted } = await audit(stack, bought, { protocol: 'IV', sample: 4, proxy });
    // Table V step 3: the consumer's own choice, of a limited number.
    const { sampled } = store.state;
    assert.equal(new Set(sampled).size, 4);
    await assert.rejects(
      audit(stack, bought, { protocol: 'IV', sample: 5 }),
      /5 samples, but only . of the agreement's 4 are left/,
    );
    // Table V step 5: the BlockIDs of the sample to the CSS, and nothing that it would have to compute.
    const toStorage = proxy.seen.filter(({ path }) => path.includes(terms.dataset) && !path.endsWith('/records'));
    const blocksAsked = toStorage.map(({ path }) => Number(/\/blocks\/([0-9]+)/.exec(path)?.[1]));
    const [asked, named] = [toStorage.slice(0, 4), blocksAsked.slice(0, 4)];
    assert.deepEqual(
      named.toSorted((a, b) => a - b),
      sampled,
    );
    assert.deepEqual(blocksAsked.slice(4), sampled.slice(0, 1), 'the preview again, to decrypt it');
    // Table V step 6: the DataBlocks back, encrypted as they are stored.
    const sizes = asked.map(({ answer }) => answer?.body.length);
    assert.deepEqual(
      sizes,
      named.map((index) => seller.of.contents[index]!.length + 16),
    );
    // Table V step 4: the keys of the sampled blocks, only after the storage has answered.
    const posted = proxy.seen.findIndex(({ method, path }) => method === 'POST' && path.endsWith('/messages'));
    assert.ok(asked.every((one) => proxy.seen.indexOf(one) < posted));
    assert.equal((await seller.event('request', bought.id)).admitted, 4);
    // Table V step 7: hashed here, whole.
    const computed = new Map(
      asked.map(({ answer }, at) => {
        const index = named[at] as number;
        const meta = new Uint8Array(Buffer.from(String(answer?.headers['plumbline-meta']), 'base64'));
        const opening = openBlock(nodePrimitives, answer?.body as Uint8Array, meta);
        return [index, blockDigest(nodePrimitives, { dataset: terms.dataset, index }, opening)];
      }),
    );
    // Table V step 8: the BlockIDs to DISSC: records of the log that OCASC has from there.
    const { heads } = await stack.ledger.readHeads([terms.dataset], 'final');
    assert.ok(equalBytes(heads[0]!.root, log.log.root));
    const [wanted] = proxy.seen.filter(({ path }) => path.endsWith('/records'));
    const { size } = heads[0]!;
    assert.deepEqual(JSON.parse(Buffer.from(wanted!.body).toString()), { blocks: sampled, size });
    // Table V step 9: Encrypted[Hash(DataBlock)] back.
    const records = decodeRecords(wanted!.answer!.body).batches.flatMap((batch) => batch.records);
    assert.deepEqual(
      records.map(({ index }) => index),
      sampled,
    );
    // Table V step 10: opened with the keys that the owner has sent.
    const keys = await keysSent(stack, bought);
    const opened = records.map(({ index, record }) => [
      index,
      openDigest(nodePrimitives, record.sealed, record.commitment, keys.get(index)!.blockKey),
    ]);
    const withContent = [...keys.values()].filter(({ contentKey }) => contentKey !== null);
    assert.deepEqual(
      withContent.map(({ index }) => index),
      [Math.min(...sampled)],
      'of one preview; the blocks of all others stay closed',
    );
    // Table V step 11: compared.
    assert.deepEqual([new Map(opened as [number, Uint8Array][]), distrusted], [computed, []]);
    assert.deepEqual([report.evidence, report.checked, report.total], ['retrieved', 4, BLOCKS]);
    assert.deepEqual([kinds, report.ok], [Array(4).fill('intact'), true]);
    assert.ok(verdicts.every(({ signer }) => signer !== null));
    await settle(bought);
  });

  describe('delivery against vouchers', () => {
    async function deliver(bought: Bought, ahead: number) {
      const { stack } = scene;
      const taken: VerifiedBlock[] = [];
      const delivered = await deliverPurchase(
        deliveryOf(stack, bought, { proxy: scene.proxy, timeoutMs: 5_000 }),
        { purchase: bought.purchase, log: bought.log, ahead },
        { append: async (block) => void taken.push(block), sync: async () => {} },
      );
      return { delivered, contents: taken.map(({ content }) => content) };
    }

    it('all is delivered, decrypted, as the device captured it, and never more is signed for than has come', async () => {
      const { stack, proxy, seller } = scene;
      const bought = await buy(stack, await seller.offer({ samples: 2 }));
      proxy.reset();
      const { delivered, contents } = await deliver(bought, 5);
      assert.deepEqual([delivered.verified, delivered.due, delivered.stopped], [BLOCKS, bought.terms.price, null]);
      assert.deepEqual(contents.map(Buffer.from), seller.of.contents.map(Buffer.from));
      const dues = proxy.seen
        .filter(({ path }) => path.endsWith('/vouchers'))
        .map(({ body }) => JSON.parse(Buffer.from(body).toString()).due);
      assert.deepEqual(
        dues.map(BigInt),
        [1, 2, 4, 8, 12].map((places) => dueFor(bought.terms, places)),
        'never more ahead than was verified, nor than 5',
      );
      const vouchers = seller.events.filter(({ event, agreement }) => event === 'voucher' && agreement === bought.id);
      assert.equal(vouchers.length, 5);
      await settle(bought);
    });

    it('it stops, and stops paying, at the first block that is not as recorded; and goes on when it is again', async () => {
      const { stack, proxy, seller } = scene;
      const bought = await buy(stack, await seller.offer({ samples: 1 }));
      proxy.reset();
      const undo = await damage(stack, seller.of, (block) => flipBit(block(6)));
      const { delivered } = await deliver(bought, 3);
      await undo();
      const { stopped } = delivered;
      assert.deepEqual([stopped?.index, stopped?.verdict, delivered.verified], [6, 'corrupted', 6]);
      assert.equal(delivered.due, dueFor(bought.terms, 7));
      const { delivered: again, contents } = await deliver(bought, 3);
      assert.deepEqual([again.verified, again.stopped, contents.length], [BLOCKS, null, 6]);
      await settle(bought);
    });

    it('an owner who never answers is left with one block’s part, and the fee', async () => {
      const { stack, seller } = scene;
      const bought = await buy(stack, await seller.offer({ samples: 1 }, IDLE_AGENT));
      const delivered = await deliverPurchase(
        deliveryOf(stack, bought, { patienceMs: 500 }),
        { purchase: bought.purchase, log: bought.log, ahead: 2 },
        { append: async () => assert.fail('nothing is verified'), sync: async () => {} },
      );
      assert.deepEqual([delivered.verified, delivered.stopped?.verdict], [0, 'unavailable']);
      assert.equal(delivered.due, dueFor(bought.terms, 1));
    });
  });

  withstandStorage(() => scene);
  withstandOwner(() => scene);
  withstandParties(() => scene);
});
