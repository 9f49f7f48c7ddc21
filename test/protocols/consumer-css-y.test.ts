import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditPurchase } from '../../client/consumer/audit-purchase.ts';
import type { BlockKeys, KeyPayload } from '../../core/agreement/key-payload.ts';
import { encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import type { Terms } from '../../core/agreement/terms.ts';
import { ArgumentError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { BlockKey, Sha256 } from '../../core/ids.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import type { Verdict, VerdictKind } from '../../core/verdict.ts';
import { changeBit, EVIDENCES } from '../core/audit-storage.ts';
import { BOTH } from '../core/both-primitives.ts';
import { HonestStorage, sealLog, swapBlocks } from '../core/honest-storage.ts';
import { MemorySale, memoryStore } from './memory-sale.ts';

const SIZES = [[40, 3000, 300], [300], [5000, 17]];
const BLOCKS = 6;

for (const { name, primitives } of BOTH) {
  const log = sealLog(primitives, SIZES);

  /** An audit of all six blocks, in which only what the test changes is not honest. */
  const prepare = async (terms: Partial<Terms> = {}) => {
    const sale = await MemorySale.open(primitives, log, { samples: BLOCKS, ...terms });
    const storage = new HonestStorage(primitives, log);
    const store = memoryStore(sale.purchase.id);
    const { channel, distrusted } = sale.channel(store);
    const run = async (evidence: CssYEvidence = 'possession', sample = BLOCKS) => {
      const verdicts: Verdict[] = [];
      const report = await auditPurchase(
        { primitives, service: storage, requestKeys: channel.requestKeys, store },
        { purchase: sale.purchase, log: sale.log, protocol: 'III', evidence, sample, fraction: 0.01 },
        (some) => verdicts.push(...some),
      );
      return { report, verdicts, kinds: verdicts.map(({ verdict }) => verdict) };
    };
    return { sale, storage, store, distrusted, run };
  };
  const all = (kind: VerdictKind): VerdictKind[] => Array.from({ length: BLOCKS }, () => kind);
  const except = (index: number, kind: VerdictKind) => all('intact').with(index, kind);
  const changeBlock = (payload: KeyPayload, index: number, change: (block: BlockKeys) => BlockKeys): KeyPayload => ({
    ...payload,
    blocks: payload.blocks.map((block) => (block.index === index ? change(block) : block)),
  });

  describe(`Protocol III, Table IV, on ${name}`, () => {
    for (const evidence of EVIDENCES) {
      it(`steps 1–12, ${evidence}: the storage answers, then the keys open, and all is intact`, async () => {
        const { sale, storage, store, run } = await prepare();
        // Table IV step 1: the agreement on OCASC; step 2: the grant on ASC; step 3: BlockIDs and where the storage is.
        const { terms } = sale.purchase;
        assert.deepEqual([terms.first, terms.count], [0, BLOCKS]);
        const asked = evidence === 'attested' ? 'hash-blocks' : 'prove-chunks';
        const keysWhenAsked: number[] = [];
        const method = evidence === 'attested' ? 'hashBlocks' : 'proveChunks';
        const honest = storage[method].bind(storage) as (...given: unknown[]) => Promise<never>;
        storage[method] = async (...given: unknown[]) => {
          keysWhenAsked.push(sale.mailbox.length);
          return honest(...given);
        };
        const { report, kinds, verdicts } = await run(evidence);
        // Table IV step 4: the consumer's own sample.
        assert.deepEqual(store.state.sampled, [0, 1, 2, 3, 4, 5]);
        // Table IV steps 6–7: BlockIDs to the CSS and its answers, before step 5: keys of the sampled from the owner.
        assert.ok(storage.calls.some((call) => call.name === asked));
        assert.deepEqual(keysWhenAsked, [0], 'the owner had heard nothing when the storage was asked');
        assert.equal(sale.mailbox.length, 2);
        // Table IV step 7: the hash in the answer; steps 9–10: the sealed digests, proven against the log that was sold.
        assert.ok(storage.calls.some((call) => call.name === 'get-records'));
        // Table IV steps 11–12: opened with the owner's keys and compared.
        assert.deepEqual(kinds, all('intact'));
        assert.ok(verdicts.every(({ signer }) => signer !== null));
        assert.deepEqual([report.protocol, report.evidence, report.ok], ['III', evidence, true]);
      });
    }

    it('a tampered and a swapped block are corrupted, with no proven culprit', async () => {
      for (const evidence of EVIDENCES) {
        const tampered = await prepare();
        tampered.storage.flipBit(3);
        const { verdicts, kinds } = await tampered.run(evidence);
        // In a proof the chunk may be an undamaged one; block 3 has but one.
        assert.deepEqual(kinds, except(3, 'corrupted'));
        assert.equal(verdicts[3]?.blame, null);

        const swapped = await prepare();
        swapBlocks(swapped.storage, 2, 3);
        assert.deepEqual((await swapped.run(evidence)).kinds, all('intact').with(2, 'corrupted').with(3, 'corrupted'));
      }
    });

    it('a wrong key is seen by the commitment, and is the owner’s fault', async () => {
      const { sale, run } = await prepare();
      sale.changeKeys = (payload) =>
        changeBlock(payload, 4, (block) => ({ ...block, blockKey: changeBit(block.blockKey) as BlockKey }));
      const { verdicts, kinds } = await run();
      assert.deepEqual(kinds, except(4, 'refused'));
      assert.equal(verdicts[4]?.blame, 'owner');
    });

    it('a record of the owner’s own making, with a key that fits it, is the owner’s fault', async () => {
      const { sale, run } = await prepare();
      const [other] = (await sale.keysOf([0])).blocks as [BlockKeys];
      const { blockKey, record } = other;
      sale.changeKeys = (payload) => changeBlock(payload, 4, (block) => ({ ...block, blockKey, record }));
      const { verdicts, kinds } = await run();
      assert.deepEqual(kinds, except(4, 'refused'));
      assert.equal(verdicts[4]?.blame, 'owner');
    });

    it('two keys for one block are no payload at all', async () => {
      const { sale } = await prepare();
      const payload = await sale.keysOf([0]);
      const [block] = payload.blocks as [BlockKeys];
      assert.throws(() => encodeKeyPayload({ ...payload, blocks: [block, block] }), ArgumentError);
    });

    it('a wrong opening of the owner’s changes no verdict: the storage’s is what is checked', async () => {
      const { sale, run } = await prepare();
      sale.changeKeys = (payload) =>
        changeBlock(payload, 1, (block) => ({
          ...block,
          opening: { ...block.opening, sha256: changeBit(block.opening.sha256) as Sha256 },
        }));
      assert.deepEqual((await run('attested')).kinds, all('intact'));
    });

    it('storage that lies, refuses, is silent or slow costs its blocks their verdict and the audit its confidence', async () => {
      for (const [change, kind] of [
        [new RequestRefusedError('No.', { type: '/problems/no-grant', status: 403 }), 'refused'],
        [new RequestRefusedError('Ended.', { type: '/problems/ended', status: 410 }), 'refused'],
        [new StoreUnavailableError('prove-chunks did not answer within 35000 ms.'), 'unavailable'],
        [{ answers: [], remaining: [] }, 'unavailable'],
        [{ answers: [], remaining: [0, 1, 2, 3, 4, 5] }, 'unavailable'],
        [
          {
            answers: [0, 1, 2, 3, 4, 5].map((index) => ({ index, kind: 'unrecorded', reason: 'never heard' })),
            remaining: [],
          },
          'unavailable',
        ],
      ] as const) {
        const { sale, storage, run } = await prepare();
        storage.proveChunks = async () => {
          if (change instanceof Error) throw change;
          return change as never;
        };
        const { kinds, report } = await run();
        assert.deepEqual(kinds, all(kind));
        assert.equal(report.assurance.confidence, null);
        assert.equal(sale.mailbox.length, 0, 'no key is asked for when there is nothing to open');
      }
    });

    it('a proof that leads nowhere is corrupted', async () => {
      const { storage, run } = await prepare();
      const honest = storage.proveChunks.bind(storage);
      storage.proveChunks = async (dataset, challenges) => {
        const { answers, remaining } = await honest(dataset, challenges);
        return {
          answers: answers.map((one) => (one.index === 1 && 'path' in one ? { ...one, path: one.path.slice(1) } : one)),
          remaining,
        };
      };
      assert.deepEqual((await run()).kinds, except(1, 'corrupted'));
    });

    it('records that lead to another log than the one sold are corrupted', async () => {
      const { storage, run } = await prepare();
      const other = sealLog(
        primitives,
        SIZES.map((sizes) => sizes.map((size) => size + 1)),
      );
      storage.batches.splice(0, 3, ...other);
      assert.deepEqual((await run()).kinds, all('corrupted'));
    });

    it('an owner who is silent sends no keys: unavailable, in time', async () => {
      const { sale, run } = await prepare();
      sale.changeKeys = () => null;
      const { kinds, verdicts } = await run();
      assert.deepEqual(kinds, all('unavailable'));
      assert.match(verdicts[0]?.reason ?? '', /owner has sent no key/);
    });

    it('samples used up: no more are drawn, and the owner refuses keys beyond his count', async () => {
      const { run } = await prepare({ samples: 2 });
      await assert.rejects(run('possession', 3), /only 2 of the agreement.s 2 are left/);
      assert.deepEqual((await run('possession', 2)).kinds, ['intact', 'intact']);
      await assert.rejects(run('possession', 1), /All 2 samples of the agreement are used up/);

      const strict = await prepare();
      strict.sale.samples.add(100).add(101).add(102).add(103).add(104);
      const { kinds, verdicts } = await strict.run();
      assert.equal(kinds.filter((kind) => kind === 'refused').length, BLOCKS - 1);
      assert.match(
        verdicts.find(({ verdict }) => verdict === 'refused')?.reason ?? '',
        /refused the key: beyond the samples/,
      );
    });

    it('an audit that broke off is gone on with, on the same blocks', async () => {
      const { store, storage, run } = await prepare();
      const honest = storage.getRecords;
      storage.getRecords = async () => {
        throw new TypeError('the power went');
      };
      await assert.rejects(run('possession', 3), TypeError);
      const drawn = store.state.openSample;
      assert.equal(drawn?.length, 3);
      storage.getRecords = honest;
      const { verdicts } = await run('possession', 3);
      assert.deepEqual(
        verdicts.map(({ index }) => index),
        drawn,
      );
      assert.deepEqual([store.state.openSample, store.state.sampled], [null, drawn]);
      const second = await run('possession', 3);
      assert.deepEqual(
        second.verdicts.map(({ index }) => index),
        [0, 1, 2, 3, 4, 5].filter((i) => !drawn?.includes(i)),
      );
    });
  });

  describe(`the mailbox between consumer and owner, on ${name}`, () => {
    it('messages in any order and more than once give the same keys', async () => {
      const { sale, distrusted, run } = await prepare();
      sale.show = (messages) => [...messages, ...messages].reverse();
      assert.deepEqual((await run()).kinds, all('intact'));
      assert.ok(distrusted.every((reason) => /repeated or late/.test(reason)));
    });

    it('a message that the mailbox wrote, changed or took from elsewhere is not believed', async () => {
      const { sale, distrusted, run } = await prepare();
      const forged = { ciphertext: new Uint8Array(64), signature: new Uint8Array(65).fill(27) };
      sale.changeKeys = () => null;
      await sale.say(new Uint8Array([1]), forged);
      await sale.say(encodeKeyPayload(await sale.keysOf([0])), { sequence: 7 });
      await sale.say(encodeKeyPayload(await sale.keysOf([0])), { enc: new Uint8Array(32).fill(9) });
      const { kinds } = await run();
      assert.deepEqual(kinds, all('unavailable'));
      assert.ok(distrusted.length >= 3, distrusted.join('\n'));
    });

    it('what the owner signs and is no payload is told, and what comes behind it is read', async () => {
      const { sale, distrusted, run } = await prepare();
      await sale.say(new Uint8Array([0xff, 0xff]));
      assert.deepEqual((await run()).kinds, all('intact'));
      assert.match(distrusted.join('\n'), /not dag-cbor/);
    });
  });
}
