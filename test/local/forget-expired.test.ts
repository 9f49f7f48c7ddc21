import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { expiringItems, forgetsByItself } from '../../adapters/dynamodb/expiring-items.ts';
import { type ForgettingTable, forgetExpired } from '../../local/host/forget-expired.ts';
import { type RunningDynalite, startDynalite } from '../../local/stack/start-dynalite.ts';

describe('items whose time is over, on a table that has no TTL', () => {
  let dynalite: RunningDynalite;
  let client: ReturnType<typeof createDynamoClient>;
  const clock = { nowMs: 1_000_000 };
  const failures: unknown[] = [];
  before(async () => {
    dynalite = await startDynalite({ folder: null });
    client = createDynamoClient({ region: 'us-east-1', ...dynalite });
    await createTable(client, 'plumbline');
  });
  after(async () => {
    client.destroy();
    await dynalite.stop();
  });
  const open = (): ForgettingTable =>
    forgetExpired({
      table: createDynamoTable({ client, tableName: 'plumbline' }),
      left: (signal) => expiringItems(client, 'plumbline', signal),
      nowMs: () => clock.nowMs,
      onFailure: (error) => failures.push(error),
      // Swept by hand.
      limits: { everyMs: 2 ** 30 },
    });
  const endsIn = (seconds: number): number => clock.nowMs / 1000 + seconds;

  test('the embedded table does not forget by itself', async () => {
    assert.equal(await forgetsByItself(client, 'plumbline'), false);
  });

  test('goes when it is over, not before; what has no end stays', async () => {
    const forgetting = open();
    const { table } = forgetting;
    await table.put({ pk: 'n#1', sk: '-', expiresAtS: endsIn(10) }, 'absent');
    await table.put({ pk: 'n#2', sk: '-', expiresAtS: endsIn(20) }, 'absent');
    await table.put({ pk: 'kept', sk: '-' }, 'absent');
    assert.equal(forgetting.waiting(), 2);
    await forgetting.sweep();
    assert.ok(await table.get('n#1', '-'));
    clock.nowMs += 12_000;
    await forgetting.sweep();
    assert.equal(await table.get('n#1', '-'), null);
    assert.ok(await table.get('n#2', '-'));
    assert.equal(forgetting.waiting(), 1);
    assert.ok(await table.get('kept', '-'));
    await forgetting.close();
  });

  test('stays when it was written again with a later end, or with none', async () => {
    const forgetting = open();
    const { table } = forgetting;
    for (const pk of ['later', 'none']) await table.put({ pk, sk: '-', expiresAtS: endsIn(5) }, 'absent');
    await table.put({ pk: 'later', sk: '-', expiresAtS: endsIn(100) }, { version: 1 });
    await table.put({ pk: 'none', sk: '-' }, { version: 1 });
    clock.nowMs += 10_000;
    await forgetting.sweep();
    assert.ok(await table.get('later', '-'));
    assert.ok(await table.get('none', '-'));
    clock.nowMs += 100_000;
    await forgetting.sweep();
    assert.equal(await table.get('later', '-'), null);
    await forgetting.close();
  });

  test('what an earlier process has left goes as well', async () => {
    const earlier = open();
    for (let i = 0; i < 30; i++) await earlier.table.put({ pk: `left#${i}`, sk: '-', expiresAtS: endsIn(5) }, 'absent');
    await earlier.close();
    const next = open();
    while (next.waiting() < 30) await new Promise((resolve) => setTimeout(resolve, 5));
    clock.nowMs += 10_000;
    await next.sweep();
    for (let i = 0; i < 30; i++) assert.equal(await next.table.get(`left#${i}`, '-'), null);
    assert.equal(next.waiting(), 0);
    await next.close();
    assert.deepEqual(failures, []);
  });
});
