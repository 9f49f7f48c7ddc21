import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { fromHex } from '../../core/bytes.ts';
import type { DatasetId, PrivateKey } from '../../core/ids.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import { runPlumb, type StackUnderTest, spawnPlumb, startStackUnderTest } from './run-plumb.ts';

let folder: string;
let stack: StackUnderTest;
let env: Record<string, string>;
let account: string;
const passwordArgs = () => ['--password-file', join(folder, 'password')];

async function lines(args: readonly string[], input = '') {
  const ended = await runPlumb([...args, '--json'], env, input);
  assert.equal(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  return ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
const provision = async (args: readonly string[]) =>
  (await lines(['fleet', 'provision', ...args, ...passwordArgs()])).at(-1);

/** Nothing of these datasets was sent to the chain, and the service has the charter of each. */
async function assertOpenedBySignature(read: readonly { dataset: DatasetId; serial: number }[]): Promise<void> {
  const { rpcUrl, chainId, contracts, apiUrl } = JSON.parse(readFileSync(stack.stackFile, 'utf8'));
  const ledger = createDisscLedger({ rpcUrl, chainId, dissc: contracts.DISSC });
  const { devices } = await ledger.readDevices(
    read.map(({ dataset }) => dataset),
    'latest',
  );
  assert.ok(devices.every((device) => device === null));
  const sent = await createJsonRpc({ rpcUrl, chainId }).call('eth_getTransactionCount', [account, 'latest']);
  assert.equal(sent, '0x0', 'no transaction, and no gas');
  for (const { dataset, serial } of read) {
    const answer = await fetch(`${apiUrl}/v1/datasets/${dataset}/anchor`);
    assert.equal(answer.status, 200, await answer.clone().text());
    assert.equal((await answer.json()).charter.serial, serial);
  }
}

/** The files of a folder are those of so many devices: whole, secret, each of its own account, which its charter names. */
async function assertFleet(out: string, count: number): Promise<void> {
  // What was being written when a run was killed has another ending.
  const files = readdirSync(out).filter((name) => name.endsWith('.json'));
  assert.equal(files.length, count);
  const read = files.map((file) => {
    assert.equal(statSync(join(out, file)).mode & 0o777, 0o600, file);
    return JSON.parse(readFileSync(join(out, file), 'utf8'));
  });
  const accounts = read.map(({ devicePrivateKey }) => accountOfKey(fromHex(devicePrivateKey, 'key', 32) as PrivateKey));
  assert.equal(new Set(accounts).size, count, 'no two devices share an account');
  assert.equal(new Set(read.map(({ datasetKey }) => datasetKey)).size, count);
  await assertOpenedBySignature(read);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-fleet-'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  const init = ['owner', 'init', ...passwordArgs(), '--mnemonic-out', join(folder, 'mnemonic')];
  [{ account }] = await lines(init);
  await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
  await lines(['local', 'admit', account]);
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

test('many devices are no transaction, and a second run changes nothing but what is new', async () => {
  const out = join(folder, 'pumps');
  const first = await provision(['--count', '100', '--prefix', 'pump', '--out', out]);
  assert.deepEqual([first.devices, first.created, first.unshown, first.written], [100, 100, 0, 100]);
  await assertFleet(out, 100);
  const before = readFileSync(join(out, 'pump-00042.json'), 'utf8');

  const again = await provision(['--count', '100', '--prefix', 'pump', '--out', out]);
  assert.deepEqual([again.created, again.written], [0, 0]);
  const more = await provision(['--count', '130', '--prefix', 'pump', '--out', out]);
  assert.deepEqual([more.created, more.written], [30, 30]);
  await assertFleet(out, 130);
  assert.equal(readFileSync(join(out, 'pump-00042.json'), 'utf8'), before);
});

test('from the mnemonic on another machine the same devices come back, and their keys', async () => {
  const home = join(folder, 'elsewhere');
  const restore = ['owner', 'restore', '--mnemonic-file', join(folder, 'mnemonic'), ...passwordArgs()];
  const [restored] = await lines([...restore, '--home', home]);
  assert.equal(restored.datasets.length, 130);
  const args = ['fleet', 'provision', '--count', '130', '--prefix', 'pump', '--out', join(folder, 'again')];
  const [again] = await lines([...args, '--home', home, ...passwordArgs()]);
  assert.deepEqual([again.created, again.written], [0, 130]);
  for (const file of readdirSync(join(folder, 'pumps'))) {
    assert.equal(
      readFileSync(join(folder, 'again', file), 'utf8'),
      readFileSync(join(folder, 'pumps', file), 'utf8'),
      file,
    );
  }
});

test('killed wherever it is, it goes on when it is run again', async () => {
  const args = ['fleet', 'provision', '--count', '150', '--prefix', 'valve', '--out', join(folder, 'valves')];
  const homeFile = join(folder, 'owner', 'datasets.json');
  const entered = () => (readFileSync(homeFile, 'utf8').match(/"valve-/g) ?? []).length === 150;
  // A dataset's charter is the first that is stored of it. Looked for every 2 ms: one folder, not all of the stack.
  const chartered = () => readdirSync(join(folder, 'stack', 'objects', 'buckets', 'segments')).length;
  const filesThere = () => (existsSync(join(folder, 'valves')) ? readdirSync(join(folder, 'valves')).length : 0);
  const before = chartered();
  for (const reached of [() => chartered() > before + 10, entered, () => filesThere() > 0]) {
    const child = spawnPlumb([...args, ...passwordArgs()], env);
    let said = '';
    child.stderr?.on('data', (text) => {
      said += text;
    });
    const exited = once(child, 'exit');
    const deadline = performance.now() + 60_000;
    while (!reached() && child.exitCode === null && performance.now() < deadline) await delay(2);
    child.kill('SIGKILL');
    await exited;
    assert.equal(child.signalCode, 'SIGKILL', `it was killed before it was done: ${said}`);
  }
  assert.ok(filesThere() < 150);
  const done = await provision(args.slice(2));
  assert.ok(done.written > 0);
  await assertFleet(join(folder, 'valves'), 150);
});

test('a list of devices says what each is; a device of it works, and its line shows how far it is', async () => {
  const csv = join(folder, 'devices.csv');
  writeFileSync(csv, '\ufeffname,kind\r\nweather.north,plain\r\nweather.south,\r\n\r\n');
  const out = join(folder, 'weather');
  assert.equal((await provision(['--csv', csv, '--out', out])).written, 2);
  const file = join(out, 'weather.north.json');
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).kind, 1);
  assert.equal(JSON.parse(readFileSync(join(out, 'weather.south.json'), 'utf8')).kind, 0);

  const run = ['device', 'run', '--provision', file, '--source', 'stdin', '--every', '100ms', '--poll', '100ms'];
  const beginMs = Date.now();
  await lines([...run, '--until-idle', '--timeout', '60s'], 'one\ntwo\nthree\n');
  const [north, south, ...others] = await lines(['fleet', 'status', '--prefix', 'weather', ...passwordArgs()]);
  assert.equal(others.length, 0);
  const { dataset: _, lastSeenMs, ...counted } = north;
  assert.deepEqual(counted, {
    ...{
      name: 'weather.north',
      recorded: 0,
      final: 0,
      anchored: 3,
      anchorer: JSON.parse(readFileSync(stack.stackFile, 'utf8')).operator,
      said: null,
      late: null,
      faults: [],
      stored: 3,
      lagBlocks: 0,
      lagMs: 0,
      problem: null,
    },
  });
  assert.ok(lastSeenMs >= beginMs - 1000 && lastSeenMs <= Date.now() + 1000);
  assert.deepEqual([south.recorded, south.stored, south.lastSeenMs], [0, 0, null]);
  const shown = await runPlumb(['fleet', 'status', '--prefix', 'weather', ...passwordArgs()], env);
  assert.match(
    shown.stdout,
    /^NAME .*LAST SEEN\nweather\.north +0 +0 +3 +3 +0 +\d+ s ago\nweather\.south +0 .*never\n$/,
  );
});

test('lists that cannot be meant, and files of somebody else, are refused before anything is opened', async () => {
  const csv = join(folder, 'wrong.csv');
  const out = join(folder, 'wrong');
  const refused = async (args: readonly string[], pattern: RegExp) => {
    const ended = await runPlumb(['fleet', 'provision', ...args, '--out', out, ...passwordArgs()], env);
    assert.equal(ended.exitCode, 2, `${ended.stdout}${ended.stderr}`);
    assert.match(ended.stderr, pattern);
  };
  const cases: [string, RegExp][] = [
    ['nom\nx\n', /must name the columns/],
    ['name\n../x\n', /line 2: "\.\.\/x" is not a device name/],
    ['name\nx\nx\n', /line 3 names x a second time/],
    ['name,kind\nx,maybe\n', /not a kind/],
    ['name,published\nx,maybe\n', /neither true nor false/],
    ['name\nx,y\n', /2 values; its first line has 1 column\./],
    ['name\n', /does not name a device/],
    ['name\n"x"\n', /quotes/],
  ];
  for (const [text, pattern] of cases) {
    writeFileSync(csv, text);
    await refused(['--csv', csv], pattern);
  }
  await refused(['--csv', join(folder, 'nowhere.csv')], /There is no file/);
  await refused([], /Nothing says which devices/);
  await refused(['--count', '20001'], /at most 20000/);
  await refused(['--csv', csv, '--count', '2'], /cannot be used with/);
  await refused(['--count', '1', '--prefix', 'weather.north'.repeat(3)], /is not a device name/);
  await refused(
    ['--count', '1', '--prefix', 'pump', '--kind', 'plain'],
    /exists already and is encrypted, not published/,
  );
  assert.ok(!existsSync(out));
});

test('a service that does not answer is said of each dataset, beside what the chain says', async () => {
  const out = join(folder, 'alone');
  await provision(['--count', '2', '--prefix', 'alone', '--out', out]);
  const deaf = join(folder, 'deaf.json');
  // Port 9 of loopback: nobody is there.
  const content = { ...JSON.parse(readFileSync(stack.stackFile, 'utf8')), apiUrl: 'http://127.0.0.1:9' };
  writeFileSync(deaf, JSON.stringify(content), { mode: 0o600 });
  const ended = await runPlumb(
    ['fleet', 'status', '--prefix', 'alone', '--stack', deaf, ...passwordArgs(), '--json'],
    env,
  );
  assert.equal(ended.exitCode, 3, ended.stderr);
  const told = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    told.map(({ name, recorded, stored }) => [name, recorded, stored]),
    [
      ['alone-00001', 0, null],
      ['alone-00002', 0, null],
    ],
  );
  for (const { problem } of told) assert.match(problem, /127\.0\.0\.1:9/);
});
