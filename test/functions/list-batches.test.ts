import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import type { LogRoot } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { type ListInput, listBatches } from '../../functions/list-batches.ts';
import { datasetPk, recordedSk } from '../../functions/state/entries.ts';
import { uploadSegment } from '../../functions/upload-segment.ts';
import { blocks, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

describe('list-batches', () => {
  const T0 = 1_700_000_000_000;
  let stores: Stores;
  let device: TestDevice;
  const sealed: SealedBatch[] = [];
  before(async () => {
    stores = await startStores();
    device = await TestDevice.open(stores);
    // Batches of 1 to 4 blocks a second apart, one batch every ten seconds, the last one long and begun long before.
    for (let i = 0; i < 9; i++) sealed.push(device.seal(blocks(Array(1 + (i % 4)).fill(5), T0 + 10_000 * i)));
    sealed.push(device.seal([...blocks([5], T0 - 500_000), ...blocks([5], T0 + 200_000)]));
    for (const { segment } of sealed) {
      await putObject(stores, segment.key, segment.car);
      await ingestSegment(stores.ports, segment.key);
    }
  });
  after(() => stores.close());

  const list = (query: Partial<ListInput>, table: Table = stores.table) =>
    listBatches(
      { primitives: nodePrimitives, ledger: stores.ledger, table },
      { dataset: device.dataset, by: 'block', ...query },
    );
  const firsts = async (query: Partial<ListInput>) => (await list(query)).batches.map(({ first }) => first);
  const expected = (matches: (batch: SealedBatch, i: number) => boolean) =>
    sealed.filter(matches).map(({ manifest }) => manifest.first);

  test('by block: every batch that reaches into the range', async () => {
    const size = device.end.size;
    for (const [from, to] of [
      [0, size],
      [3, 3],
      [4, 9],
      [size - 1, size + 5],
      [size, size + 9],
      [5, 4],
    ] as const) {
      const wanted = expected(({ manifest }) => manifest.first <= to && manifest.head.size > from);
      assert.deepEqual(await firsts({ from, to }), wanted, `${from} to ${to}`);
    }
  });

  test('by time: every batch with a capture in the range, though it began long before', async () => {
    for (const [from, to] of [
      [T0, T0 + 500],
      [T0 + 3_500, T0 + 21_000],
      [T0 + 100_000, T0 + 150_000],
      [0, 1],
      [T0 - 500_000, T0 - 499_999],
    ] as const) {
      const wanted = expected(({ manifest }, i) => {
        const startMs = i === 9 ? T0 - 500_000 : T0 + 10_000 * i;
        const endMs = i === 9 ? T0 + 200_000 : startMs + 1000 * (manifest.blocks.length - 1);
        return startMs <= to && endMs >= from;
      });
      assert.deepEqual(
        (await firsts({ by: 'time', from, to })).sort((a, b) => a - b),
        wanted,
        `${from} to ${to}`,
      );
    }
  });

  test('a batch captured while the clock was set is found at both of its ends, and makes no search look far', async (t) => {
    const own = await startStores();
    t.after(() => own.close());
    const writer = await TestDevice.open(own);
    // Without a battery the clock begins in 1970; then it is set.
    const odd = writer.seal([...blocks([5], 1000), ...blocks([5], T0)]);
    const ordinary = Array.from({ length: 12 }, (_, i) => writer.seal(blocks([5], T0 + 3_600_000 * (i + 1))));
    for (const { segment } of [odd, ...ordinary]) {
      await putObject(own, segment.key, segment.car);
      await ingestSegment(own.ports, segment.key);
    }
    let items = 0;
    const counted: Pick<Table, 'get' | 'query'> = {
      get: (...asked) => own.table.get(...asked),
      async query(...asked) {
        const page = await own.table.query(...asked);
        items += page.items.length;
        return page;
      },
    };
    const foundIn = async (from: number, to: number) => {
      items = 0;
      const asked = { dataset: writer.dataset, by: 'time' as const, from, to };
      const ports = { primitives: nodePrimitives, ledger: own.ledger, table: counted as Table };
      const { batches } = await listBatches(ports, asked);
      return batches.map(({ first }) => first);
    };
    assert.deepEqual(await foundIn(0, 2000), [0]);
    assert.deepEqual(await foundIn(T0 - 1, T0 + 1), [0]);
    assert.deepEqual(await foundIn(0, T0 + 1), [0], 'once');
    assert.deepEqual((await foundIn(0, T0 + 99 * 3_600_000)).length, 13);
    const last = T0 + 12 * 3_600_000;
    assert.deepEqual(await foundIn(last, last), [13]);
    assert.ok(items <= 3, `${items} items for one batch`);
  });

  test('in pages of any size, each batch once', async () => {
    for (const by of ['block', 'time'] as const) {
      const whole = await firsts({ by });
      assert.equal(whole.length, 10);
      for (const limit of [1, 3, 9, 10, 11]) {
        const paged: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await list({ by, limit, cursor });
          assert.ok(page.batches.length <= limit);
          paged.push(...page.batches.map(({ first }) => first));
          cursor = page.next ?? undefined;
        } while (cursor !== undefined);
        assert.deepEqual(paged, whole, `${by} ${limit}`);
      }
    }
  });

  test('says recorded and final only up to a head whose root is that of the log, and names the transaction', async () => {
    const { latest, final } = stores.ledger.heads;
    const headOf = (i: number) => ({ dataset: device.dataset, ...sealed[i]!.manifest.head });
    latest.set(device.dataset, headOf(6));
    final.set(device.dataset, headOf(3));
    const pk = datasetPk(device.dataset);
    for (const [i, txHash] of [
      [3, '0xaa'],
      [6, '0xbb'],
    ] as const) {
      const recorded = {
        ...sealed[i]!.manifest.head,
        appended: new Uint8Array(0),
        txHash,
        blockNumber: 1,
        signer: '0x',
      };
      await stores.table.put({ pk, sk: recordedSk(recorded.size), ...recorded }, 'any');
    }
    const lines = (await list({})).batches;
    assert.deepEqual(
      lines.map(({ state, tx }) => `${state} ${tx}`),
      [...Array(4).fill('final 0xaa'), ...Array(3).fill('recorded 0xbb'), ...Array(3).fill('received null')],
    );
    assert.deepEqual(
      lines.map(({ serial }) => serial),
      Array(10).fill(device.serial),
    );
    latest.set(device.dataset, { ...headOf(6), root: new Uint8Array(32).fill(9) as LogRoot });
    await stores.table.delete(pk, recordedSk(headOf(6).size), 'any');
    const states = (await list({})).batches.map(({ state }) => state);
    assert.deepEqual(
      states,
      [...Array(4).fill('final'), ...Array(6).fill('received')],
      'the chain has another log: what it recorded before stays true',
    );
    latest.delete(device.dataset);
    final.delete(device.dataset);
  });

  test('one line far into many small batches costs few queries', async () => {
    let queries = 0;
    const counting: Table = {
      ...stores.table,
      query: (...args) => {
        queries++;
        return stores.table.query(...args);
      },
    };
    await list({ from: device.end.size - 1, limit: 1 }, counting);
    assert.ok(queries <= 3, `${queries}`);
  });

  test('a batch that takes its place while the log is read is not told as superseded', async (t) => {
    const own = await startStores();
    t.after(() => own.close());
    const writer = await TestDevice.open(own);
    const [first, second] = [writer.seal(blocks([5])), writer.seal(blocks([5]))];
    for (const { segment } of [first, second]) await putObject(own, segment.key, segment.car);
    await ingestSegment(own.ports, second.segment.key);
    let reads = 0;
    const growing: Table = {
      ...own.table,
      async query(pk, range, signal) {
        const page = await own.table.query(pk, range, signal);
        // It waits for the first one; the log is read before that comes, and its end behind it.
        if (range.from?.startsWith('L#') && reads++ === 0) await ingestSegment(own.ports, first.segment.key);
        return page;
      },
    };
    const ports = { primitives: nodePrimitives, ledger: own.ledger, table: growing };
    const { batches } = await listBatches(ports, { dataset: writer.dataset, by: 'block' });
    assert.deepEqual(
      batches.map(({ first: at, state }) => `${at} ${state}`),
      ['1 received'],
    );
    assert.ok(reads > 1);
  });

  test('a segment whose event was lost is checked in when its device asks again', async () => {
    const other = await TestDevice.open(stores);
    const { segment } = other.seal(blocks([10]));
    const input = {
      dataset: other.dataset,
      owner: other.owner,
      device: other.charter.device,
      first: 0,
      sha256: segment.sha256,
      sizeBytes: segment.car.length,
      ...{ record: 'relayed' as const, look: false },
    };
    assert.notEqual((await uploadSegment(stores.ports, input)).put, null);
    assert.notEqual((await uploadSegment(stores.ports, input)).put, null, 'nothing is stored yet');
    await putObject(stores, segment.key, segment.car);
    assert.equal((await uploadSegment(stores.ports, input)).put, null);
    const { batches } = await listBatches(stores.ports, { dataset: other.dataset, by: 'block' });
    assert.deepEqual(
      batches.map(({ state }) => state),
      ['received'],
    );
  });
});
