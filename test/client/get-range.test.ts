import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sourceOfService } from '../../client/owner/block-source.ts';
import { type GetDeps, type GetPlan, type GetRange, getRange } from '../../client/owner/get-range.ts';
import type { GotBlock } from '../../client/owner/judge-stored.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { encryptContent } from '../../core/block/content-cipher.ts';
import { commitContent, contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import {
  LedgerUnavailableError,
  NotRecordedError,
  RequestRefusedError,
  StoreUnavailableError,
} from '../../core/errors.ts';
import type { Nonce, Salt } from '../../core/ids.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { Verdict, VerdictKind } from '../../core/verdict.ts';
import { BOTH } from '../core/both-primitives.ts';
import {
  DEVICE_KEY,
  datasetKeyOf,
  HonestStorage,
  headOf,
  ledgerOf,
  reading,
  sealLog,
  swapBlocks,
  WRITER,
} from '../core/honest-storage.ts';
import { sealMisrecorded } from '../core/misrecorded-batch.ts';

const SIZES = [[40, 40, 2500], [300, 300, 300, 300], [1], [1000, 7]];
const T0 = 1_790_000_000_000;
const ALL: GetRange = {
  dataset: WRITER.dataset,
  datasetKeyOf,
  anchor: 'final',
  by: 'block',
  from: 0,
  to: 9,
};
const BY_TIME: GetRange = { ...ALL, by: 'time', from: 0, to: Number.MAX_SAFE_INTEGER };

for (const { name, primitives } of BOTH) {
  const log = sealLog(primitives, SIZES);
  const depsOf = (storage: HonestStorage, ledger = ledgerOf(primitives, log)): GetDeps => ({
    primitives,
    ledger,
    openSource: sourceOfService({ primitives, service: storage, download: storage.download }, WRITER.dataset),
  });
  const get = async (storage: HonestStorage, range: GetRange, recorded = log): Promise<GotBlock[]> => {
    const got: GotBlock[] = [];
    const deps = depsOf(storage, ledgerOf(primitives, recorded));
    for await (const block of getRange(deps, range)) got.push(block);
    for (const { verdict, meta, content, upTo } of got) {
      assert.equal(upTo, verdict.index);
      assert.equal(verdict.evidence, 'retrieved');
      const intact = verdict.verdict === 'intact';
      assert.deepEqual(
        [meta !== null, content !== null, verdict.reason === null],
        [intact, intact, intact],
        'content only when intact',
      );
      if (!intact) continue;
      const size = SIZES.flat()[verdict.index] as number;
      assert.deepEqual({ content, meta }, reading(verdict.index, size));
      assert.equal(verdict.signer, accountOfKey(DEVICE_KEY));
    }
    return got;
  };
  const verdictsOf = (got: readonly GotBlock[]): [number, VerdictKind][] =>
    got.map(({ verdict }) => [verdict.index, verdict.verdict]);
  const indicesOf = (got: readonly GotBlock[]): number[] => got.map(({ verdict }) => verdict.index);
  /** Everything asked for, by number and by time: `changed` differ, all others are intact. */
  const expect = async (storage: HonestStorage, changed: Record<number, VerdictKind>): Promise<Verdict[]> => {
    const wanted = SIZES.flat().map((_, index) => [index, changed[index] ?? 'intact']);
    assert.deepEqual(verdictsOf(await get(storage, BY_TIME)), wanted);
    const got = await get(storage, ALL);
    assert.deepEqual(verdictsOf(got), wanted);
    return got.map(({ verdict }) => verdict);
  };
  const all = (verdict: VerdictKind, blocks: number[]): Record<number, VerdictKind> =>
    Object.fromEntries(blocks.map((index) => [index, verdict]));

  describe(`getting a range back, on ${name}`, () => {
    it('honest storage gives every block with its content, once and in order', async () => {
      await expect(new HonestStorage(primitives, log), {});
    });

    it('exactly the blocks asked for, by number', async () => {
      for (const [from, to] of [
        [0, 0],
        [2, 3],
        [3, 6],
        [5, 7],
        [9, 9],
        [8, 1000],
        [0, Number.MAX_SAFE_INTEGER - 1],
      ] as const) {
        const wanted = SIZES.flat()
          .map((_, index) => index)
          .filter((index) => index >= from && index <= to);
        assert.deepEqual(indicesOf(await get(new HonestStorage(primitives, log), { ...ALL, from, to })), wanted);
      }
      assert.deepEqual(await get(new HonestStorage(primitives, log), { ...ALL, from: 10, to: 20 }), []);
      assert.deepEqual(await get(new HonestStorage(primitives, log), { ...ALL, from: 5, to: 4 }), []);
    });

    it('exactly the blocks captured in a time, both ends included', async () => {
      for (const [from, to] of [
        [T0, T0],
        [T0 + 2000, T0 + 5000],
        [T0 + 2001, T0 + 5999],
        [0, T0 + 500],
        [T0 + 9000, T0 + 90_000],
      ] as const) {
        const wanted = SIZES.flat()
          .map((_, index) => index)
          .filter((index) => T0 + 1000 * index >= from && T0 + 1000 * index <= to);
        assert.deepEqual(indicesOf(await get(new HonestStorage(primitives, log), { ...BY_TIME, from, to })), wanted);
      }
    });

    it('says which chain state it measured against, before any block', async () => {
      const heard: GetPlan[] = [];
      const blocks = getRange(depsOf(new HonestStorage(primitives, log)), ALL, (plan) => heard.push(plan));
      for await (const _ of blocks) assert.equal(heard.length, 1);
      const { size, anchor } = heard[0]?.log.anchor ?? {};
      assert.deepEqual([size, anchor, heard[0]?.times], [10, 'final', null]);
    });

    it('what the chain does not have yet is not given', async () => {
      const storage = new HonestStorage(primitives, log);
      assert.deepEqual(indicesOf(await get(storage, ALL, log.slice(0, 2))), [0, 1, 2, 3, 4, 5, 6]);
      assert.deepEqual(indicesOf(await get(storage, BY_TIME, log.slice(0, 2))), [0, 1, 2, 3, 4, 5, 6]);
      await assert.rejects(get(storage, ALL, []), NotRecordedError);
    });

    it('a chain that does not answer is an error, not a verdict', async () => {
      const storage = new HonestStorage(primitives, log);
      const ledger = {
        ...ledgerOf(primitives, log),
        readHeads: () => Promise.reject(new LedgerUnavailableError('Down.')),
      };
      const blocks = getRange(depsOf(storage, ledger), ALL);
      await assert.rejects(blocks.next(), LedgerUnavailableError);
    });

    it('a bit flipped is seen in that block alone', async () => {
      for (const index of [0, 2, 9]) {
        const storage = new HonestStorage(primitives, log);
        storage.flipBit(index, 8 * 6 + 1);
        await expect(storage, { [index]: 'corrupted' });
      }
    });

    it('a bit flipped in the manifest costs nothing where the storage still gives the blocks one by one', async () => {
      const storage = new HonestStorage(primitives, log);
      const { key } = storage.locate(3);
      (storage.objects.get(key) as Uint8Array)[300]! ^= 1;
      await expect(storage, {});
      storage.getBlock = async (_dataset, index) => ({ index, kind: 'unavailable', reason: 'Gone.' });
      assert.deepEqual(
        verdictsOf(await get(storage, ALL)),
        SIZES.flat().map((_, index) => [index, index >= 3 && index <= 6 ? 'unavailable' : 'intact']),
      );
    });

    it('an object cut off loses what lies behind the cut', async () => {
      const storage = new HonestStorage(primitives, log);
      const { key, offset } = storage.locate(5);
      storage.objects.set(key, (storage.objects.get(key) as Uint8Array).slice(0, offset + 10));
      await expect(storage, { 5: 'unavailable', 6: 'unavailable' });
      storage.objects.set(key, new Uint8Array(0));
      await expect(storage, all('unavailable', [3, 4, 5, 6]));
    });

    it('two blocks swapped are both corrupted', async () => {
      const storage = new HonestStorage(primitives, log);
      swapBlocks(storage, 3, 5);
      await expect(storage, { 3: 'corrupted', 5: 'corrupted' });
    });

    it('a rival older segment in place of the recorded one is corrupted', async () => {
      const storage = new HonestStorage(primitives, log);
      const rivals = sealLog(primitives, SIZES, WRITER, (index, size) => reading(index + 50, size));
      storage.objects.set(storage.locate(3).key, rivals[1]?.segment.car as Uint8Array);
      await expect(storage, all('corrupted', [3, 4, 5, 6]));
    });

    it('a deleted object is unavailable, a refused one refused', async () => {
      const storage = new HonestStorage(primitives, log);
      storage.objects.delete(storage.locate(7).key);
      await expect(storage, { 7: 'unavailable' });
      for (const [status, verdict] of [
        [403, 'refused'],
        [404, 'unavailable'],
      ] as const) {
        storage.getSegment = async (dataset, first) => {
          if (first === 3) throw new RequestRefusedError('No.', { type: '/problems/x', status });
          return HonestStorage.prototype.getSegment.call(storage, dataset, first);
        };
        await expect(storage, { ...all(verdict, [3, 4, 5, 6]), 7: 'unavailable' });
      }
    });

    it('a record altered in storage is corrupted, withheld it is unavailable', async () => {
      const storage = new HonestStorage(primitives, log);
      const recordsOf = (batch: SealedBatch, indices: readonly number[]) =>
        HonestStorage.prototype.recordsOf.call(storage, batch, indices);
      storage.recordsOf = (batch, indices) => {
        const given = recordsOf(batch, indices);
        if (given.first !== 3) return given;
        const records = given.records.map(({ index, record }) => ({
          index,
          record: { ...record, commitment: record.sealed as Uint8Array as typeof record.commitment },
        }));
        return { ...given, records };
      };
      await expect(storage, all('corrupted', [3, 4, 5, 6]));
      storage.recordsOf = recordsOf;
      storage.getRecords = (dataset, blocks, size) =>
        blocks.includes(3)
          ? Promise.reject(new StoreUnavailableError('Down.'))
          : HonestStorage.prototype.getRecords.call(storage, dataset, blocks, size);
      assert.equal((await get(storage, ALL))[3]?.verdict.verdict, 'unavailable');
    });

    it('a salt, a serial or a nonce altered in storage opens nothing, and nobody is blamed', async () => {
      for (const change of [
        { salt: new Uint8Array(32) as Salt },
        { serial: WRITER.serial + 1 },
        { nonce: null },
        { nonce: new Uint8Array(16) as Nonce },
      ]) {
        const storage = new HonestStorage(primitives, log);
        storage.recordsOf = (batch, indices) => ({
          ...HonestStorage.prototype.recordsOf.call(storage, batch, indices),
          ...change,
        });
        const got = await get(storage, ALL);
        assert.deepEqual(
          verdictsOf(got),
          SIZES.flat().map((_, index) => [index, 'unavailable']),
        );
        assert.ok(got.every(({ verdict }) => verdict.blame === null));
      }
    });

    it('content under another key than its record commits to is the writer misrecording', async () => {
      const nonce = new Uint8Array(16).fill(4) as Nonce;
      const batchKey = contentBatchKey(primitives, readKey(primitives, WRITER.datasetKey), nonce);
      const keyOf = (index: number) => contentKey(primitives, batchKey, index);
      const seal = (index: number, keyIndex: number) => ({
        content: encryptContent(
          primitives,
          keyOf(keyIndex),
          { dataset: WRITER.dataset, index },
          reading(index, 40).content,
        ),
        meta: reading(index, 40).meta,
      });
      const made = sealMisrecorded(primitives, EMPTY_PEAKS, [seal(0, 0), seal(1, 7)], {
        content: { nonce, commitment: (index) => commitContent(primitives, keyOf(index)) },
      });
      const got = await get(new HonestStorage(primitives, [made]), { ...ALL, to: 1 }, [made]);
      assert.deepEqual(verdictsOf(got), [
        [0, 'intact'],
        [1, 'misrecorded'],
      ]);
      assert.equal(got[1]?.verdict.blame, 'writer');
    });

    it('a storage that lists every second batch, or none, hides nothing', async () => {
      for (const isListed of [(first: number) => first === 3, () => false]) {
        const storage = new HonestStorage(primitives, log);
        storage.listBatches = async (...ask) => {
          const page = await HonestStorage.prototype.listBatches.apply(storage, ask);
          return { ...page, batches: page.batches.filter(({ first }) => isListed(first)) };
        };
        await expect(storage, {});
        assert.deepEqual(indicesOf(await get(storage, { ...BY_TIME, from: T0 + 2000, to: T0 + 8000 })), [
          ...[2, 3, 4, 5, 6, 7, 8],
        ]);
      }
    });

    it('every second batch withheld is named, block by block, with the account that signed it', async () => {
      const storage = new HonestStorage(primitives, log);
      const isHidden = (index: number) => index < 3 || index === 7;
      storage.getRecords = async (dataset, blocks, size) => {
        const shown = blocks.filter((index) => !isHidden(index));
        if (shown.length === 0) return { batches: [], proof: [], faults: [] };
        return HonestStorage.prototype.getRecords.call(storage, dataset, shown, size);
      };
      const got = await get(storage, { ...ALL, to: Number.MAX_SAFE_INTEGER });
      assert.deepEqual(
        verdictsOf(got),
        SIZES.flat().map((_, index) => [index, isHidden(index) ? 'unavailable' : 'intact']),
      );
      assert.ok(got.every(({ verdict }) => verdict.signer === accountOfKey(DEVICE_KEY)));
    });

    it('batches listed twice, out of order or beyond the log change nothing', async () => {
      const storage = new HonestStorage(primitives, log);
      storage.listBatches = async (...ask) => {
        const page = await HonestStorage.prototype.listBatches.apply(storage, ask);
        const beyond = page.batches.map((line) => ({ ...line, first: line.first + 10, count: 1024 }));
        return { ...page, batches: [...beyond, ...page.batches.toReversed(), ...page.batches] };
      };
      await expect(storage, {});
    });

    it('is called off with the reason given', async () => {
      const storage = new HonestStorage(primitives, log);
      const abort = new AbortController();
      const reason = new Error('enough');
      storage.getSegment = async () => {
        abort.abort(reason);
        throw new StoreUnavailableError('Aborted.');
      };
      await assert.rejects(getRange(depsOf(storage), ALL, undefined, abort.signal).next(), reason);
    });

    it('the head of the chain is what this test thinks', () => {
      assert.equal(headOf(primitives, log).size, 10);
    });
  });
}
