import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import type { MapRoot } from '../../core/ids.ts';
import { readHeadsInMap } from '../../core/rounds/read-map.ts';
import { countRpc } from '../../dev/bench/fleet/count-rpc.ts';
import type { AnchorPorts } from '../../functions/anchor/anchor-ports.ts';
import { readNewestFinal } from '../../functions/rounds/follow-rounds.ts';
import { readTablePages } from '../../functions/rounds/table-pages.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { markWork } from '../../functions/state/work-marks.ts';
import { createLogFixture, type LogFixture, type TestService } from './log-fixture.ts';
import { countTable, moveMany, type OneOfMany, openMany, type TableCounts } from './many-heads.ts';
import { readWork } from './read-work.ts';

/* What a round takes where many heads have moved, counted: specification#figures. */

const HEADS = 200;

describe('a round of many heads', () => {
  let fixture: LogFixture;
  let service: TestService;
  let many: OneOfMany[];
  before(async () => {
    fixture = await createLogFixture();
    service = await fixture.service();
    const anchorer = service.recorder.account;
    many = await openMany(service.table, HEADS, { domain: fixture.ledger.domain, owner: fixture.owner, anchorer });
  });
  after(() => fixture.stop());

  /** One run, with what it asked of the table and of the node. */
  const count = async (): Promise<{ table: TableCounts; rpc: readonly number[]; transactions: number }> => {
    const proxy = await countRpc(fixture.chain.rpcUrl);
    try {
      const chain = { ...fixture.chain, rpcUrl: proxy.url };
      const { table, counts } = countTable(service.table);
      const signed = { ...chain, signer: service.relayer };
      const ports: Partial<AnchorPorts> = {
        ...{ table, ledger: createDisscLedger(chain), recorder: createDisscRecorder(signed) },
        ...{ rounds: createDisscRounds(chain), roundRecorder: createDisscRoundRecorder(signed) },
      };
      const { outcome, transactions } = await service.anchor(ports);
      assert.equal(outcome, 'done');
      return { table: counts, rpc: proxy.takeTrips(), transactions };
    } finally {
      proxy.close();
    }
  };
  const assertAnchored = async (): Promise<void> => {
    await fixture.mine(3);
    await service.anchor();
    const round = await readNewestFinal(service.ports, service.recorder.account);
    const pages = readTablePages(service.table);
    const ids = many.map(({ dataset }) => dataset.id);
    const heads = await readHeadsInMap(nodePrimitives, pages, round?.map as MapRoot, ids);
    assert.deepEqual(
      many.map(({ dataset }) => heads.get(dataset.id)?.size),
      many.map(({ dataset }) => dataset.end.size),
    );
    assert.deepEqual(await readWork(service.table), []);
  };

  it('is one transaction, and takes at most three reads and writes a head, and thirty requests to the node', async () => {
    await moveMany(service.table, many);
    const first = await count();
    assert.equal(first.transactions, 1);
    await assertAnchored();
    await moveMany(service.table, many);
    const steady = await count();
    assert.equal(steady.transactions, 1);
    await assertAnchored();
    for (const { table, rpc } of [first, steady]) {
      assert.ok(table.readItems + table.writtenItems <= 3 * HEADS, JSON.stringify(table));
      assert.ok(table.reads + table.writes <= 0.5 * HEADS, JSON.stringify(table));
      const calls = rpc.reduce((sum, inTrip) => sum + inTrip, 0);
      assert.ok(calls <= 30, `${calls} calls in ${rpc.length} requests`);
    }
  });

  it('takes what has moved alone: one head of them all costs no more than its own way through the map', async () => {
    await moveMany(service.table, many.slice(0, 1));
    const { table, transactions } = await count();
    assert.equal(transactions, 1);
    assert.ok(table.reads + table.writes <= 50, JSON.stringify(table));
    await assertAnchored();
  });

  it('follows several batches of a dataset that came since the last round', async () => {
    const some = many.slice(0, 5);
    for (let batch = 0; batch < 3; batch++) await moveMany(service.table, some);
    const { table } = await count();
    assert.ok(table.reads <= 60, JSON.stringify(table));
    await assertAnchored();
  });

  it('looks at a dataset whose marks do not say all, and takes its head from its log', async () => {
    const [late, gap, damaged, asked] = many.slice(10, 14) as [OneOfMany, OneOfMany, OneOfMany, OneOfMany];
    const pkOf = ({ dataset }: OneOfMany) => `WORK#${dataset.id.charAt(2)}`;
    const marksOf = async (one: OneOfMany) =>
      (await service.table.query(pkOf(one), { from: one.dataset.id, to: `${one.dataset.id}~`, limit: 9 })).items;
    // A mark that its writer made late, when the round had a later head already.
    await moveMany(service.table, [late]);
    const [early] = await marksOf(late);
    await moveMany(service.table, [late]);
    await service.anchor();
    await assertAnchored();
    await service.table.put(early!, 'absent');
    // The first of two marks is lost; one is damaged; one dataset is to be looked at for another reason.
    await moveMany(service.table, [gap]);
    await service.table.deleteMany(await marksOf(gap));
    await moveMany(service.table, [gap, damaged, asked]);
    const [mark] = await marksOf(damaged);
    const said = Uint8Array.from(mark?.said as Uint8Array);
    said[3]! ^= 1;
    await service.table.putMany([{ ...mark!, said }]);
    await markWork(service.table, asked.dataset.id);
    await service.anchor();
    await assertAnchored();
    assert.equal(service.counts.get('Anchor.headsContested'), undefined);
  });

  it('looks again at what has grown by whole tiles, once its round is final', async () => {
    const { table } = service;
    const dataset = fixture.openDataset({ anchorer: service.recorder.account });
    const later = async () => (await table.query('LATER', { from: '0', to: 'z', limit: 9 })).items.length;
    await service.fill(dataset, 4, 256);
    await service.anchor();
    await assertAnchored();
    assert.equal((await readDatasetEntry(table, dataset.id)).tiledTo, undefined);
    assert.equal(await later(), 1);
    service.passTime(21 * 60_000);
    await service.anchor();
    assert.equal((await readDatasetEntry(table, dataset.id)).tiledTo, 1_024);
    assert.equal(await later(), 0);
    assert.deepEqual(await readWork(table), []);
  });
});
