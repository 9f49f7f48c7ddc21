import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { to0x } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { type AgreementPorts, changeAgreementEntry } from '../../functions/state/agreement-entry.ts';
import { AgreementTurns } from '../../functions/state/agreement-turns.ts';
import { type AgreementEntry, agreementPk } from '../../functions/state/entries.ts';
import { dump, type Stores, startStores } from './start-service.ts';

describe('the entry of an agreement', () => {
  let stores: Stores;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores?.close());

  const newId = () => to0x(nodePrimitives.randomBytes(32)) as AgreementId;
  const itemOf = async (id: AgreementId) => (await dump(stores.table, agreementPk(id)))[0];
  /** A process of its own, as far as turns go. */
  const processOf = (table: Table): AgreementPorts => ({ table, runtime: nodeRuntime, turns: new AgreementTurns() });
  /** One with the real table; what is written goes another way. */
  const withPut = (put: Table['put']): AgreementPorts => processOf({ ...stores.table, put });
  const add = (byte: number) => (entry: AgreementEntry) => {
    const samples = entry.samples ?? new Uint8Array(0);
    return samples.includes(byte) ? null : { ...entry, samples: Uint8Array.of(...samples, byte) };
  };

  test('loses no change of those that race, in one process and in many', async () => {
    const id = newId();
    const processes = Array.from({ length: 5 }, () => withPut(stores.table.put));
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => changeAgreementEntry(processes[i % 5] as AgreementPorts, id, add(i))),
    );
    const item = await itemOf(id);
    const samples = item?.samples;
    assert.ok(samples instanceof Uint8Array);
    assert.deepEqual(
      [...samples].sort((a, b) => a - b),
      [...Array(40).keys()],
    );
    assert.equal(item?.version, 40, 'each was written once');
  });

  test('is written once where the answer to the write is lost', async () => {
    const id = newId();
    let lost = 0;
    const ports = withPut(async (...write) => {
      const wrote = await stores.table.put(...write);
      if (lost++ < 1) throw new StoreUnavailableError('The answer is lost.');
      return wrote;
    });
    assert.deepEqual((await changeAgreementEntry(ports, id, add(7))).samples, Uint8Array.of(7));
    const item = await itemOf(id);
    assert.deepEqual([item?.version, item?.samples], [1, Uint8Array.of(7)]);
  });

  test('says so when the table takes no writes, soon', async () => {
    const id = newId();
    let writes = 0;
    const ports = withPut(async () => {
      writes++;
      throw new StoreUnavailableError('The table is down.');
    });
    await assert.rejects(changeAgreementEntry(ports, id, add(7)), /The table is down/);
    assert.equal(writes, 3);
    assert.equal(await itemOf(id), undefined);
  });

  test('costs one read where nothing is to be changed', async () => {
    const id = newId();
    await changeAgreementEntry(processOf(stores.table), id, add(7));
    const calls: string[] = [];
    const table: Table = {
      ...stores.table,
      get: (...key) => {
        calls.push('get');
        return stores.table.get(...key);
      },
      put: async () => assert.fail('nothing is written'),
    };
    await changeAgreementEntry(processOf(table), id, add(7));
    assert.deepEqual(calls, ['get']);
  });

  test('keeps nobody waiting whose time is up, and lets those behind it in', async () => {
    const id = newId();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const ports = withPut(async (...write) => {
      begun.resolve();
      await gate.promise;
      return stores.table.put(...write);
    });
    const first = changeAgreementEntry(ports, id, add(1));
    await begun.promise;
    const late = new AbortController();
    const second = changeAgreementEntry(ports, id, add(2), late.signal);
    const third = changeAgreementEntry(ports, id, add(3));
    late.abort(new Error('its time is up'));
    await assert.rejects(second, /its time is up/);
    gate.resolve();
    await Promise.all([first, third]);
    assert.deepEqual((await itemOf(id))?.samples, Uint8Array.of(1, 3));
  });
});
