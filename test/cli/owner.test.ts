import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { quickenKeystore } from './quicken-keystore.ts';
import { type Ended, runPlumb, type StackUnderTest, startStackUnderTest } from './run-plumb.ts';

let folder: string;
let stack: StackUnderTest;
let env: Record<string, string>;
const everythingSaid: string[] = [];
const passwordArgs = () => ['--password-file', join(folder, 'password')];

async function plumb(args: readonly string[], more: Record<string, string> = {}, input = ''): Promise<Ended> {
  const ended = await runPlumb(args, { ...env, ...more }, input);
  everythingSaid.push(ended.stdout, ended.stderr);
  return ended;
}

function json(ended: Ended) {
  assert.equal(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
}
let keystoreMode: number;

interface Restored {
  readonly name: string;
  readonly dataset: string;
  readonly kind: string;
  readonly devices: readonly { readonly serial: number }[];
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-owner-'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  await writeFile(join(folder, 'wrong'), 'incorrect horse\n', { mode: 0o600 });
  const init = await plumb(['owner', 'init', ...passwordArgs(), '--mnemonic-out', join(folder, 'mnemonic'), '--json']);
  const { account } = json(init);
  keystoreMode = (await stat(join(folder, 'owner', 'keystore.json'))).mode;
  await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
  json(await plumb(['local', 'admit', account, '--json']));
  json(await plumb(['dataset', 'create', 'readings', ...passwordArgs(), '--json']));
  json(
    await plumb(['device', 'provision', 'readings', ...passwordArgs(), '--out', join(folder, 'device.json'), '--json']),
  );
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

test('verify before anything is recorded ends with its own code', async () => {
  const ended = await plumb(['owner', 'verify', 'readings', ...passwordArgs(), '--anchor', 'latest', '--json']);
  assert.equal(ended.exitCode, 5);
  assert.equal(JSON.parse(ended.stdout).error.name, 'NotRecordedError');
});

test('lines from a stream are recorded, verified and brought back byte for byte', async () => {
  const lines = `first line\n\nthird, ünïcode\n${'x'.repeat(5000)}\nlast, without end`;
  const device = ['device', 'run', '--provision', join(folder, 'device.json'), '--source', 'stdin', '--every', '200ms'];
  const ran = await plumb([...device, '--poll', '100ms', '--until-idle', '--timeout', '60s', '--json'], {}, lines);
  assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);

  const report = json(await plumb(['owner', 'verify', 'readings', ...passwordArgs(), '--json']));
  assert.equal(report.ok, true);
  assert.equal(report.evidence, 'possession');
  assert.deepEqual(report.counts, {
    intact: 5,
    corrupted: 0,
    unavailable: 0,
    refused: 0,
    unrecorded: 0,
    misrecorded: 0,
  });
  assert.equal(report.anchor.anchor, 'final');
  assert.match(report.assurance.words, /random chunk of 5 of 5 blocks/);

  const out = join(folder, 'restored');
  json(await plumb(['owner', 'get', 'readings', ...passwordArgs(), '--out', out, '--json']));
  assert.equal(await readFile(join(out, 'lines'), 'utf8'), lines);
  const again = await plumb(['owner', 'get', 'readings', ...passwordArgs(), '--out', out]);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.match(again.stdout, /verified {6}5 blocks, every byte hashed here; 5 of them were already there/);
  assert.equal(await readFile(join(out, 'lines'), 'utf8'), lines);
  const other = await plumb(['owner', 'get', 'readings', ...passwordArgs(), '--blocks', '0-1', '--out', out]);
  assert.equal(other.exitCode, 2, other.stdout);
  assert.match(
    other.stderr,
    /holds dataset readings as files, all blocks.*you asked for .*blocks 0 to 1\. Give another folder/,
  );
});

test('the mnemonic alone, on another machine, is enough to know, to verify and to get everything back', async () => {
  const home = { PLUMB_HOME: join(folder, 'elsewhere') };
  const restore = ['owner', 'restore', ...passwordArgs(), '--mnemonic-file', join(folder, 'mnemonic'), '--json'];
  const restored = json(await plumb(restore, home));
  const device = JSON.parse(await readFile(join(folder, 'device.json'), 'utf8'));
  assert.deepEqual([restored.home, restored.problems], [home.PLUMB_HOME, []]);
  assert.deepEqual(
    restored.datasets.map(({ name, dataset, kind, devices }: Restored) => [name, dataset, kind, devices[0]?.serial]),
    [['readings', device.dataset, 'encrypted', device.serial]],
  );
  const verify = [
    'owner',
    'verify',
    'readings',
    ...passwordArgs(),
    '--evidence',
    'attested',
    '--via',
    'lambda',
    '--json',
  ];
  assert.equal(json(await plumb(verify, home)).ok, true);
  const out = join(folder, 'brought-elsewhere');
  assert.equal(
    json(await plumb(['owner', 'get', 'readings', ...passwordArgs(), '--out', out, '--json'], home)).ok,
    true,
  );
  // The same device again, not a second one: its keys follow from the charter alone.
  const again = join(folder, 'device-again.json');
  json(await plumb(['device', 'provision', 'readings', ...passwordArgs(), '--out', again, '--json'], home));
  assert.deepEqual(JSON.parse(await readFile(again, 'utf8')), device);
  const twice = await plumb(restore, home);
  assert.equal(twice.exitCode, 2);
  assert.match(twice.stderr + twice.stdout, /already holds an owner/);
});

test('the bucket alone, without the service, gives everything back', async () => {
  const out = join(folder, 'from-bucket');
  const get = ['owner', 'get', 'readings', ...passwordArgs(), '--from', 's3', '--json'];
  assert.equal(json(await plumb([...get, '--out', out])).ok, true);
  assert.equal(await readFile(join(out, 'lines'), 'utf8'), await readFile(join(folder, 'restored', 'lines'), 'utf8'));
});

test('a new dataset on the restored machine has keys of its own', async () => {
  const home = { PLUMB_HOME: join(folder, 'elsewhere') };
  json(await plumb(['dataset', 'create', 'second', ...passwordArgs(), '--json'], home));
  const path = join(folder, 'second.json');
  json(await plumb(['device', 'provision', 'second', ...passwordArgs(), '--out', path, '--json'], home));
  const [first, second] = await Promise.all(
    [join(folder, 'device.json'), path].map(async (file) => JSON.parse(await readFile(file, 'utf8'))),
  );
  assert.notEqual(first.devicePrivateKey, second.devicePrivateKey);
  assert.notEqual(first.datasetKey, second.datasetKey);
});

test('a new device goes on where the old one ended, and both are known everywhere', async () => {
  const path = join(folder, 'replaced.json');
  const replaced = json(await plumb(['device', 'replace', 'readings', ...passwordArgs(), '--out', path, '--json']));
  assert.deepEqual([replaced.from, replaced.disowned, replaced.transactions.length], [5, [], 1]);
  const run = ['device', 'run', '--source', 'stdin', '--every', '200ms', '--poll', '100ms', '--until-idle'];
  const ran = await plumb(
    [...run, '--provision', path, '--outbox', join(folder, 'second-outbox'), '--timeout', '60s', '--json'],
    {},
    'of the new one\n',
  );
  assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
  const report = json(await plumb(['owner', 'verify', 'readings', ...passwordArgs(), '--json']));
  assert.deepEqual([report.ok, report.counts.intact], [true, 6]);
  const out = join(folder, 'of-both');
  json(await plumb(['owner', 'get', 'readings', ...passwordArgs(), '--out', out, '--json']));
  assert.match(await readFile(join(out, 'lines'), 'utf8'), /of the new one\n$/);

  const restored = json(
    await plumb(['owner', 'restore', ...passwordArgs(), '--json'], { PLUMB_HOME: join(folder, 'elsewhere') }),
  );
  const devices = restored.datasets.find(({ name }: Restored) => name === 'readings').devices;
  assert.deepEqual(
    devices.map(({ serial }: Restored['devices'][number]) => serial),
    [JSON.parse(await readFile(join(folder, 'device.json'), 'utf8')).serial, replaced.serial],
  );
  const listed = await plumb(['dataset', 'list', ...passwordArgs(), '--json']);
  const [line] = listed.stdout
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  assert.deepEqual(
    [line.name, line.kind, line.recorded, line.stored, line.recordedHow, line.device],
    ['readings', 'encrypted', 6, 6, 'directly', replaced.account],
  );
  assert.ok(line.storedBytes > 5000 && line.lastCaptureMs > 1.7e12 && line.recordedBlock > 0);
});

test('a published dataset is verified with records from the chain alone, also without any service', async () => {
  const create = ['dataset', 'create', 'open', '--kind', 'plain', '--published', ...passwordArgs(), '--json'];
  const { device } = json(await plumb(create));
  json(await plumb(['local', 'admit', device, '--fund-only', '--json']));
  const path = join(folder, 'open.json');
  json(await plumb(['device', 'provision', 'open', ...passwordArgs(), '--out', path, '--json']));
  const run = ['device', 'run', '--source', 'stdin', '--every', '200ms', '--poll', '100ms', '--until-idle'];
  const here = ['--provision', path, '--outbox', join(folder, 'open-outbox'), '--timeout', '60s', '--json'];
  const ran = await plumb([...run, ...here], {}, 'one\ntwo\nthree\n');
  assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);

  const verify = ['owner', 'verify', 'open', '--from-chain', '--anchor', 'latest', ...passwordArgs(), '--json'];
  assert.deepEqual(json(await plumb(verify)).counts.intact, 3);
  const alone = join(folder, 'no-service.json');
  // Port 9 of loopback: nobody is there.
  const content = { ...JSON.parse(await readFile(stack.stackFile, 'utf8')), apiUrl: 'http://127.0.0.1:9' };
  await writeFile(alone, JSON.stringify(content), { mode: 0o600 });
  const fromBucket = [...verify, '--protocol', 'II', '--from', 's3', '--stack', alone];
  assert.deepEqual(json(await plumb(fromBucket)).counts.intact, 3);
  const unpublished = await plumb(['owner', 'verify', 'readings', '--from-chain', ...passwordArgs(), '--json']);
  assert.equal(unpublished.exitCode, 1);
  assert.deepEqual(JSON.parse(unpublished.stdout).counts.intact, 0);

  const home = { PLUMB_HOME: join(folder, 'published-elsewhere') };
  json(
    await plumb(['owner', 'restore', ...passwordArgs(), '--mnemonic-file', join(folder, 'mnemonic'), '--json'], home),
  );
  const again = join(folder, 'open-again.json');
  json(await plumb(['device', 'provision', 'open', ...passwordArgs(), '--out', again, '--json'], home));
  assert.deepEqual(JSON.parse(await readFile(again, 'utf8')), JSON.parse(await readFile(path, 'utf8')));
});

