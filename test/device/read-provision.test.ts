import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { fromHex } from '../../core/bytes.ts';
import { type Charter, datasetOfCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import type { Address, DatasetKey, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { encodeProvision } from '../../device/provision/provision-file.ts';
import {
  ProvisionError,
  ProvisionUnavailableError,
  parseProvision,
  readProvision,
} from '../../device/provision/read-provision.ts';
import { spawnPlumb } from '../cli/run-plumb.ts';
import { temporaryFolder } from './fixture.ts';

const SECRET = 'ab'.repeat(32);
const DOMAIN = { chainId: 31337, dissc: `0x${'d1'.repeat(20)}` as Address };
const OWNER_KEY = fromHex('02'.repeat(32)) as PrivateKey;
const DEVICE_KEY = fromHex('01'.repeat(32)) as PrivateKey;

const UNSIGNED: Charter = {
  owner: accountOfKey(OWNER_KEY),
  name: encodeDatasetName('Wetterhäuschen'),
  kind: 0,
  device: accountOfKey(DEVICE_KEY),
  anchorer: `0x${'00'.repeat(20)}` as Address,
  serial: 1_790_000_001,
  from: 7,
};
const CHARTER = { ...UNSIGNED, signature: signCharter(DOMAIN, UNSIGNED, OWNER_KEY) };
const CONTENT = {
  ...{ ...DOMAIN, rpcUrl: 'http://127.0.0.1:8545', apiUrl: 'https://storage.example', published: true },
  ...{ dataset: datasetOfCharter(DOMAIN, CHARTER), charter: CHARTER, serial: 1_790_000_000 },
  ...{ datasetKey: fromHex(SECRET) as DatasetKey, devicePrivateKey: DEVICE_KEY },
};
const GOOD = JSON.parse(encodeProvision(CONTENT)) as Record<string, unknown> & { charter: Record<string, unknown> };

test('the file has exactly the fields that it is said to have, and comes back as it was written', () => {
  assert.deepEqual(Object.keys(GOOD), [
    ...['rpcUrl', 'chainId', 'dissc', 'apiUrl', 'dataset', 'owner', 'name', 'kind', 'serial', 'charter'],
    ...['published', 'datasetKey', 'devicePrivateKey'],
  ]);
  assert.deepEqual(Object.keys(GOOD.charter), ['anchorer', 'serial', 'from', 'signature']);
  assert.deepEqual([GOOD.name, GOOD.kind, GOOD.chainId], ['Wetterhäuschen', 0, 31337]);
  const { account, ...provision } = parseProvision(GOOD);
  assert.deepEqual(provision, CONTENT);
  // The account of the key 0x0101…01, as every Ethereum library says it.
  assert.equal(account, '0x1a642f0e3c3af545e7acbd38b07251b3990914f1');
});

test('addresses and ids may be written in capitals; a contract that owns a dataset cannot sign', () => {
  const upper = (hex: unknown) => `0x${String(hex).slice(2).toUpperCase()}`;
  const loud = { ...GOOD, dissc: upper(GOOD.dissc), owner: upper(GOOD.owner), dataset: upper(GOOD.dataset) };
  assert.equal(parseProvision(loud).charter.owner, UNSIGNED.owner);
  const unsigned = { ...GOOD, charter: { ...GOOD.charter, signature: null } };
  assert.equal(parseProvision(unsigned).charter.signature, null);
});

const BAD: Record<string, unknown> = {
  rpcUrl: 'file:///etc/passwd',
  chainId: '31337',
  dissc: '0x1234',
  apiUrl: 7,
  dataset: `0x${'zz'.repeat(32)}`,
  owner: 'me',
  name: 7,
  kind: 3,
  serial: 0,
  charter: 'signed',
  published: null,
  datasetKey: `0x${SECRET}ab`,
  devicePrivateKey: `0x${'00'.repeat(32)}`,
};
for (const [field, value] of Object.entries(BAD)) {
  test(`a wrong or missing ${field} is named, and no value repeated`, () => {
    const { [field]: _, ...rest } = GOOD as Record<string, unknown>;
    for (const file of [{ ...GOOD, [field]: value }, rest]) assert.throws(() => parseProvision(file), isAbout(field));
  });
}

for (const [field, value] of Object.entries({ anchorer: '0x', serial: -1, from: -1, signature: '0x1234' })) {
  test(`a wrong or missing ${field} of the charter is named, too`, () => {
    const { [field]: _, ...rest } = GOOD.charter;
    for (const charter of [{ ...GOOD.charter, [field]: value }, rest]) {
      assert.throws(() => parseProvision({ ...GOOD, charter }), isAbout(`charter.${field}`));
    }
  });
}

test('a name that no dataset can have is named', () => {
  for (const name of ['', 'x'.repeat(33), 'a\0b'])
    assert.throws(() => parseProvision({ ...GOOD, name }), isAbout('name'));
});

test('the dataset must follow from chain, contract, owner, name and kind', () => {
  const other = accountOfKey(nodePrimitives.randomBytes(32) as PrivateKey);
  for (const changed of [{ chainId: 1 }, { dissc: other }, { owner: other }, { name: 'weather' }, { kind: 1 }]) {
    assert.throws(() => parseProvision({ ...GOOD, ...changed }), isAbout('dataset'), JSON.stringify(changed));
  }
});

test("the charter must be the owner's word on this very device, serial and block", () => {
  const device = { ...GOOD, devicePrivateKey: `0x${'03'.repeat(32)}` };
  const changed = [{ serial: CHARTER.serial + 1 }, { from: 8 }, { anchorer: `0x${'0a'.repeat(20)}` }].map((one) => ({
    ...GOOD,
    charter: { ...GOOD.charter, ...one },
  }));
  for (const file of [device, ...changed]) assert.throws(() => parseProvision(file), isAbout('charter.signature'));
  // Keys are made of the first charter that names a device: none has a later serial than the newest.
  assert.throws(() => parseProvision({ ...GOOD, serial: CHARTER.serial + 1 }), isAbout('serial'));
});

test('a field that is not known is named: it may be a misspelt one', () => {
  assert.throws(() => parseProvision({ ...GOOD, datasetkey: `0x${SECRET}` }), isAbout('datasetkey'));
  assert.throws(() => parseProvision({ ...GOOD, charter: { ...GOOD.charter, form: 7 } }), isAbout('charter.form'));
  for (const value of [null, [], 'text', 7]) assert.throws(() => parseProvision(value), ProvisionError);
});

test('a byte order mark in front of it is no part of it', (context) => {
  const path = join(temporaryFolder(context), 'device.json');
  writeFileSync(path, `\uFEFF${JSON.stringify(GOOD)}`, { mode: 0o600 });
  assert.equal(readProvision(path).dataset, CONTENT.dataset);
});

test('a file that others can read, that is none, or that is not JSON is refused', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'device.json');
  writeFileSync(path, JSON.stringify(GOOD), { mode: 0o600 });
  assert.equal(readProvision(path).chainId, 31337);
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610]) {
    chmodSync(path, mode);
    assert.throws(() => readProvision(path), isAbout('file'));
  }
  const bad = join(folder, 'bad.json');
  writeFileSync(bad, `{"datasetKey": "0x${SECRET}" oops`, { mode: 0o600 });
  assert.throws(
    () => readProvision(bad),
    (error) => error instanceof ProvisionError && !`${error.message}${error.stack}${error.cause}`.includes(SECRET),
  );
  writeFileSync(join(folder, 'huge.json'), ' '.repeat(70_000), { mode: 0o600 });
  mkdirSync(join(folder, 'folder.json'), { mode: 0o700 });
  execFileSync('/bin/sh', ['-c', 'mkfifo -m 600 "$0"', join(folder, 'pipe.json')]);
  for (const name of ['none.json', 'huge.json', 'folder.json', 'pipe.json']) {
    assert.throws(() => readProvision(join(folder, name)), ProvisionError, name);
  }
});

