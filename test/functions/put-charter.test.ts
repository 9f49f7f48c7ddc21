import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Charter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { charterKey, decodeCharter } from '../../core/charter/charter-file.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { getAnchor } from '../../functions/get-anchor.ts';
import { putCharter } from '../../functions/put-charter.ts';
import { keepCharter, readCharterEntries } from '../../functions/state/dataset-entry.ts';
import { datasetPk, FIRST_CHARTER_SK } from '../../functions/state/entries.ts';
import { DOMAIN, key, type Stores, startStores, TestDevice } from './start-service.ts';

describe('put-charter', () => {
  let stores: Stores;
  let device: TestDevice;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());
  beforeEach(async () => {
    device = await TestDevice.open(stores);
    stores.ledger.down = false;
    // Nobody has shown it yet.
    await stores.table.delete(datasetPk(device.dataset), FIRST_CHARTER_SK, 'any');
  });

  const show = (charter: SignedCharter, dataset = device.dataset) => putCharter(stores.ports, { dataset, charter });
  const signed = (change: Partial<Charter>, by = device.ownerKey): SignedCharter => {
    const charter = { ...device.charter, ...change };
    return { ...charter, signature: signCharter(DOMAIN, charter, by) };
  };
  /** On the chain from now on. */
  const send = (charter: Charter) => {
    const place = { blockNumber: 1, logIndex: stores.ledger.chartered.length, txHash: '0x' };
    stores.ledger.chartered.push({ dataset: device.dataset, charter, ...place });
    stores.ledger.devices.set(device.dataset, { device: charter.device, serial: charter.serial });
  };
  const kept = async () => {
    const entries = await readCharterEntries(stores.table, device.dataset);
    return entries.map(({ charter, onChain }) => ({
      serial: charter.serial,
      onChain,
      signed: charter.signature !== null,
    }));
  };
  const readFile = async ({ serial }: Pick<Charter, 'serial'>) => {
    const bytes = await stores.objects.read(charterKey(device.dataset, serial), { start: 0, end: 1024 });
    return bytes === null ? null : decodeCharter(bytes);
  };
  const refused = (charter: SignedCharter, type: string, why: RegExp) =>
    assert.rejects(show(charter), (error: Error & { type?: string }) => {
      assert.equal(error.type, type);
      assert.match(error.message, why);
      return true;
    });

  test('keeps the first that it is shown, once, in the table and in the bucket', async () => {
    const { charter } = device;
    assert.equal(await show(charter), true);
    assert.equal(await show(charter), false);
    assert.deepEqual(await kept(), [{ serial: charter.serial, onChain: false, signed: true }]);
    assert.deepEqual(await readFile(charter), charter);
    assert.deepEqual((await getAnchor(stores.ports, { dataset: device.dataset })).charter.serial, charter.serial);
  });

  test('refuses a later or an earlier one that is not on the chain', async () => {
    await show(device.charter);
    for (const change of [1, -1]) {
      const other = signed({ serial: device.charter.serial + change, device: accountOfKey(key()) });
      await refused(other, '/problems/charter-not-on-chain', /Send it to DISSC first/);
      assert.equal(await readFile(other), null);
    }
    const same = signed({ device: accountOfKey(key()) });
    await refused(same, '/problems/charter-not-on-chain', /is not on the chain/);
    assert.equal((await kept()).length, 1);
  });

  test('of two first ones that race one is kept', async () => {
    const other = signed({ serial: device.charter.serial + 1 });
    const outcomes = await Promise.allSettled([show(device.charter), show(other)]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.equal((await kept()).length, 1);
  });

  test('keeps those that DISSC has, old and new, beside the first', async () => {
    await show(device.charter);
    const [second, third] = [1, 2].map((n) => signed({ serial: device.charter.serial + n, from: n }));
    send(second!);
    send(third!);
    assert.equal(await show(third!), true);
    assert.equal(await show(second!), true);
    assert.equal(await show(second!), false);
    assert.deepEqual(
      await kept(),
      [0, 1, 2].map((n) => ({ serial: device.charter.serial + n, onChain: n > 0, signed: true })),
    );
    const anchor = await getAnchor(stores.ports, { dataset: device.dataset });
    assert.equal(anchor.charter.serial, third!.serial, 'the newest is shown');
    const altered = { ...third!, from: 9 };
    const forged = { ...altered, signature: signCharter(DOMAIN, altered, device.ownerKey) };
    await refused(forged, '/problems/charter-not-on-chain', /is not on the chain/);
  });

  test('a charter of a contract account counts when the chain has it', async () => {
    const unsigned = { ...device.charter, signature: null };
    await refused(unsigned, '/problems/forbidden', /has no signature/);
    send(device.charter);
    assert.equal(await show(unsigned), false, 'it was learnt from the chain');
    assert.deepEqual(await kept(), [{ serial: device.charter.serial, onChain: true, signed: false }]);
    assert.deepEqual(await readFile(device.charter), unsigned);
  });

  test('a signature that comes later is kept with what the chain says', async () => {
    send(device.charter);
    assert.equal(await show(device.charter), true);
    assert.equal(await show(device.charter), false);
    assert.deepEqual(await kept(), [{ serial: device.charter.serial, onChain: true, signed: true }]);
    // The anchor, which read the chain's event before.
    await keepCharter(stores.table, device.dataset, { charter: { ...device.charter, signature: null }, onChain: true });
    assert.deepEqual(await kept(), [{ serial: device.charter.serial, onChain: true, signed: true }]);
  });

  test('refuses what is of another dataset, forged, or of an owner not served', async () => {
    const { charter } = device;
    const renamed = signed({ name: encodeDatasetName('another') });
    await refused(renamed, '/problems/forbidden', /do not match the dataset/);
    await refused({ ...signed({}, key()) }, '/problems/forbidden', / signed it/);
    await refused({ ...charter, from: charter.from + 1 }, '/problems/forbidden', / signed it/);
    await refused({ ...charter, signature: new Uint8Array(65) }, '/problems/forbidden', /signature/);
    stores.owners.delete(device.owner);
    await refused(charter, '/problems/not-served', /does not store/);
    stores.owners.set(device.owner, 1);
    assert.deepEqual(await kept(), []);
    stores.ledger.down = true;
    await assert.rejects(show(charter), { name: 'LedgerUnavailableError' });
  });
});