test("another owner's request for the dataset is refused, and says so with its own code", async () => {
  const home = join(folder, 'stranger');
  const stranger = { PLUMB_HOME: home };
  json(await plumb(['owner', 'init', ...passwordArgs(), '--mnemonic-out', join(folder, 'other'), '--json'], stranger));
  const { dataset } = JSON.parse(await readFile(join(folder, 'device.json'), 'utf8'));
  const ended = await plumb(['owner', 'verify', dataset, ...passwordArgs(), '--json'], stranger);
  const report = JSON.parse(ended.stdout);
  assert.equal(ended.exitCode, 1);
  assert.equal(report.counts.refused, report.checked);
  assert.equal(report.assurance.confidence, null);
});

test('files with secrets are created once, mode 0600, and refused when others could read them', async () => {
  for (const path of ['owner/keystore.json', 'device.json', 'mnemonic']) {
    assert.equal((await stat(join(folder, path))).mode & 0o777, 0o600, path);
  }
  assert.equal(keystoreMode & 0o777, 0o600);
  const again = await plumb([
    'device',
    'provision',
    'readings',
    ...passwordArgs(),
    '--out',
    join(folder, 'device.json'),
  ]);
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /exists already, and is never replaced/);
  const twice = await plumb(['owner', 'init', ...passwordArgs(), '--mnemonic-out', join(folder, 'third')]);
  assert.equal(twice.exitCode, 2);

  await chmod(join(folder, 'wrong'), 0o640);
  const loose = await plumb(['owner', 'verify', 'readings', '--password-file', join(folder, 'wrong')]);
  assert.equal(loose.exitCode, 2);
  assert.match(loose.stderr, /mode 0640.*chmod 600/);
  await chmod(join(folder, 'wrong'), 0o600);
});

