import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLEET_DEFAULTS, type FleetOptions } from '../../../dev/simulate/fleet/fleet-options.ts';
import { type FleetResult, simulateFleet } from '../../../dev/simulate/fleet/simulate-fleet.ts';
import { statedSource } from '../../../dev/simulate/fleet/stated-signatures.ts';

const DEVICES = 30;
const MINUTES = 10;
const OUTAGE = { outage: { fromMinute: 2, untilMinute: 5 }, outageOf: 'service' } as const;
const OPTIONS: FleetOptions = {
  ...FLEET_DEFAULTS,
  devices: DEVICES,
  minutes: MINUTES,
  seed: 12,
  owners: 2,
  finalDepth: 10,
};

test('a fleet has every head in a final round and loses none, whatever is away meanwhile', async () => {
  const { settled, deadLetters, all, minutes, errors } = await simulateFleet({ ...OPTIONS, ...OUTAGE });
  assert.deepEqual({ ...settled, minutes: 0 }, { minutes: 0, notAnchored: 0, notFinal: 0, notStored: 0 });
  assert.deepEqual(
    { deadLetters, errors, sealed: all.sealed },
    { deadLetters: 0, errors: {}, sealed: DEVICES * MINUTES },
  );
  const during = minutes.find(({ minute }) => minute === 5);
  assert.ok((during?.backlog ?? 0) > 0 && during?.rounds === 0, 'it is seen while it lasts');
  assert.equal(minutes.at(-1)?.backlog, 0, 'and is gone soon');
});

test('one transaction a round for all of them, and no backlog', async () => {
  const { all, minutes, settled, metrics, errors } = await simulateFleet({ ...OPTIONS, devices: 12, minutes: 5 });
  assert.deepEqual({ ...settled, minutes: 0 }, { minutes: 0, notAnchored: 0, notFinal: 0, notStored: 0 });
  assert.deepEqual([errors, metrics['Ingest.placed'] ?? 0], [{}, all.sealed]);
  assert.ok(all.rounds >= 3 && all.rounds <= 5, `${all.rounds} rounds in 5 minutes`);
  assert.equal(all.transactions, all.rounds);
  assert.ok(minutes.every(({ backlog }) => backlog === 0));
});

test('work is in proportion to what has changed: a batch costs the same in a fleet twice as large', async () => {
  // One machine: each has to learn of a dataset once.
  const one = { ...OPTIONS, minutes: 4, ingestAtOnce: 1 };
  const [small, large] = [await simulateFleet({ ...one, devices: 6 }), await simulateFleet({ ...one, devices: 12 })];
  for (const party of ['upload-segment', 'ingest-segment', 'anchor'] as const) {
    for (const name of ['tableReads', 'tableWrites', 'rpcRequests'] as const) {
      const of = ({ byParty, all }: FleetResult): number => (byParty[party]?.[name] ?? 0) / all.stored;
      assert.ok(of(large) <= 1.15 * of(small), `${party} ${name}: ${of(large)} a batch against ${of(small)}`);
    }
  }
  assert.equal(large.all.transactions, small.all.transactions);
});

test('the same seed gives the same figures, and another one others', async () => {
  const [first, second, other] = [
    await simulateFleet({ ...OPTIONS, devices: 4, minutes: 2 }),
    await simulateFleet({ ...OPTIONS, devices: 4, minutes: 2 }),
    await simulateFleet({ ...OPTIONS, devices: 4, minutes: 2, seed: 13 }),
  ];
  assert.deepEqual(second, first);
  assert.notDeepEqual(other.minutes, first.minutes);
});

test('signatures can be stated instead of computed: the file that this changes has what is changed', () => {
  const source = statedSource();
  assert.match(source, /const account = statedAccountOf\(key\);/);
  assert.match(source, /Nobody has stated this/);
});
