import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditPurchase } from '../../client/consumer/audit-purchase.ts';
import { deliverPurchase } from '../../client/consumer/deliver-purchase.ts';
import type { VerifiedBlock } from '../../client/consumer/verified-block.ts';
import type { BlockKeys, KeyPayload } from '../../core/agreement/key-payload.ts';
import { dueFor } from '../../core/agreement/quota.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { encryptContent } from '../../core/block/content-cipher.ts';
import { commitContent, contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { BlockKey, ChunkRoot, ContentBatchKey, ContentKey, Nonce } from '../../core/ids.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import type { Verdict, VerdictKind } from '../../core/verdict.ts';
import { changeBit } from '../core/audit-storage.ts';
import { BOTH } from '../core/both-primitives.ts';
import { HonestStorage, reading, sealLog, swapBlocks, WRITER } from '../core/honest-storage.ts';
import { sealMisrecorded } from '../core/misrecorded-batch.ts';
import { MemorySale, memoryStore } from './memory-sale.ts';

const SIZES = [[40, 3000, 300], [300], [5000, 17]];
const BLOCKS = 6;

for (const { name, primitives } of BOTH) {
  const sealed = sealLog(primitives, SIZES);

  const prepare = async (terms: Partial<Terms> = {}, log: readonly SealedBatch[] = sealed) => {
    const sale = await MemorySale.open(primitives, log, { samples: BLOCKS, ...terms });
    const storage = new HonestStorage(primitives, log);
    const store = memoryStore(sale.purchase.id);
    const { channel, distrusted } = sale.channel(store);
    const previews: VerifiedBlock[] = [];
    const onPreview = (block: VerifiedBlock) => void previews.push(block);
    const audit = async (sample = sale.purchase.terms.count) => {
      const verdicts: Verdict[] = [];
      const report = await auditPurchase(
        { primitives, service: storage, requestKeys: channel.requestKeys, store, onPreview },
        { purchase: sale.purchase, log: sale.log, protocol: 'IV', evidence: 'possession', sample, fraction: 0.01 },
        (some) => verdicts.push(...some),
      );
      return { report, verdicts, kinds: verdicts.map(({ verdict }) => verdict) };
    };
    const taken: VerifiedBlock[] = [];
    const synced: number[] = [];
    const clock = { seconds: 1_790_000_000 };
    /** Content keys that the chain shows, and how often it was asked. */
    const shown = new Map<number, ContentKey>();
    const scans = { count: 0 };
    const service = Object.assign(storage, { storeVoucher: sale.storeVoucher.bind(sale) });
    const deliver = (ahead = 2) =>
      deliverPurchase(
        {
          ...{ primitives, service, channel, store, domain: sale.domain, signerKey: sale.signerKey },
          readNowSeconds: async () => clock.seconds,
          readShownKeys: async () => {
            scans.count++;
            return shown;
          },
        },
        { purchase: sale.purchase, log: sale.log, ahead },
        {
          append: async (block) => void taken.push(block),
          sync: async () => void synced.push(taken.length),
        },
      );
    return { sale, storage, store, clock, distrusted, audit, deliver, taken, synced, previews, shown, scans };
  };
  const changeBlocks = (payload: KeyPayload, change: (block: BlockKeys) => BlockKeys): KeyPayload => ({
    ...payload,
    blocks: payload.blocks.map(change),
  });
  const all = (kind: VerdictKind): VerdictKind[] => Array.from({ length: BLOCKS }, () => kind);
  const except = (index: number, kind: VerdictKind) => all('intact').with(index, kind);

  describe(`Protocol IV, Table V, on ${name}`, () => {
    it('steps 1–12: a limited number of blocks is retrieved, hashed here, opened and intact', async () => {
      const { sale, storage, store, audit } = await prepare({ samples: 3 });
      // Table V step 1: the agreement on OCASC; step 2: the grant on ASC; step 4: BlockIDs and where the storage is.
      assert.equal(sale.purchase.terms.samples, 3);
      const mailWhenAsked: number[] = [];
      const honest = storage.getBlock.bind(storage);
      storage.getBlock = async (dataset, index) => {
        mailWhenAsked.push(sale.mailbox.length);
        return honest(dataset, index);
      };
      const { report, kinds, verdicts } = await audit(3);
      // Table V step 3: the sample; steps 5–6: BlockIDs to the CSS, DataBlocks back; only then step 4: keys.
      const retrieved = storage.calls.filter((call) => call.name === 'get-block').flatMap(({ blocks }) => blocks);
      assert.deepEqual(retrieved.toSorted(), store.state.sampled);
      assert.deepEqual(mailWhenAsked, [0, 0, 0]);
      // Table V step 7: hashed here; steps 8–9: sealed digests from the log; 10–11: opened and compared.
      assert.deepEqual(kinds, ['intact', 'intact', 'intact']);
      assert.deepEqual(
        [report.protocol, report.evidence, report.checked, report.total],
        ['IV', 'retrieved', 3, BLOCKS],
      );
      assert.ok(verdicts.every(({ evidence }) => evidence === 'retrieved'));
      assert.ok((report.assurance.confidence ?? 0) > 0.4);
    });

    it('a tampered and a swapped block are corrupted, with no proven culprit', async () => {
      const tampered = await prepare();
      tampered.storage.flipBit(1, 8 * 2999);
      const { verdicts, kinds } = await tampered.audit();
      assert.deepEqual(kinds, except(1, 'corrupted'));
      assert.deepEqual([verdicts[1]?.blame, /SHA-256, chunk root/.test(verdicts[1]?.reason ?? '')], [null, true]);

      const swapped = await prepare();
      swapBlocks(swapped.storage, 2, 3);
      assert.deepEqual((await swapped.audit()).kinds, all('intact').with(2, 'corrupted').with(3, 'corrupted'));
    });

    it('a wrong key is the owner’s fault, a record that contradicts itself the writer’s', async () => {
      const wrong = await prepare();
      wrong.sale.changeKeys = (payload) =>
        changeBlocks(payload, (block) => ({ ...block, blockKey: changeBit(block.blockKey) as BlockKey }));
      const refused = await wrong.audit();
      assert.deepEqual(refused.kinds, all('refused'));
      assert.ok(refused.verdicts.every(({ blame }) => blame === 'owner'));

      const captured = [0, 1, 2].map((index) => reading(index, 3000));
      const lie = sealMisrecorded(primitives, EMPTY_PEAKS, captured, {
        opening: (opening, number) =>
          number === 1 ? { ...opening, chunkRoot: changeBit(opening.chunkRoot) as ChunkRoot } : opening,
      });
      const contradicted = await prepare({ samples: 3 }, [lie]);
      const { verdicts, kinds } = await contradicted.audit(3);
      assert.deepEqual(kinds, ['intact', 'misrecorded', 'intact']);
      assert.equal(verdicts[1]?.blame, 'writer');
    });

    it('previews are decrypted before anything is paid for, and wrong content keys seen', async () => {
      const honest = await prepare({ previews: 2 });
      assert.deepEqual((await honest.audit()).kinds, all('intact'));
      assert.deepEqual(
        honest.previews.map(({ index, content }) => [index, content]),
        [0, 1].map((index) => [index, reading(index, SIZES.flat()[index] as number).content]),
      );
      const none = await prepare({ previews: 0 });
      assert.deepEqual([(await none.audit()).kinds, none.previews], [all('intact'), []]);

      const wrong = await prepare({ previews: 2 });
      wrong.sale.changeKeys = (payload) =>
        changeBlocks(payload, (block) =>
          block.index === 1 ? { ...block, contentKey: changeBit(block.contentKey as ContentKey) as ContentKey } : block,
        );
      const { kinds, verdicts } = await wrong.audit();
      assert.deepEqual([kinds, verdicts[1]?.blame], [except(1, 'refused'), 'owner']);
      assert.deepEqual(
        wrong.previews.map(({ index }) => index),
        [0],
      );
    });

    it('a refusal, a failure, no bytes and too many cost that block its verdict, and the confidence', async () => {
      for (const [given, kind] of [
        [new RequestRefusedError('Not paid.', { type: '/problems/not-paid', status: 403 }), 'refused'],
        [new StoreUnavailableError('get-block did not answer within 35000 ms.'), 'unavailable'],
        [{ index: 3, kind: 'unavailable', reason: 'lost' }, 'unavailable'],
        [{ index: 3, kind: 'unrecorded', reason: 'never heard of it' }, 'unavailable'],
        [{ block: new Uint8Array(0), meta: new Uint8Array(1) }, 'unavailable'],
        [{ block: new Uint8Array(2 ** 20 + 1), meta: new Uint8Array(1) }, 'corrupted'],
      ] as const) {
        const { storage, audit } = await prepare();
        const honest = storage.getBlock.bind(storage);
        storage.getBlock = async (dataset, index) => {
          if (index !== 3) return honest(dataset, index);
          if (given instanceof Error) throw given;
          return given;
        };
        const { kinds, report } = await audit();
        assert.deepEqual(kinds, except(3, kind));
        assert.equal(report.assurance.confidence, null);
      }
    });
  });

  describe(`delivery against vouchers, on ${name}`, () => {
    it('pays block by block, and the vouchers end at the price', async () => {
      const { sale, store, deliver, taken } = await prepare({ samples: 0, price: 1001n });
      const { terms } = sale.purchase;
      const delivered = await deliver(2);
      assert.deepEqual([delivered.stopped, delivered.verified, delivered.due], [null, BLOCKS, 1001n]);
      assert.deepEqual(
        taken.map(({ index }) => index),
        [0, 1, 2, 3, 4, 5],
      );
      for (const { index, content } of taken) {
        assert.deepEqual(content, reading(index, SIZES.flat()[index] as number).content);
      }
      assert.deepEqual(
        sale.vouchers.map(({ due }) => due),
        [1, 2, 4, 6].map((blocks) => dueFor(terms, blocks)),
        'never more ahead than was verified before',
      );
      assert.equal(sale.ownerDue, 1001n);
      assert.equal(store.state.verified, BLOCKS);
    });

    it('stops paying at the first block that does not verify: never more than `ahead` beyond it is owed', async () => {
      for (const ahead of [1, 2, 3]) {
        const { sale, storage, deliver, taken } = await prepare({ samples: 0 });
        storage.flipBit(3);
        const { stopped, verified, due } = await deliver(ahead);
        assert.deepEqual([stopped?.index, stopped?.verdict, verified, taken.length], [3, 'corrupted', 3, 3]);
        assert.ok(due <= dueFor(sale.purchase.terms, 3 + ahead));
        assert.equal(sale.vouchers.at(-1)?.due, due);
        // A second run pays nothing more.
        const again = await deliver(ahead);
        assert.deepEqual([again.stopped?.index, again.due <= dueFor(sale.purchase.terms, 3 + ahead)], [3, true]);
      }
    });

    it('samples, which came without their content keys, are delivered with them once they are paid for', async () => {
      const { audit, deliver, taken } = await prepare({ samples: 3 });
      await audit(3);
      const { stopped } = await deliver(2);
      assert.equal(stopped, null);
      assert.equal(taken.length, BLOCKS);
    });

    it('goes on after a crash anywhere: nothing is paid twice, nothing comes twice', async () => {
      for (const crashAt of [0, 1, 2, 3]) {
        const { sale, store, deliver, taken, synced } = await prepare({ samples: 0 });
        const post = sale.postMessage.bind(sale);
        let posts = 0;
        sale.postMessage = async (message) => {
          if (posts++ === crashAt) throw new TypeError('the power went');
          return post(message);
        };
        await assert.rejects(deliver(2), TypeError);
        taken.length = store.state.verified;
        const delivered = await deliver(2);
        assert.deepEqual([delivered.stopped, delivered.due], [null, 1000n]);
        assert.deepEqual(
          taken.map(({ index }) => index),
          [0, 1, 2, 3, 4, 5],
        );
        assert.ok(synced.length >= 3);
        const dues = sale.vouchers.map(({ due }) => due);
        assert.deepEqual(
          dues,
          dues.toSorted((a, b) => Number(a - b)),
        );
      }
    });

    it('content keys that are not the committed ones are the owner’s fault, seen when one block is paid for', async () => {
      const wrong = (payload: KeyPayload): KeyPayload => ({
        ...payload,
        blocks: payload.blocks.map((block) => ({
          ...block,
          contentKey: block.contentKey === null ? null : (changeBit(block.contentKey) as ContentKey),
        })),
        batches: payload.batches.map((batch) => ({ ...batch, key: changeBit(batch.key) as ContentBatchKey })),
      });
      for (const [sizes, ahead] of [
        [SIZES, 3],
        // A batch of one block: its key is that of a batch paid for whole.
        [[[40], [300]], 4],
      ] as const) {
        const { sale, deliver, taken } = await prepare({ samples: 0, bond: 20n }, sealLog(primitives, sizes));
        sale.changeKeys = wrong;
        for (let run = 0; run < 2; run++) {
          const { stopped, due } = await deliver(ahead);
          assert.deepEqual([stopped?.index, stopped?.verdict, stopped?.blame], [0, 'refused', 'owner']);
          assert.equal(due, dueFor(sale.purchase.terms, 1), 'nothing more is signed for, whatever --ahead says');
        }
        assert.deepEqual([taken.length, sale.ownerDue], [0, dueFor(sale.purchase.terms, 1)]);
      }
    });

    it('a writer who encrypted under another key than the record commits to is the writer’s fault', async () => {
      const nonce = new Uint8Array(16).fill(8) as Nonce;
      const batchKey = contentBatchKey(primitives, readKey(primitives, WRITER.datasetKey), nonce);
      const keyOf = (index: number) => contentKey(primitives, batchKey, index);
      const captured = [0, 1].map((index) => {
        const { content, meta } = reading(index, 300);
        const id = { dataset: WRITER.dataset, index };
        // Block 1 under the key of another block.
        return { content: encryptContent(primitives, keyOf(index === 1 ? 9 : index), id, content), meta };
      });
      const commitment = (index: number) => commitContent(primitives, keyOf(index));
      const lie = sealMisrecorded(primitives, EMPTY_PEAKS, captured, { content: { nonce, commitment } });
      const { deliver } = await prepare({ samples: 0 }, [lie]);
      const { stopped } = await deliver(1);
      assert.deepEqual([stopped?.index, stopped?.verdict, stopped?.blame], [1, 'misrecorded', 'writer']);
    });

    it('signs nothing in the last window: a key that does not come could not be demanded any more', async () => {
      const { sale, clock, deliver } = await prepare({ samples: 0 });
      const { buyer, terms } = sale.purchase;
      clock.seconds = buyer.endSeconds - terms.windowSeconds + 1;
      await assert.rejects(deliver(1), /last 5 s. No more is paid/);
      assert.deepEqual(sale.vouchers, []);
      clock.seconds -= 1;
      assert.equal((await deliver(1)).stopped, null);
    });

    it('a sample brings no content key, but for the previews, whatever the storage gives', async () => {
      const { sale } = await prepare({ samples: 4, previews: 2 });
      for (const index of [5, 0, 3]) sale.samples.add(index);
      const { blocks, batches } = await sale.keysOf([0, 3, 5]);
      assert.deepEqual(
        blocks.map(({ index, contentKey }) => [index, contentKey !== null]),
        [
          [0, true],
          [3, false],
          [5, true],
        ],
      );
      assert.deepEqual(batches, []);
    });

    it('an owner who takes the voucher and sends nothing stops it', async () => {
      const { sale, deliver } = await prepare({ samples: 0 });
      sale.changeKeys = () => null;
      const { stopped, due } = await deliver(1);
      assert.deepEqual([stopped?.verdict, due], ['unavailable', dueFor(sale.purchase.terms, 1)]);
    });

    describe('with a content key that the owner has shown on the chain', () => {
      const keyOf = (index: number): ContentKey => {
        const { nonce } = (sealed.findLast(({ manifest }) => manifest.first <= index) as SealedBatch).manifest;
        const batchKey = contentBatchKey(primitives, readKey(primitives, WRITER.datasetKey), nonce as Nonce);
        return contentKey(primitives, batchKey, index);
      };
      const contentOf = (index: number) => reading(index, SIZES.flat()[index] as number).content;

      it('opens a block of which the owner sends nothing, and says that it is not proven', async () => {
        const { sale, store, deliver, taken, shown, scans } = await prepare({ samples: 0 });
        sale.changeKeys = () => null;
        const stopped = await deliver(2);
        assert.deepEqual([stopped.stopped?.verdict, stopped.verified, stopped.unproven], ['unavailable', 0, []]);
        shown.set(0, keyOf(0));
        const { verified, unproven, stopped: next, due } = await deliver(2);
        assert.deepEqual([verified, unproven, next?.index, next?.verdict], [1, [0], 1, 'unavailable']);
        assert.deepEqual(taken, [{ index: 0, content: contentOf(0), meta: reading(0, 40).meta }]);
        assert.equal(due, dueFor(sale.purchase.terms, 2), 'one block more is signed for, no more');
        // It stays said, and the others go on when the owner's messages come.
        sale.changeKeys = (payload) => payload;
        const all = await deliver(2);
        assert.deepEqual([all.verified, all.stopped, all.unproven, store.state.unproven], [BLOCKS, null, [0], [0]]);
        assert.ok(scans.count <= 3, 'the chain is asked for what did not come alone');
      });

      it('opens a block whose content key alone did not come, or is another, and proves it', async () => {
        for (const change of [() => null, (key: ContentKey) => changeBit(key) as ContentKey]) {
          const { sale, deliver, taken, shown } = await prepare({ samples: 0 });
          sale.changeKeys = (payload) => ({
            ...changeBlocks(payload, (block) => ({ ...block, contentKey: change(keyOf(block.index)) })),
            batches: [],
          });
          assert.deepEqual((await deliver(2)).stopped?.verdict, 'refused');
          for (let index = 0; index < BLOCKS; index++) shown.set(index, keyOf(index));
          const { stopped, unproven } = await deliver(2);
          assert.deepEqual([stopped, unproven], [null, []]);
          assert.deepEqual(
            taken.map(({ content }) => content),
            Array.from({ length: BLOCKS }, (_, index) => contentOf(index)),
          );
        }
      });

      it('believes no key but the committed one, and no bytes that it does not open', async () => {
        const { sale, deliver, shown } = await prepare({ samples: 0 });
        sale.changeKeys = () => null;
        shown.set(0, keyOf(1));
        assert.equal((await deliver(2)).stopped?.verdict, 'unavailable');

        const other = await prepare({ samples: 0 });
        other.sale.changeKeys = () => null;
        other.shown.set(0, keyOf(0));
        other.storage.flipBit(0);
        const { stopped, verified } = await other.deliver(2);
        assert.deepEqual([stopped?.verdict, stopped?.blame, verified], ['corrupted', null, 0]);

        // What the owner's own keys show to be other bytes than recorded, no key on the chain makes right.
        const damaged = await prepare({ samples: 0 });
        for (let index = 0; index < BLOCKS; index++) damaged.shown.set(index, keyOf(index));
        damaged.storage.flipBit(3);
        assert.deepEqual((await damaged.deliver(2)).stopped?.verdict, 'corrupted');
        assert.equal(damaged.scans.count, 0);
      });
    });

    it('when all was the fee, nothing is signed and all is delivered', async () => {
      const { sale, deliver } = await prepare({ samples: 0, price: 100n, fee: 100n });
      const { stopped, verified } = await deliver(2);
      assert.deepEqual([stopped, verified, sale.vouchers.length], [null, BLOCKS, 0]);
    });
  });
}
