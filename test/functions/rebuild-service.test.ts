import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { charterKey, encodeCharter } from '../../core/charter/charter-file.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { tileKey } from '../../core/log/tiles.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { getRecords } from '../../functions/get-records.ts';
import { hashBlocks } from '../../functions/hash-blocks.ts';
import { recordsTileKey } from '../../functions/log/records-tile.ts';
import { rebuildService } from '../../functions/rebuild/rebuild-service.ts';
import { readParties } from '../../functions/rights/read-parties.ts';
import { readCharters } from '../../functions/state/dataset-entry.ts';
import { DATASET_SK, datasetPk, logSk, ownerPk, recordedSk, usageSk, WORK_PKS } from '../../functions/state/entries.ts';
import { readLogEnd } from '../../functions/state/log-entry.ts';
import { scanTogether } from '../../functions/state/scan-together.ts';
import { createLogFixture, type LogFixture, seal, type TestDataset, type TestService } from './log-fixture.ts';
import { dump } from './start-service.ts';

describe('rebuilding the service from bucket and chain', () => {
  let fixture: LogFixture;
  before(async () => {
    fixture = await createLogFixture();
  });
  after(() => fixture.stop());

  const rebuild = (service: TestService) => rebuildService(service.ports, () => undefined);
  const show = (service: TestService, { id, first }: TestDataset) =>
    service.ports.objects.put(charterKey(id, first.serial), encodeCharter(first));
  /** Stores, records and lets it become final, tiles and all. */
  async function fill(service: TestService, batches: number, blocks: number): Promise<TestDataset> {
    const dataset = fixture.openDataset();
    await show(service, dataset);
    await service.fill(dataset, batches, blocks);
    await service.anchor();
    await fixture.mine(3);
    for (let i = 0; i < 3; i++) await service.anchor();
    await fixture.assertRecorded(dataset, 'final');
    return dataset;
  }
  async function assertProvable(service: TestService, { id, end: { size } }: TestDataset): Promise<void> {
    const blocks = Array.from({ length: Math.min(size, 400) }, (_, i) => i);
    const { faults, batches } = await getRecords(service.ports, { dataset: id, blocks, size });
    assert.deepEqual(faults, []);
    assert.equal(batches.flatMap(({ records }) => records).length, blocks.length);
  }
  async function faultsOf(service: TestService, { id, end: { size } }: TestDataset): Promise<number[]> {
    const faults: number[] = [];
    for (let from = 0; from < size; from += 500) {
      const blocks = Array.from({ length: Math.min(500, size - from) }, (_, i) => from + i);
      const answer = await getRecords(service.ports, { dataset: id, blocks, size });
      faults.push(...answer.faults.map(({ index }) => index));
    }
    return faults.sort((a, b) => a - b);
  }
  async function loseTable({ table }: TestService, pks: readonly string[]): Promise<void> {
    for (const pk of pks) for (const { sk } of await dump(table, pk)) await table.delete(pk, sk, 'any');
  }
  const everything = (dataset: TestDataset) => [datasetPk(dataset.id), ...WORK_PKS, ownerPk(dataset.owner.account)];
  /** What a dataset's items say, but for how often they were written and how far the chain was read. */
  const contentsOf = async (table: Table, dataset: DatasetId) =>
    (await dump(table, datasetPk(dataset))).map(({ version: _, scannedToBlock: __, ...item }) => item);

  test('a table that was lost whole: everything is provable again, recorded and tiled as before', async () => {
    const service = await fixture.service();
    const dataset = await fill(service, 3, 100);
    const keysOf = async () =>
      // A charter that was shown first, and sent later, is kept as the chain's.
      (await contentsOf(service.table, dataset.id)).map(({ sk }) => sk).filter((sk) => !sk.startsWith('C#'));
    const before = await keysOf();
    const tile = service.stored.get(tileKey(dataset.id, { level: 0, number: 0 }));
    assert.ok(tile !== undefined);
    const usage = (await service.table.get(ownerPk(dataset.owner.account), usageSk(dataset.id)))?.storedBytes;
    service.stored.delete(tileKey(dataset.id, { level: 0, number: 0 }));
    await loseTable(service, everything(dataset));
    const { faults } = await getRecords(service.ports, { dataset: dataset.id, blocks: [0, 299], size: 300 });
    assert.equal(faults.length, 2);

    const rebuilt = await rebuild(service);
    assert.deepEqual(rebuilt.charters, { kept: 1, known: 0, refused: 0 });
    assert.deepEqual(rebuilt.segments, { placed: 3 });
    assert.deepEqual([rebuilt.lost, rebuilt.failures], [0, []]);
    assert.deepEqual(
      rebuilt.datasets.map(({ dataset, size, hasChainHead }) => ({ dataset, size, hasChainHead })),
      [{ dataset: dataset.id, size: 300, hasChainHead: true }],
    );
    assert.deepEqual(service.stored.get(tileKey(dataset.id, { level: 0, number: 0 })), tile);
    assert.deepEqual(await keysOf(), before);
    assert.equal((await service.table.get(ownerPk(dataset.owner.account), usageSk(dataset.id)))?.storedBytes, usage);
    await assertProvable(service, dataset);
    assert.deepEqual((await service.anchor()).transactions, 0, 'nothing is recorded twice');
  });

  test('a charter that only the chain has is found again, and the one that took its place; not those of owners not served', async () => {
    const service = await fixture.service();
    const { ports, table } = service;
    const dataset = fixture.openDataset();
    await fixture.nameAnchorer(dataset, service.relayer.account);
    const stranger = await fixture.newAccount();
    await fixture.fund(stranger.account);
    const foreign = fixture.openDataset({ owner: stranger });
    await fixture.nameAnchorer(foreign, service.relayer.account);
    assert.equal(service.stored.size, 0, 'nothing lies in the bucket');
    assert.equal(await readParties(ports, dataset.id), null);

    const rebuilt = await rebuild(service);
    assert.deepEqual(rebuilt.failures, []);
    const serials = (await readCharters(table, dataset.id)).map(({ serial }) => serial);
    assert.deepEqual(serials, [dataset.first.serial, dataset.charter.serial]);
    const parties = await readParties(ports, dataset.id);
    const { owner, device, anchorer } = dataset.charter;
    assert.deepEqual(
      [parties?.owner, parties?.device, parties?.anchorer, parties?.unlearnt],
      [owner, device, anchorer, null],
    );
    assert.deepEqual(await readCharters(table, foreign.id), []);

    assert.deepEqual(
      (await rebuild(service)).charters,
      { kept: 0, known: 0, refused: 0 },
      'a second time there is nothing to do',
    );
    await service.store(seal(dataset, 5));
    assert.equal((await readLogEnd(table, dataset.id))?.size, 5, 'what its device stores is checked in');
  });

  test('said meanwhile: how much is to be done, and how much is done', async () => {
    const service = await fixture.service();
    const dataset = await fill(service, 4, 2);
    await loseTable(service, everything(dataset));
    const said: string[] = [];
    await rebuildService(service.ports, ({ phase, done, total }) => void said.push(`${phase} ${done}/${total}`));
    assert.deepEqual(
      said.filter((line) => line.startsWith('segments')),
      ['segments 1/4', 'segments 2/4', 'segments 3/4', 'segments 4/4'],
    );
    assert.ok(said.includes('charters 0/1'));
  });

  test('changes nothing where nothing is wrong', async () => {
    const service = await fixture.service();
    const dataset = await fill(service, 3, 100);
    await rebuild(service);
    const before = await contentsOf(service.table, dataset.id);
    const rebuilt = await rebuild(service);
    assert.deepEqual([rebuilt.mended, rebuilt.recounted, rebuilt.lost, rebuilt.failures], [0, 0, 0, []]);
    assert.deepEqual(await contentsOf(service.table, dataset.id), before);
  });

  test('items of the wrong type, missing and swapped: the others answer meanwhile, and all are right afterwards', async () => {
    const service = await fixture.service();
    const dataset = await fill(service, 5, 10);
    const { table } = service;
    const pk = datasetPk(dataset.id);
    await rebuild(service);
    const before = await contentsOf(table, dataset.id);
    const itemsOf = (begins: string) => before.filter(({ sk }) => sk.startsWith(begins)) as unknown as Item[];
    const swap = async (one: Item, other: Item) => {
      await table.put({ ...one, sk: other.sk }, 'any');
      await table.put({ ...other, sk: one.sk }, 'any');
    };
    const [segments, logs, records] = [itemsOf('B#'), itemsOf('L#'), itemsOf('R#')];
    await swap(segments[0]!, segments[1]!);
    await swap(logs[1]!, logs[2]!);
    await table.put({ ...segments[2]!, sizeBytes: 'many' }, 'any');
    const last = { dataset: dataset.id, blocks: [30, 35, 49], size: 50 };
    assert.deepEqual((await getRecords(service.ports, last)).faults, [], 'the others are proven all the same');
    await swap(records[0]!, records[2]!);
    await table.put({ ...logs[3]!, peaks: 'none' }, 'any');
    await table.put({ ...records[3]!, records: null }, 'any');
    await table.put({ ...itemsOf('T#')[0]!, toMs: 'late' }, 'any');
    await table.put({ ...itemsOf('X#')[0]!, appended: 7 }, 'any');
    await table.put({ pk, sk: recordedSk(17), size: 17 }, 'any');
    await table.put({ pk, sk: logSk(3), size: 4, first: 3 }, 'any');
    await table.put({ pk, sk: DATASET_SK, longestSpanMs: 'long', tiledTo: 'far' }, 'any');
    await table.put(
      { pk: ownerPk(dataset.owner.account), sk: usageSk(dataset.id), storedBytes: 1, pending: 'x' },
      'any',
    );

    const rebuilt = await rebuild(service);
    assert.deepEqual([rebuilt.failures, rebuilt.lost], [[], 0]);
    assert.ok(rebuilt.mended >= 6, `${rebuilt.mended} mended`);
    assert.equal(rebuilt.recounted, 1);
    const untimed = (items: readonly object[]) => items.map((item) => ({ ...item, receivedAtMs: 0 }));
    assert.deepEqual(untimed(await contentsOf(table, dataset.id)), untimed(before));
    const sizes = segments.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0);
    assert.equal((await table.get(ownerPk(dataset.owner.account), usageSk(dataset.id)))?.storedBytes, sizes);
    await assertProvable(service, dataset);
  });

  test('a table that was put back to an older copy, while the device goes on', async () => {
    const service = await fixture.service();
    const dataset = await fill(service, 2, 5);
    const older = [...(await dump(service.table, datasetPk(dataset.id)))];
    const later = [seal(dataset, 5), seal(dataset, 5)];
    for (const batch of later) await service.store(batch);
    await service.anchor();
    await fixture.mine(3);
    await service.anchor();
    await loseTable(service, [datasetPk(dataset.id), ...WORK_PKS]);
    for (const item of older) await service.table.put(item, 'absent');
    await service.store(seal(dataset, 5));
    assert.equal((await readLogEnd(service.table, dataset.id))?.size, 10, 'what came waits for what was lost');
    await rebuild(service);
    await assertProvable(service, dataset);
    await service.anchor();
    await fixture.mine(3);
    await fixture.assertRecorded(dataset, 'final');
  });

  test('a lost object costs its own blocks, and is named as lost', async () => {
    const service = await fixture.service();
    const dataset = await fill(service, 3, 5);
    const [, , gone] = [...service.stored.keys()].filter((key) => key.endsWith('.car')).sort();
    service.stored.delete(gone!);
    const first = await rebuild(service);
    assert.deepEqual([first.lost, first.failures, first.datasets[0]?.size], [1, [], 15]);
    await assertProvable(service, dataset);
    // With the table gone too, only the chain tells of them.
    await loseTable(service, everything(dataset));
    const second = await rebuild(service);
    assert.deepEqual([second.datasets[0]?.size, second.datasets[0]?.hasChainHead], [15, true]);
    // The subtrees of the chain's record are those of 8, 4, 2 and 1 blocks; of the second, blocks 10 and 11 are lost.
    assert.deepEqual(await faultsOf(service, dataset), [8, 9, 10, 11, 12, 13, 14]);
    const { answers } = await hashBlocks(service.ports, { dataset: dataset.id, blocks: [4, 5, 7, 8] });
    assert.deepEqual(
      answers.map((answer) => 'opening' in answer),
      [true, true, true, false],
    );
    const third = await rebuild(service);
    assert.deepEqual([third.mended, third.datasets[0]?.hasChainHead], [0, true], 'what is left is right');
    assert.deepEqual(await faultsOf(service, dataset), [8, 9, 10, 11, 12, 13, 14]);
  });

  test('where tiles are left, a lost object costs no block beside its own, though the table is gone too', async () => {
    const service = await fixture.service();
    const dataset = await fill(service, 3, 200);
    const [, gone] = [...service.stored.keys()].filter((key) => key.endsWith('.car')).sort();
    const object = service.stored.get(gone!)!;
    service.stored.delete(gone!);
    await loseTable(service, everything(dataset));
    await rebuild(service);
    assert.deepEqual(await faultsOf(service, dataset), [], 'their records are in the tiles');
    for (const number of [0, 1]) service.stored.delete(recordsTileKey({ dataset: dataset.id, number }));
    const lost = Array.from({ length: 200 }, (_, i) => 200 + i);
    assert.deepEqual(await faultsOf(service, dataset), lost);
    service.stored.set(gone!, object);
    await rebuild(service);
    assert.deepEqual(await faultsOf(service, dataset), []);
  });

  test('looks through the chain’s events once, not once a dataset', async () => {
    const service = await fixture.service();
    const datasets = [await fill(service, 1, 5), await fill(service, 1, 5), await fill(service, 1, 5)];
    for (const dataset of datasets) await loseTable(service, everything(dataset));
    const asked: string[] = [];
    const { ledger: real } = service.ports;
    const noted =
      <Args extends unknown[], Answer>(name: string, find: (...args: Args) => Answer) =>
      (...args: Args): Answer => {
        asked.push(name);
        return find(...args);
      };
    const ledger = {
      ...real,
      findRecorded: noted('findRecorded', real.findRecorded),
      findChartered: noted('findChartered', real.findChartered),
      findAllRecorded: noted('findAllRecorded', real.findAllRecorded),
      findAllChartered: noted('findAllChartered', real.findAllChartered),
    };
    const rebuilt = await rebuildService({ ...service.ports, ledger }, () => undefined);
    assert.deepEqual(rebuilt.failures, []);
    assert.ok(rebuilt.datasets.every(({ hasChainHead, size }) => hasChainHead && size === 5));
    assert.deepEqual(new Set(asked), new Set(['findAllChartered', 'findAllRecorded']));
    assert.ok(asked.length <= 4, `${asked}`);
  });

  test('of 20 million blocks it asks for 50,000 at a time, for 10,000 datasets together', async () => {
    const blocks = 20_000_000;
    const nameOf = (i: number) => `0x${i.toString(16).padStart(64, '0')}` as DatasetId;
    let requests = 0;
    const event = (i: number, blockNumber: number) => ({ dataset: nameOf(i), blockNumber, size: blockNumber });
    const find = async (from: number, to: number) => {
      requests++;
      return from === 0 ? [event(7, 3)] : to === blocks ? [event(7, blocks), event(8, blocks)] : [];
    };
    const ledger = { findAllRecorded: find, findAllChartered: find } as unknown as Parameters<typeof scanTogether>[0];
    const together = scanTogether(ledger);
    for (let i = 0; i < 10_000; i++) {
      const recorded = await together.findRecorded(nameOf(i), 0, blocks);
      const chartered = await together.findChartered({ dataset: nameOf(i) }, 0, blocks);
      const expected = i === 7 ? [3, blocks] : i === 8 ? [blocks] : [];
      for (const found of [recorded, chartered]) {
        assert.deepEqual(
          found.map(({ blockNumber }) => blockNumber),
          expected,
        );
      }
    }
    assert.equal(requests, 2 * 401, 'a scan of the records, and one of the charters');
  });

  test('one object that cannot be read is named, and stops none of the others', async () => {
    const service = await fixture.service();
    const [one, other] = [await fill(service, 2, 5), await fill(service, 2, 5)];
    await loseTable(service, [...everything(one), ...everything(other)]);
    const bad = [...service.stored.keys()].find((key) => key.startsWith(one.id.slice(2)) && key.endsWith('.car'));
    const objects = {
      ...service.ports.objects,
      read: async (...args: Parameters<TestService['ports']['objects']['read']>) => {
        if (args[0] === bad) throw new StoreUnavailableError('This object cannot be read now.');
        return service.ports.objects.read(...args);
      },
    };
    const rebuilt = await rebuildService({ ...service.ports, objects }, () => undefined);
    assert.ok(rebuilt.failures.some(({ what, message }) => what === bad && /cannot be read now/.test(message)));
    await assertProvable(service, other);
    assert.deepEqual((await rebuild(service)).failures, []);
    await assertProvable(service, one);
  });
});
