import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item, Table } from '../../core/ports/table.ts';
import { createNonceStore } from '../../functions/rights/nonce-store.ts';

/** Takes each item once, under the condition that it is absent. */
function takeOnce() {
  const items: Omit<Item, 'version'>[] = [];
  const table: Pick<Table, 'put'> = {
    async put(item, condition) {
      assert.equal(condition, 'absent');
      if (items.some(({ pk, sk }) => pk === item.pk && sk === item.sk)) return false;
      items.push(item);
      return true;
    },
  };
  return { items, nonces: createNonceStore(table as Table) };
}

test('a nonce is burnt once, and each account and nonce for itself', async () => {
  const { nonces } = takeOnce();
  assert.equal(await nonces.burn('0x01:a', 1_000), true);
  assert.equal(await nonces.burn('0x01:a', 9_000), false);
  assert.equal(await nonces.burn('0x02:a', 1_000), true);
  assert.equal(await nonces.burn('0x01:b', 1_000), true);
});

test('the table keeps a nonce until its last millisecond is over, and hardly longer', async () => {
  for (const expiresAtMs of [120_000, 120_001, 120_999]) {
    const { items, nonces } = takeOnce();
    await nonces.burn('0x01:a', expiresAtMs);
    // A table forgets from the beginning of that second on.
    const keptMs = 1000 * (items[0]?.expiresAtS as number) - expiresAtMs;
    assert.ok(keptMs > 0 && keptMs <= 2_000, `${keptMs}`);
  }
});