test('a disk that fails while the file is read: the device says so, waits, and goes on when it can be read', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'device.json');
  // A plain file of this user whose first byte is an I/O error.
  symlinkSync('/proc/self/mem', path);
  assert.throws(() => readProvision(path), ProvisionUnavailableError);
  const child = spawnPlumb(['device', 'run', '--provision', path, '--source', 'stdin', '--json']);
  context.after(() => void child.kill('SIGKILL'));
  const events: { event: string; step?: string; reason?: string }[] = [];
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  for await (const line of lines) {
    const event = JSON.parse(line) as (typeof events)[number];
    events.push(event);
    if (event.event === 'retry' && event.step === 'provision') {
      rmSync(path, { force: true });
      writeFileSync(path, JSON.stringify(GOOD), { mode: 0o600 });
    }
    if (event.event === 'started') break;
  }
  assert.equal(events.at(-1)?.event, 'started', JSON.stringify(events));
  assert.match(events[0]?.reason ?? '', /device\.json cannot be read \(EIO\)\. Check its disk\./);
});

/** Names the field, and repeats no secret anywhere. */
function isAbout(field: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ProvisionError, String(error));
    assert.equal(error.field, field, error.message);
    const text = JSON.stringify({ ...error, message: error.message, stack: error.stack });
    return (field === 'file' || error.message.includes(field)) && !text.includes(SECRET);
  };
}

test('names how deep a final block lies, where the chain does not say it', () => {
  const deep = { ...GOOD, finalDepth: 12 };
  assert.equal(parseProvision(deep).finalDepth, 12);
  assert.equal(JSON.parse(encodeProvision({ ...CONTENT, finalDepth: 12 })).finalDepth, 12);
  assert.throws(() => parseProvision({ ...GOOD, finalDepth: -1 }), /finalDepth .*must not be negative/);
});
