import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startS3 } from '../../local/s3/start-s3.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import { filesIn, indexIn } from '../client/restore-fixture.ts';
import { TestBroker } from '../device/mqtt-broker.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import {
  type Ended,
  plumbCommand,
  runPlumb,
  type StackUnderTest,
  spawnPlumb,
  startStackUnderTest,
} from './run-plumb.ts';

/* What a person gets back, and how it is said, on the embedded stack: the tests follow one another. */

const PASSWORD = 'correct horse battery';
const MIB = 2 ** 20;
const TOPICS = ['a', 'a/b', 'a//b', 'same', 'same', 'same', 'same~2', 'two\nlines', 'C:\\x', '\u001b[31mred'];
/** Of one block each, and one of three; enough to be interrupted in. */
const FILES: Record<string, Buffer> = {
  ...Object.fromEntries(
    Array.from({ length: 24 }, (_, i) => [`hour-${String(i).padStart(2, '0')}.bin`, randomBytes(MIB - 16)]),
  ),
  'large.bin': randomBytes(2.5 * MIB),
};

let folder: string;
let stack: StackUnderTest;
let env: Record<string, string>;

const plumb = (args: readonly string[], more: Record<string, string> = {}): Promise<Ended> =>
  runPlumb([...args, '--password-file', join(folder, 'password')], { ...env, ...more });

function json(ended: Ended) {
  assert.equal(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
}

const get = (name: string, out: string, ...more: string[]): Promise<Ended> =>
  plumb(['owner', 'get', name, '--out', join(folder, out), ...more]);

async function provision(name: string): Promise<string> {
  const path = join(folder, `${name}.json`);
  json(await plumb(['dataset', 'create', name, '--json']));
  json(await plumb(['device', 'provision', name, '--out', path, '--json']));
  return path;
}

const RUN = ['--every', '200ms', '--poll', '100ms', '--json'];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-get-'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 });
  const { account } = json(await plumb(['owner', 'init', '--mnemonic-out', join(folder, 'mnemonic'), '--json']));
  await quickenKeystore(join(folder, 'owner'), PASSWORD);
  json(await runPlumb(['local', 'admit', account, '--json'], env));
  await Promise.all([captureTopics(), captureFiles()]);
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

async function captureTopics(): Promise<void> {
  const path = await provision('topics');
  const broker = new TestBroker();
  const port = await broker.listen();
  const source = ['--source', `mqtt:mqtt://127.0.0.1:${port}/#`];
  const child = spawnPlumb(['device', 'run', '--provision', path, ...source, ...RUN]);
  const exited = once(child, 'exit');
  const checked = Promise.withResolvers<void>();
  let blocks = 0;
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const event = JSON.parse(line);
    if (event.event === 'checked') blocks += event.blocks;
    if (blocks === TOPICS.length) checked.resolve();
  });
  const timer = setTimeout(() => checked.reject(new Error(`${blocks} messages were checked`)), 110_000);
  for (const [i, topic] of TOPICS.entries()) broker.publish(topic, `m${i}`);
  await checked.promise.finally(() => {
    clearTimeout(timer);
    child.kill('SIGINT');
  });
  await exited;
  await broker.close();
}

async function captureFiles(): Promise<void> {
  const path = await provision('files');
  const readings = join(folder, 'readings');
  await mkdir(readings);
  for (const [name, content] of Object.entries(FILES)) await writeFile(join(readings, name), content);
  const run = ['device', 'run', '--provision', path, '--source', `dir:${readings}`, ...RUN];
  const ran = await runPlumb([...run, '--until-idle', '--timeout', '110s'], env);
  assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
}

async function assertAllFiles(out: string): Promise<void> {
  for (const [name, content] of Object.entries(FILES)) {
    assert.ok(content.equals(await readFile(join(folder, out, name))), name);
  }
}

test('messages come back with topic, number and time, whatever the topics are called', async () => {
  const ended = await get('topics', 'topics');
  assert.equal(ended.exitCode, 0, ended.stdout + ended.stderr);
  const index = await indexIn(join(folder, 'topics'));
  assert.deepEqual(index.map(({ name }) => name).sort(), [...TOPICS].sort());
  assert.equal(new Set(index.map(({ path }) => path)).size, TOPICS.length);
  const files = await filesIn(join(folder, 'topics'));
  for (const { name, path, number = 0, capturedAt, verdict } of index) {
    const nth = TOPICS.flatMap((topic, i) => (topic === name ? [i] : []))[number - 1];
    assert.equal(files[path as string], `m${nth}`, `message ${number} of ${name}`);
    assert.ok(Date.parse(capturedAt as string) > 1.7e12);
    assert.equal(verdict, 'intact');
  }
  // A person is told which names are not what was recorded, with every character to be seen.
  for (const shown of ['"two\\nlines"', '"C:\\\\x"', '"\\u001b[31mred"', '"a//b"']) {
    assert.ok(ended.stdout.includes(`is ${shown}`), `${shown} in\n${ended.stdout}`);
  }
  assert.ok(!ended.stdout.includes('\u001b'));
});

