import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createTable } from '../../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../../adapters/dynamodb/dynamo-table.ts';
import { StoreUnavailableError } from '../../../core/errors.ts';
import type { Table } from '../../../core/ports/table.ts';
import type { CountName } from '../../../dev/simulate/fleet/counts.ts';
import { FleetItems } from '../../../dev/simulate/fleet/fleet-items.ts';
import { createFleetTable } from '../../../dev/simulate/fleet/fleet-table.ts';
import { createRandom } from '../../../dev/simulate/time/seeded-random.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../../local/stack/start-dynalite.ts';
import { tableConformance, tableOutages } from '../../conformance/table/suite.ts';

const ignore = (): void => undefined;
const tableThat = (request: () => Promise<void>): Table =>
  createFleetTable(new FleetItems(), { request, count: ignore });

const kept = tableThat(async () => undefined);
tableConformance('the fleet’s', { table: () => kept });
tableOutages('the fleet’s', {
  table: () => kept,
  unreachable: () => tableThat(() => Promise.reject(new StoreUnavailableError('The table is away.'))),
  silent: () =>
    // As the adapter does, which waits no longer than it was told.
    tableThat(
      () =>
        new Promise((_, reject) => {
          setTimeout(() => reject(new StoreUnavailableError('The table does not answer.')), 200).unref();
        }),
    ),
});

const dynalite = await startDynalite({ folder: null });
const client = createDynamoClient({
  region: 'us-east-1',
  endpoint: dynalite.endpoint,
  credentials: DYNALITE_CREDENTIALS,
});
after(async () => {
  client.destroy();
  await dynalite.stop();
});

test('its requests are counted as the adapter makes them', async () => {
  await createTable(client, 'counted');
  const counted: Partial<Record<CountName, number>> = {};
  const count = (name: CountName, by: number): void => {
    counted[name] = (counted[name] ?? 0) + by;
  };
  const made = { tableReads: 0, tableWrites: 0 };
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (given) => {
        if (/^(Get|Query|BatchGet)/.test(commandName)) made.tableReads++;
        if (/^(Put|Delete|BatchWrite)/.test(commandName)) made.tableWrites++;
        return next(given);
      },
    { step: 'initialize' },
  );
  const real = createDynamoTable({ client, tableName: 'counted' });
  const ours = createFleetTable(new FleetItems(), { request: async () => undefined, count });
  const random = createRandom(12);
  const skOf = (): string => `k#${random.between(0, 30)}`;
  const large = new Uint8Array(300_000);
  const draw = (): ((table: Table) => Promise<unknown>) => {
    const [pk, sk] = [`p${random.between(0, 2)}`, skOf()];
    const bytes = random.chance(0.2) ? large : new Uint8Array(10);
    const condition = random.pick(['absent', 'any', { version: random.between(1, 3) }] as const);
    const keys = Array.from({ length: 260 }, (_, place) => ({ pk: `p${place % 3}`, sk: `k#${Math.floor(place / 3)}` }));
    const [many, few] = [keys.slice(0, random.between(0, 260)), keys.slice(0, random.between(0, 60))];
    const range = { from: 'k', to: 'l', limit: random.between(1, 40), reverse: random.chance(0.5) };
    return random.pick<(table: Table) => Promise<unknown>>([
      (table) => table.get(pk, sk),
      (table) => table.put({ pk, sk, bytes }, condition),
      (table) => table.put({ pk, sk, bytes }, condition),
      (table) => table.query(pk, range),
      (table) => table.delete(pk, sk, condition),
      (table) => table.getMany(many),
      (table) => table.putMany(few.map((key) => ({ ...key, bytes: new Uint8Array(5) }))),
      (table) => table.deleteMany(few),
    ]);
  };
  for (let number = 0; number < 300; number++) {
    const run = draw();
    assert.deepEqual(await run(ours), await run(real), `call ${number}`);
    const { tableReads = 0, tableWrites = 0 } = counted;
    assert.deepEqual({ tableReads, tableWrites }, made, `call ${number}`);
  }
  assert.ok(made.tableReads > 100 && made.tableWrites > 100);
});
