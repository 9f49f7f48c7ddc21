import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { equalBytes, toHex } from '../../core/bytes.ts';
import type { DatasetId, LogRoot } from '../../core/ids.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import type { Table } from '../../core/ports/table.ts';
import { decodeRecords, encodeRecords } from '../../core/wire/answers.ts';
import { getRecords } from '../../functions/get-records.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { appendSegment } from '../../functions/log/append-segment.ts';
import { growTiles } from '../../functions/log/grow-tiles.ts';
import type { LogPorts } from '../../functions/log/log-ports.ts';
import { MOST_RECORDS_TILE_BYTES, recordsTileKey } from '../../functions/log/records-tile.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { datasetPk, type LogEntry, recordsSk } from '../../functions/state/entries.ts';
import { appendLogEntry } from '../../functions/state/log-entry.ts';
import { keepRecords } from '../../functions/state/records-entry.ts';
import { countReads } from './count-reads.ts';
import { blocks, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

describe('get-records', () => {
  let stores: Stores;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());

  /** Puts a batch into the log as check-in does, without its object. */
  async function place(device: TestDevice, batch: SealedBatch, end: LogEntry | null): Promise<LogEntry> {
    const sha256Hex = toHex(batch.segment.sha256);
    const entry = appendSegment(nodePrimitives, end, { sha256Hex, signer: device.owner }, batch.manifest);
    assert.ok(entry !== null);
    await keepRecords(stores.ports, device.dataset, sha256Hex, batch.manifest);
    assert.ok(await appendLogEntry(stores.table, device.dataset, entry));
    return entry;
  }
  async function deviceWith(counts: readonly number[]) {
    const device = await TestDevice.open(stores);
    const sealed: SealedBatch[] = [];
    let end: LogEntry | null = null;
    for (const count of counts) {
      const batch = device.seal(blocks(Array(count).fill(1)));
      end = await place(device, batch, end);
      sealed.push(batch);
    }
    return { device, sealed, end };
  }
  const ask = async (dataset: DatasetId, wanted: readonly number[], size: number, ports: LogPorts = stores.ports) =>
    // As it travels.
    decodeRecords(encodeRecords(await getRecords(ports, { dataset, blocks: wanted, size })));

  /** Every block wanted is shown with the record that was sealed, and all of them lead to the head. */
  async function check(
    { device, sealed }: { device: TestDevice; sealed: readonly SealedBatch[] },
    wanted: readonly number[],
    head: { size: number; root: LogRoot },
    ports: LogPorts = stores.ports,
  ): Promise<void> {
    const answer = await ask(device.dataset, wanted, head.size, ports);
    assert.deepEqual(answer.faults, []);
    const shown = answer.batches.flatMap(({ records }) => records);
    assert.deepEqual(shown.map(({ index }) => index).sort(byNumber), [...wanted].sort(byNumber));
    requireRecords(nodePrimitives, head, shown, answer.proof);
    for (const { records, ...hint } of answer.batches) {
      const { manifest } = sealed.find(({ manifest: { first } }) => first === hint.first) as SealedBatch;
      const { first, salt, nonce, serial } = manifest;
      const largestBlockBytes = Math.max(...manifest.blocks.map(({ size }) => size));
      assert.deepEqual(hint, { first, count: manifest.blocks.length, serial, salt, nonce, largestBlockBytes });
      for (const { index, record } of records) assert.deepEqual(record, manifest.blocks[index - first]?.record);
    }
  }

  test('proves records wherever they are against every head of the log', async () => {
    const log = await deviceWith([1, 3, 1, 7, 2]);
    for (const { manifest } of log.sealed) {
      const { head } = manifest;
      await check(log, [0], head);
      await check(log, [head.size - 1], head);
      await check(log, [...Array(head.size).keys()], head);
      for (let run = 0; run < 4; run++) {
        await check(log, [...new Set(Array.from({ length: 1 + run * 2 }, () => randomInt(head.size)))], head);
      }
    }
    const beyond = await ask(log.device.dataset, [0, 13], 1);
    assert.deepEqual(
      beyond.faults.map(({ index, kind }) => [index, kind]),
      [[13, 'unrecorded']],
    );
    assert.equal(beyond.batches[0]?.records[0]?.index, 0);
  });

  test('what lies beyond the log is refused after one read, whoever asks for how much', async () => {
    const { device } = await deviceWith([4]);
    const unknown = `0x${'ab'.repeat(32)}` as DatasetId;
    const far = Array.from({ length: 512 }, (_, i) => 1_000_000 * (i + 1));
    for (const [dataset, size] of [
      [unknown, 2 ** 40],
      [device.dataset, 5],
      [device.dataset, 2 ** 40],
    ] as const) {
      const counted = countReads(stores);
      const answer = await ask(dataset, far, size, counted.ports);
      assert.deepEqual(answer.batches, []);
      assert.equal(answer.faults.length, 512);
      assert.ok(answer.faults.every(({ kind }) => kind === 'unrecorded'));
      assert.equal(counted.reads(), 1);
    }
    const counted = countReads(stores);
    assert.equal((await ask(device.dataset, far, 4, counted.ports)).faults.length, 512, 'behind the head asked for');
    assert.equal(counted.reads(), 1);
  });

  test('in a log with tiles a block costs few reads, as many as the log has levels', async () => {
    const log = await deviceWith([1000, 24, 1, 1024, 511, 700, 300, 3]);
    const head = log.device.end;
    const manifest = log.sealed.at(-1)!.manifest;
    const { tiledTo } = await readDatasetEntry(stores.table, log.device.dataset);
    assert.equal(tiledTo, undefined);
    await check(log, [5, 1030, 3000], manifest.head);
    assert.equal(await growTiles(stores.ports, log.device.dataset, head.size), false);
    assert.equal((await readDatasetEntry(stores.table, log.device.dataset)).tiledTo, 256 * Math.floor(head.size / 256));
    for (const index of [0, 255, 256, 999, 1000, 2047, 2048, head.size - 1]) {
      const counted = countReads(stores);
      await check(log, [index], manifest.head, counted.ports);
      assert.ok(counted.reads() <= 20, `${counted.reads()} reads for block ${index}`);
    }
    const wanted = [...new Set(Array.from({ length: 300 }, () => randomInt(head.size)))];
    const counted = countReads(stores);
    await check(log, wanted, manifest.head, counted.ports);
    assert.ok(counted.reads() <= 40, `${counted.reads()} reads for ${wanted.length} blocks`);
  });

  test('a tile is written once, and is what its leaves hash to', async () => {
    const log = await deviceWith([300, 300]);
    const { dataset, end } = log.device;
    assert.equal(await growTiles(stores.ports, dataset, end.size), false);
    const tile = await stores.objects.read(`${dataset.slice(2)}/tile/0/1`, { start: 0, end: 9_000 });
    const leaves = log.sealed.flatMap(({ leafHashes }) => leafHashes);
    assert.ok(equalBytes(tile!, new Uint8Array(Buffer.concat(leaves.slice(256, 512)))));
    assert.equal(await stores.objects.read(`${dataset.slice(2)}/tile/0/2`, { start: 0, end: 9_000 }), null);
    assert.equal(await stores.objects.put(`${dataset.slice(2)}/tile/0/1`, new Uint8Array(3)), false);
  });

  test('records of a log with tiles come from the bucket; where they are lost or damaged there, from the table', async () => {
    const log = await deviceWith([3, 1, 252, 300, 1, 210]);
    const { dataset, end } = log.device;
    await growTiles(stores.ports, dataset, end.size);
    const keys = [0, 1].map((number) => recordsTileKey({ dataset, number }));
    const read = (key: string) => stores.objects.read(key, { start: 0, end: MOST_RECORDS_TILE_BYTES });
    const objects = await Promise.all(keys.map(read));
    const [first, second] = objects.map((object) => object!);
    const all = [...Array(end.size).keys()];
    const { head } = log.sealed.at(-1)!.manifest;
    const pages: string[] = [];
    const query: Table['query'] = (pk, range, signal) => {
      if (range.from.startsWith('R#')) pages.push(range.from);
      return stores.table.query(pk, range, signal);
    };
    const portsWith = (change: (object: Uint8Array, number: number) => Uint8Array | null): LogPorts => ({
      ...stores.ports,
      table: { ...stores.table, query },
      objects: {
        read: async (key, range, signal) => {
          const object = await stores.objects.read(key, range, signal);
          return object === null || !keys.includes(key) ? object : change(object, keys.indexOf(key));
        },
      },
    });
    await check(
      log,
      all,
      head,
      portsWith((object) => object),
    );
    assert.equal(pages.length, 1, 'of the end of the log, which has no tile yet');
    const flipped = (at: number) => (object: Uint8Array) => object.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const damages: ((object: Uint8Array, number: number) => Uint8Array | null)[] = [
      () => null,
      (object) => object.subarray(0, -1),
      () => new Uint8Array(0),
      (_, number) => (number === 0 ? second! : first!),
      ...[0, 255 * 96, 256 * 96, 256 * 96 + 40, first!.length - 1].map(flipped),
    ];
    for (const damage of damages) {
      pages.length = 0;
      await check(log, all, head, portsWith(damage));
      assert.equal(pages.length, 2);
    }
  });

  test('what is lost or damaged in the table is read from the batch; where that is gone too, nobody else’s proof fails', async () => {
    const device = await TestDevice.open(stores);
    const { dataset } = device;
    const sealed = [5, 5, 502, 300].map((count) => device.seal(blocks(Array(count).fill(1))));
    for (const { segment } of sealed) {
      await putObject(stores, segment.key, segment.car);
      assert.equal(await ingestSegment(stores.ports, segment.key), 'placed');
    }
    const log = { device, sealed };
    const { head } = sealed.at(-1)!.manifest;
    const { manifest, segment } = sealed[1]!;
    const others = sealed[0]!;
    const key = { pk: datasetPk(dataset), sk: recordsSk(manifest.first, toHex(segment.sha256)) };
    const item = (await stores.table.get(key.pk, key.sk))!;
    const other = (await stores.table.get(key.pk, recordsSk(others.manifest.first, toHex(others.segment.sha256))))!;
    const oneBitOff = Uint8Array.from(item.records as Uint8Array, (byte, i) => (i === 200 ? byte ^ 1 : byte));
    const damages = [
      ...[
        { ...item, records: 'no bytes' },
        { ...item, first: null },
        { ...item, records: oneBitOff },
      ],
      ...[{ ...item, salt: new Uint8Array(32) }, { ...item, check: null }, { ...other, ...key }, null],
    ];
    for (const damage of damages) {
      if (damage === null) await stores.table.delete(key.pk, key.sk, 'any');
      else await stores.table.put(damage, 'any');
      await check(log, [2, 7, 200, 600], head);
    }
    const gone = async () => null;
    const ports = { ...stores.ports, objects: { ...stores.objects, read: gone } };
    const answer = await ask(dataset, [2, 7, 200, 600], head.size, ports);
    // The root of the first 512 blocks is needed for the last: its own peak says it.
    assert.deepEqual(
      answer.faults.map(({ index, kind }) => [index, kind]).sort(([a], [b]) => Number(a) - Number(b)),
      [2, 7, 200].map((index) => [index, 'unavailable']),
    );
    const shown = answer.batches.flatMap(({ records }) => records);
    assert.deepEqual(
      shown.map(({ index }) => index),
      [600],
    );
    requireRecords(nodePrimitives, head, shown, answer.proof);
  });

  test('of two that raced for one place, the records of the one in the log are shown', async () => {
    const device = await TestDevice.open(stores);
    const [loser, winner] = [device.seal(blocks([1, 1]), { stay: true }), device.seal(blocks([1, 1, 1]))];
    await keepRecords(stores.ports, device.dataset, toHex(loser.segment.sha256), loser.manifest);
    await place(device, winner, null);
    await check({ device, sealed: [winner] }, [0, 1, 2], winner.manifest.head);
  });
});

function byNumber(a: number, b: number): number {
  return a - b;
}
