import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Records } from '../../core/ports/css.ts';
import { type FoundRecords, proveRecords } from '../../core/protocols/prove-records.ts';
import { firstHeadsOf, olderSteps, recordedHeads } from '../../core/protocols/recorded-heads.ts';
import { changeBit } from './audit-storage.ts';
import { HonestStorage, headOf, recordedEvents, sealLog } from './honest-storage.ts';

/** Storage that has a log only up to some number of its leaves, or proves nothing under some heads. */
class ForgetfulStorage extends HonestStorage {
  readonly #isProvable: (size: number) => boolean;

  constructor(batches: readonly SealedBatch[], isProvable: (size: number) => boolean) {
    super(primitives, batches);
    this.#isProvable = isProvable;
  }

  override async getRecords(dataset: DatasetId, blocks: readonly number[], size: number): Promise<Records> {
    const records = await super.getRecords(dataset, blocks, size);
    if (this.#isProvable(size)) return records;
    const faults = blocks.map((index) => ({ index, kind: 'unavailable' as const, reason: 'Lost.' }));
    return { batches: [], proof: [], faults };
  }
}

const log = sealLog(
  primitives,
  Array.from({ length: 100 }, () => [1, 1, 1]),
);
const heads = recordedHeads(headOf(primitives, log), recordedEvents(primitives, log));
const ALL = Array.from({ length: 300 }, (_, i) => i);
const prove = (storage: HonestStorage, blocks: readonly number[] = ALL): Promise<FoundRecords> =>
  proveRecords({ hasher: primitives, records: storage }, heads, blocks);
const indicesOf = (found: readonly { readonly index: number }[]): number[] =>
  found.map(({ index }) => index).sort((a, b) => a - b);

describe('records under the heads that DISSC has recorded', () => {
  it('an honest storage is asked once', async () => {
    const storage = new HonestStorage(primitives, log);
    assert.deepEqual(indicesOf((await prove(storage)).proven), ALL);
    assert.equal(storage.calls.length, 1);
  });

  for (const lost of [1, 2, 3, 10, 57, 99]) {
    it(`with the newest ${lost} of 100 heads beyond proof, what an older one has is proven`, async () => {
      const provable = 3 * (100 - lost);
      const storage = new ForgetfulStorage(log, (size) => size <= provable);
      const { proven, faults } = await prove(storage);
      // In steps that double, then by the first heads of what is left: at most 8 of those, of three blocks each.
      assert.ok(proven.length >= provable - 3 * lost, `${proven.length} of ${provable}`);
      assert.ok(indicesOf(proven).every((index) => index < provable));
      assert.equal(proven.length + faults.length, 300);
      assert.ok(storage.calls.length <= 1 + 7 + 8, `${storage.calls.length} requests`);
    });
  }

  it('a single block is proven under whichever head still has it', async () => {
    for (const index of [0, 4, 150, 296]) {
      const own = 3 * Math.floor(index / 3) + 3;
      const storage = new ForgetfulStorage(log, (size) => size === own);
      assert.deepEqual(indicesOf((await prove(storage, [index])).proven), [index]);
    }
  });

  it('a block that no head has any more comes back once, with what was said under the newest', async () => {
    const storage = new ForgetfulStorage(log, () => false);
    const { proven, broken, faults } = await prove(storage, [7, 8]);
    assert.deepEqual([proven, broken], [[], []]);
    assert.deepEqual(
      faults.map(({ index, reason }) => [index, reason]),
      [
        [7, 'Lost.'],
        [8, 'Lost.'],
      ],
    );
  });

  it('one altered record among many costs a search by halves, and no other block', async () => {
    const storage = new HonestStorage(primitives, log);
    storage.recordsOf = (batch, indices) => {
      const honest = HonestStorage.prototype.recordsOf.call(storage, batch, indices);
      const records = honest.records.map(({ index, record }) => ({
        index,
        record: index === 123 ? { ...record, sealed: changeBit(record.sealed) } : record,
      }));
      return { ...honest, records };
    };
    const { proven, broken, faults } = await proveRecords({ hasher: primitives, records: storage }, [heads[0]], ALL);
    assert.deepEqual([indicesOf(proven), indicesOf(broken), faults], [ALL.filter((i) => i !== 123), [123], []]);
    assert.ok(storage.calls.length <= 1 + 2 * 9, `${storage.calls.length} requests`);
  });

  it('a storage that lies about every record ends the search after a bounded number of requests', async () => {
    let asked = 0;
    const storage = new HonestStorage(primitives, log);
    storage.getRecords = async (...ask) => {
      asked++;
      return { ...(await HonestStorage.prototype.getRecords.apply(storage, ask)), proof: [new Uint8Array(32)] };
    };
    const { proven, broken } = await prove(storage);
    assert.deepEqual([proven, indicesOf(broken)], [[], ALL]);
    assert.ok(asked <= 2048, `${asked} requests`);
  });

  it('a storage that does not answer is asked once; one that refuses a head is asked for others', async () => {
    const silent = new HonestStorage(primitives, log);
    let asked = 0;
    silent.getRecords = async () => {
      asked++;
      throw new StoreUnavailableError('Down.');
    };
    assert.equal((await prove(silent)).faults.length, 300);
    assert.equal(asked, 1);

    const refusing = new HonestStorage(primitives, log);
    refusing.getRecords = async (...ask) => {
      if (ask[2] > 297) throw new RequestRefusedError('No such log.', { type: '/problems/not-found', status: 404 });
      return HonestStorage.prototype.getRecords.apply(refusing, ask);
    };
    assert.deepEqual(indicesOf((await prove(refusing)).proven), ALL.slice(0, 297));
  });
});

describe('older heads to try', () => {
  const head = (size: number): Head => ({ ...heads[0], size });

  it('go back in steps that double', () => {
    const sizes = olderSteps([head(100), ...Array.from({ length: 20 }, (_, i) => head(99 - i))]).map(
      ({ size }) => size,
    );
    assert.deepEqual(sizes, [99, 98, 96, 92, 84]);
    assert.deepEqual(olderSteps([head(100)]), []);
  });

  it('are, for single blocks, the first that has each: the newest eight', () => {
    const all = [head(100), ...Array.from({ length: 20 }, (_, i) => head(95 - 5 * i))] as const;
    assert.deepEqual(
      firstHeadsOf(all, [0, 4, 5, 99]).map(({ size }) => size),
      [100, 10, 5],
    );
    assert.equal(firstHeadsOf(all, ALL).length, 8);
  });

  it('are those that the events name below the newest, newest first', () => {
    const events = recordedEvents(primitives, log.slice(0, 3));
    const [newest, ...older] = recordedHeads(headOf(primitives, log.slice(0, 3)), [...events].reverse());
    assert.equal(newest.size, 9);
    assert.deepEqual(
      older.map(({ size, root }) => [size, root]),
      [
        [6, log[1]?.manifest.head.root],
        [3, log[0]?.manifest.head.root],
      ],
    );
  });
});
