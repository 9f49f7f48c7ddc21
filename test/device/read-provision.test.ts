import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ProvisionError, parseProvision, readProvision } from '../../device/provision/read-provision.ts';
import { temporaryFolder } from './fixture.ts';

const SECRET = 'ab'.repeat(32);
const GOOD = {
  rpcUrl: 'http://127.0.0.1:8545',
  chainId: 31337,
  dissc: `0x${'D1'.repeat(20)}`,
  apiUrl: 'https://storage.example',
  dataset: `0x${'05'.repeat(32)}`,
  plain: false,
  published: true,
  datasetKey: `0x${SECRET}`,
  devicePrivateKey: `0x${'01'.repeat(32)}`,
};

test('a provision file is read, its account derived', () => {
  const provision = parseProvision(GOOD);
  // The account of the key 0x0101…01, as every Ethereum library says it.
  assert.equal(provision.account, '0x1a642f0e3c3af545e7acbd38b07251b3990914f1');
  assert.equal(provision.dissc, `0x${'d1'.repeat(20)}`);
  assert.deepEqual([...provision.datasetKey], Array(32).fill(0xab));
  assert.equal(provision.published, true);
});

const BAD: Record<string, unknown> = {
  rpcUrl: 'file:///etc/passwd',
  chainId: '31337',
  dissc: '0x1234',
  apiUrl: 7,
  dataset: `0x${'zz'.repeat(32)}`,
  plain: 'no',
  published: null,
  datasetKey: `0x${SECRET}ab`,
  devicePrivateKey: `0x${'00'.repeat(32)}`,
};
for (const [field, value] of Object.entries(BAD)) {
  test(`a wrong or missing ${field} is named, and no value repeated`, () => {
    const { [field]: _, ...rest } = GOOD as Record<string, unknown>;
    for (const file of [{ ...GOOD, [field]: value }, rest]) {
      assert.throws(
        () => parseProvision(file),
        (error) =>
          error instanceof ProvisionError &&
          error.field === field &&
          error.message.includes(field) &&
          !JSON.stringify({ ...error, stack: error.stack }).includes(SECRET),
      );
    }
  });
}

test('a field that is not known is named: it may be a misspelt one', () => {
  assert.throws(
    () => parseProvision({ ...GOOD, datasetkey: `0x${SECRET}` }),
    (error) => error instanceof ProvisionError && error.field === 'datasetkey' && !error.message.includes(SECRET),
  );
  for (const value of [null, [], 'text', 7]) assert.throws(() => parseProvision(value), ProvisionError);
});

test('a file that others can read, that is none, or that is not JSON is refused', (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'device.json');
  writeFileSync(path, JSON.stringify(GOOD), { mode: 0o600 });
  assert.equal(readProvision(path).chainId, 31337);
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610]) {
    chmodSync(path, mode);
    assert.throws(
      () => readProvision(path),
      (error) => error instanceof ProvisionError && error.field === 'file',
    );
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