const MISTAKES: readonly [string, () => string[], number, RegExp][] = [
  [
    'a wrong password',
    () => ['owner', 'verify', 'readings', '--password-file', join(folder, 'wrong')],
    2,
    /password does not open/,
  ],
  [
    'an unknown dataset',
    () => ['owner', 'verify', 'rain', ...passwordArgs()],
    2,
    /no dataset rain .*it lists: readings/,
  ],
  ['an unknown option', () => ['owner', 'verify', 'readings', '--samples'], 2, /unknown option '--samples'/],
  ['a sample of nothing', () => ['owner', 'verify', 'readings', '--sample', '0'], 2, /not a number of 1 or more/],
  [
    'blocks that are no range',
    () => ['owner', 'get', 'readings', '--blocks', '9-3', '--out', 'x'],
    2,
    /not a block range/,
  ],
  ['a time that is none', () => ['owner', 'get', 'readings', '--from', 'noon', '--out', 'x'], 2, /not a time/],
  ['a name too long', () => ['dataset', 'create', 'n'.repeat(33), ...passwordArgs()], 2, /33 bytes.*1 to 32/],
  [
    'no stack there',
    () => ['owner', 'verify', 'readings', ...passwordArgs(), '--stack', join(folder, 'none')],
    2,
    /plumb local up/,
  ],
  ['an address that is none', () => ['local', 'admit', '0x12'], 2, /not an address/],
];

