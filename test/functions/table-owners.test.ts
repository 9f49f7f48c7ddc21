import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { OWNERS_PK } from '../../functions/state/entries.ts';
import { admitOwner, dismissOwner, listOwners } from '../../functions/state/owner-entry.ts';
import { createTableOwners } from '../../functions/state/table-owners.ts';
import { MemoryTable } from './memory-table.ts';

const ownerOf = (number: number) => `0x${number.toString(16).padStart(40, '0')}` as Address;
const [ANN, BEN] = [ownerOf(1), ownerOf(2)];

function service() {
  const table = new MemoryTable();
  const clock = { nowMs: 1_000_000 };
  const runtime = { nowMs: () => clock.nowMs };
  return {
    table,
    clock,
    owners: createTableOwners({ table, runtime }),
    another: createTableOwners({ table, runtime }),
  };
}

describe('owners in the table', () => {
  test('are served up to their quota, and nobody else is', async () => {
    const { table, owners } = service();
    await admitOwner(table, { owner: ANN, quotaBytes: 5 });
    assert.deepEqual(await owners.quotasOf([BEN, ANN, BEN, ANN]), [null, 5, null, 5]);
    assert.deepEqual(await owners.quotasOf([]), []);
  });

  test('one that was added is served after a second by whoever has asked before, at once by others', async () => {
    const { table, clock, owners, another } = service();
    assert.deepEqual(await owners.quotasOf([ANN]), [null]);
    await admitOwner(table, { owner: ANN, quotaBytes: 5 });
    assert.deepEqual([await owners.quotasOf([ANN]), await another.quotasOf([ANN])], [[null], [5]]);
    clock.nowMs += 1_000;
    assert.deepEqual(await owners.quotasOf([ANN]), [5]);
  });

  test('one that was removed is served for 15 seconds at most, and asked about once meanwhile', async () => {
    const { table, clock, owners } = service();
    await admitOwner(table, { owner: ANN, quotaBytes: 5 });
    await owners.quotasOf([ANN]);
    assert.equal(await dismissOwner(table, ANN), true);
    const before = table.reads;
    clock.nowMs += 14_999;
    assert.deepEqual([await owners.quotasOf([ANN]), table.reads], [[5], before]);
    clock.nowMs += 1;
    assert.deepEqual(await owners.quotasOf([ANN]), [null]);
    assert.equal(await dismissOwner(table, ANN), false, 'it is not there any more');
  });

  test('a clock that goes back keeps nobody served', async () => {
    const { table, clock, owners } = service();
    await admitOwner(table, { owner: ANN, quotaBytes: 5 });
    await owners.quotasOf([ANN]);
    await dismissOwner(table, ANN);
    clock.nowMs -= 60_000;
    assert.deepEqual(await owners.quotasOf([ANN]), [null]);
  });

  test('let nobody in while the table does not answer, nor by an item that is damaged', async () => {
    const { table, owners } = service();
    await table.put({ pk: OWNERS_PK, sk: ANN, quotaBytes: 'many' }, 'any');
    await table.put({ pk: OWNERS_PK, sk: BEN, quotaBytes: -1 }, 'any');
    assert.deepEqual(await owners.quotasOf([ANN, BEN]), [null, null]);
    const away = createTableOwners({
      runtime: { nowMs: () => 0 },
      table: { getMany: () => Promise.reject(new StoreUnavailableError('The table is away.')) },
    });
    await assert.rejects(away.quotasOf([ANN]), StoreUnavailableError);
  });

  test('may be many: 2,500 of them are listed page by page, and read in as many requests as 100 go into one', async () => {
    const { table, owners } = service();
    for (let i = 0; i < 2_500; i++) await admitOwner(table, { owner: ownerOf(i), quotaBytes: i });
    const listed = [];
    for await (const one of listOwners(table)) listed.push(one);
    assert.deepEqual(
      listed,
      Array.from({ length: 2_500 }, (_, i) => ({ owner: ownerOf(i), quotaBytes: i })),
    );
    const before = table.reads;
    const quotas = await owners.quotasOf(listed.map(({ owner }) => owner));
    assert.equal(quotas[2_499], 2_499);
    assert.equal(table.reads - before, 25);
  });
});