test('a topic comes back as one series, as lines and as JSON lines with times', async () => {
  json(await get('topics', 'topic-lines', '--as', 'lines', '--json'));
  assert.equal(await readFile(join(folder, 'topic-lines', 'same'), 'utf8'), 'm3\nm4\nm5\n');
  json(await get('topics', 'topic-json', '--as', 'jsonl', '--json'));
  const lines = (await readFile(join(folder, 'topic-json', 'same.jsonl'), 'utf8')).trimEnd().split('\n');
  const found = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    found.map(({ name, text }) => [name, text]),
    [
      ['same', 'm3'],
      ['same', 'm4'],
      ['same', 'm5'],
    ],
  );
  assert.ok(found.every(({ capturedAt }) => /^20\d\d-.*Z$/.test(capturedAt)));
  const refused = await get('topics', 'topic-json', '--as', 'files');
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /holds dataset topics as jsonl, all blocks/);
});

test('Ctrl-C in the midst keeps what came; the same command goes on, and fetches the rest alone', async () => {
  const out = join(folder, 'broken');
  const args = ['owner', 'get', 'files', '--out', out, '--password-file', join(folder, 'password')];
  const child = spawnPlumb(args, env);
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  child.stdout?.resume();
  const exited = once(child, 'exit');
  const isBegun = async (): Promise<boolean> =>
    (await readdir(out).catch(() => [])).some((name) => name.endsWith('.bin'));
  while (child.exitCode === null && !(await isBegun())) await sleep(2);
  child.kill('SIGINT');
  assert.deepEqual(await exited, [130, null], said);
  assert.match(said, /Verified \d+ blocks? so far, in .*broken\. Run the same command again to continue\./);
  const came = (await readdir(out)).filter((name) => name.endsWith('.bin'));
  const states = await Promise.all(came.map((name) => stat(join(out, name), { bigint: true })));
  const report = json(await get('files', 'broken', '--json'));
  assert.ok(report.ok && report.restored.kept >= came.length && report.restored.kept < report.intact, 'some are kept');
  await assertAllFiles('broken');
  const now = await Promise.all(came.map((name) => stat(join(out, name), { bigint: true })));
  assert.deepEqual(
    now.map(({ ino, mtimeNs }) => [ino, mtimeNs]),
    states.map(({ ino, mtimeNs }) => [ino, mtimeNs]),
  );
  const again = await get('files', 'broken');
  assert.match(again.stdout, /verified {6}27 blocks, every byte hashed here; 27 of them were already there/);
});