for (const [mistake, args, code, said] of MISTAKES) {
  test(`${mistake} is named, with the way out`, async () => {
    const ended = await plumb(args());
    assert.equal(ended.exitCode, code, ended.stderr);
    assert.match(ended.stderr, said);
    assert.doesNotMatch(ended.stderr, /\n {4}at /, 'no stack trace for a mistake of the caller');
  });
}

test('a chain that does not answer ends with the code for trying again', async () => {
  const text = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  const path = join(folder, 'dead-chain.json');
  await writeFile(path, JSON.stringify({ ...text, rpcUrl: 'http://127.0.0.1:1' }), { mode: 0o600 });
  const ended = await plumb(['owner', 'verify', 'readings', ...passwordArgs(), '--stack', path, '--json']);
  assert.equal(ended.exitCode, 3, ended.stdout);
  assert.equal(JSON.parse(ended.stdout).error.name, 'LedgerUnavailableError');
});

test('every command has help with an example', async () => {
  for (const command of [
    'owner init',
    'owner restore',
    'owner verify',
    'owner get',
    'dataset create',
    'dataset list',
    'device provision',
    'device replace',
  ]) {
    const { exitCode, stdout } = await plumb([...command.split(' '), '--help']);
    assert.equal(exitCode, 0);
    assert.match(stdout, new RegExp(`Examples?:[^]*plumb ${command}`), command);
  }
});

test('no secret was ever said', () => {
  const secrets = [
    readFileSync(join(folder, 'mnemonic'), 'utf8').trim(),
    readFileSync(join(folder, 'password'), 'utf8').trim(),
    ...(['datasetKey', 'devicePrivateKey'] as const).map((name) =>
      JSON.parse(readFileSync(join(folder, 'device.json'), 'utf8'))[name].slice(2),
    ),
    JSON.parse(readFileSync(stack.stackFile, 'utf8')).s3SecretKey,
  ];
  const said = everythingSaid.join('\n') + readFileSync(join(folder, 'stack', 'stack.log'), 'utf8');
  for (const secret of secrets) assert.ok(secret.length > 8 && !said.includes(secret));
});
