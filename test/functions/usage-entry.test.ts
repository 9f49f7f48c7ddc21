import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import { ownerPk, usageSk } from '../../functions/state/entries.ts';
import { countStored, pauseNearQuotaMs } from '../../functions/state/usage-entry.ts';
import { UsageMemory } from '../../functions/state/usage-memory.ts';
import { MemoryTable } from './memory-table.ts';

const OWNER = `0x${'0a'.repeat(20)}` as Address;
const BYTES = 1_000;
const idOf = (number: number) => `0x${number.toString(16).padStart(64, '0')}` as DatasetId;

/** An owner with so many datasets of a batch each, whose quota leaves room for `room` more batches. */
async function openOwner(datasets: number, room: number) {
  const table = new MemoryTable();
  for (let number = 0; number < datasets; number++) {
    await table.put({ pk: ownerPk(OWNER), sk: usageSk(idOf(number)), storedBytes: BYTES, pending: '[]' }, 'absent');
  }
  let nowMs = 0;
  const quotaBytes = (datasets + room) * BYTES;
  const process = () => {
    const usage = new UsageMemory();
    const runtime = { ...nodeRuntime, monotonicMs: () => nowMs };
    return (number: number, key: string) =>
      countStored(
        { table, usage, runtime },
        { owner: OWNER, dataset: idOf(number) },
        { key, sizeBytes: BYTES, quotaBytes, uncountedSince: usage.moment(), isCounted: async () => false },
      );
  };
  const passMs = (ms: number): void => {
    nowMs += ms;
  };
  return { table, process, passMs };
}

test('a batch near the quota does not read all of an owner’s datasets, however many they are', async () => {
  const { table, process, passMs } = await openOwner(3_000, 100);
  const count = process();
  await count(0, 'a');
  table.readItems = 0;
  for (let number = 1; number <= 40; number++) assert.equal(await count(number, `b${number}`), true);
  assert.ok(table.readItems <= 40 * 3, `${table.readItems} items read for 40 batches`);
  passMs(pauseNearQuotaMs(3_000));
  await count(41, 'c');
  assert.ok(table.readItems >= 3_000, 'after a pause they are');
});

test('what a process has counted itself leaves no more room than there is, before it reads anew', async () => {
  const { process } = await openOwner(3_000, 5);
  const count = process();
  const counted: boolean[] = [];
  for (let number = 0; number < 8; number++) counted.push(await count(number, `k${number}`));
  assert.deepEqual(counted, [true, true, true, true, true, false, false, false]);
});

test('two processes keep to the quota of an owner of few datasets, whatever they remember', async () => {
  const { process } = await openOwner(100, 3);
  const [one, other] = [process(), process()];
  const counted: boolean[] = [];
  for (let number = 0; number < 6; number++) counted.push(await (number % 2 === 0 ? one : other)(number, `k${number}`));
  assert.deepEqual(counted, [true, true, true, false, false, false]);
});