test('a full disk is named, and with more room the same command goes on', async (context) => {
  const out = join(folder, 'small-disk');
  await mkdir(out);
  const command = [
    ...plumbCommand(),
    'owner',
    'get',
    'files',
    '--out',
    out,
    '--password-file',
    join(folder, 'password'),
  ];
  // A disk of its own, which this user may make where the system lets it.
  const script = `mount -t tmpfs -o size=8m tmpfs "$0" || exit 99
    "$@"; echo "first $?"; mount -o remount,size=64m "$0"; "$@" --json; echo "second $?"`;
  const child = spawn('unshare', ['-Urm', 'sh', '-c', script, out, ...command], { env: { ...process.env, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  child.on('error', (error) => (said += error.message));
  const [code] = await once(child, 'close');
  if (code !== 0) return context.skip(`no disk could be made here: ${said.trim()}`);
  assert.match(
    said,
    /No room is left for .*small-disk \(ENOSPC\)\. .*Make room.*run the same command again to continue\./,
  );
  assert.match(said, /first 2\n/);
  assert.match(said, /second 0\n/);
  const report = JSON.parse(said.split('\n').find((line) => line.startsWith('{')) as string);
  assert.ok(report.ok && report.restored.kept > 0 && report.restored.kept < 27, `${report.restored.kept} were kept`);
});

test('damage is shown by ranges, with the files and the hours', async () => {
  const { dataset } = JSON.parse(await readFile(join(folder, 'files.json'), 'utf8'));
  const objects = join(folder, 'stack', 'objects', 'buckets', 'segments', dataset.slice(2));
  const found = await readdir(objects, { recursive: true });
  const segments = found.filter((path) => path.endsWith('.car@data')).sort();
  const [first] = segments as [string];
  await copyFile(join(objects, first), join(folder, 'kept-segment'));
  const bytes = await readFile(join(objects, first));
  // They are encrypted: by their place. The last blocks of the segment are behind one another.
  for (const back of [1.5, 2.5])
    bytes[bytes.length - Math.round(back * MIB)] = ~(bytes.at(-Math.round(back * MIB)) as number);
  await writeFile(join(objects, first), bytes);

  const verified = await plumb(['owner', 'verify', 'files', '--protocol', 'II', '--from', 'get-block']);
  assert.equal(verified.exitCode, 1, verified.stdout + verified.stderr);
  const line =
    /blocks (\d+) to (\d+) \(2\): corrupted: .* Captured 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC.*, of ([^ ]+\.bin)/;
  assert.match(verified.stdout, line);
  const report = JSON.parse(
    (await plumb(['owner', 'verify', 'files', '--protocol', 'II', '--from', 's3', '--json'])).stdout,
  );
  const [range] = report.damage;
  assert.deepEqual([report.damage.length, range.to - range.from, range.where.isExact], [1, 1, true]);
  assert.ok(range.where.names.every((name: string) => name in FILES));

  const got = await get('files', 'damaged');
  assert.equal(got.exitCode, 1);
  assert.match(got.stdout, /blocks \d+ to \d+: corrupted: .* Captured 20.*, of [^ ]+\.bin.* Not written\./);
  for (const name of range.where.names) assert.ok(!(await readdir(join(folder, 'damaged'))).includes(name));

  await rm(join(objects, first));
  const gone = await get('files', 'gone');
  assert.equal(gone.exitCode, 1);
  assert.match(gone.stdout, /: unavailable: /);
  await copyFile(join(folder, 'kept-segment'), join(objects, first));
  const healed = json(await get('files', 'damaged', '--json'));
  assert.deepEqual([healed.ok, healed.intact - healed.restored.kept > 0], [true, true]);
  await assertAllFiles('damaged');
});

test('when the service is gone, bucket, chain and the mnemonic bring everything back', async (context) => {
  const named = JSON.parse(await readFile(stack.stackFile, 'utf8'));
  assert.equal(await stack.end('SIGINT'), 0);
  const portOf = (url: string): number => Number(new URL(url).port);
  const chain = await startAnvil({
    stateFile: join(folder, 'stack', 'chain', 'state.json'),
    door: {
      port: portOf(named.rpcUrl),
      tokens: {
        anyone: new URL(named.rpcUrl).pathname.slice(1),
        keeper: new URL(named.chainKeeperRpcUrl).pathname.slice(1),
      },
    },
    mining: { blockTimeMs: 200 },
  });
  context.after(() => chain.stop());
  const s3 = await startS3({
    ...{ dataDir: join(folder, 'stack', 'objects'), port: portOf(named.s3Endpoint), region: 'us-east-1' },
    ...{ buckets: [named.bucket], accessKey: named.s3AccessKey, secretKey: named.s3SecretKey },
  });
  context.after(() => s3.close());
  const stackFile = join(folder, 'alone.json');
  await writeFile(stackFile, JSON.stringify(named), { mode: 0o600 });
  const home = { PLUMB_HOME: join(folder, 'elsewhere'), PLUMB_STACK: stackFile };

  const restored = await plumb(['owner', 'restore', '--mnemonic-file', join(folder, 'mnemonic')], home);
  assert.equal(restored.exitCode, 3, 'the service may know more');
  assert.match(restored.stdout, /with 2 datasets/);
  const through = await plumb(['owner', 'get', 'topics', '--out', join(folder, 'through')], home);
  assert.equal(through.exitCode, 3, through.stdout);
  assert.match(through.stdout, /To read the bucket without the service, add --from s3\./);
  for (const name of ['topics', 'files']) {
    const out = join(folder, `alone-${name}`);
    const report = json(await plumb(['owner', 'get', name, '--from', 's3', '--out', out, '--json'], home));
    assert.equal(report.ok, true);
    const verify = ['owner', 'verify', name, '--protocol', 'II', '--from', 's3', '--json'];
    assert.equal(json(await plumb(verify, home)).ok, true);
  }
  await assertAllFiles('alone-files');
  assert.deepEqual(await filesIn(join(folder, 'alone-topics')), await filesIn(join(folder, 'topics')));
});
