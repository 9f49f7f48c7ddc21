import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { quickenKeystore } from './quicken-keystore.ts';
import { runPlumb, type StackUnderTest, startStackUnderTest } from './run-plumb.ts';

let folder: string;
let stack: StackUnderTest;
let env: Record<string, string>;
const passwordArgs = () => ['--password-file', join(folder, 'password')];

async function plumb(args: readonly string[], input = '') {
  const { stdout, stderr, exitCode } = await runPlumb([...args, '--json'], env, input);
  const last = stdout.trim().split('\n').at(-1) ?? '';
  return { exitCode, said: last === '' ? null : JSON.parse(last), whole: stdout + stderr };
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-service-'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  const { said } = await plumb(['owner', 'init', ...passwordArgs(), '--mnemonic-out', join(folder, 'mnemonic')]);
  await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
  await plumb(['local', 'admit', said.account]);
  await plumb(['dataset', 'create', 'readings', ...passwordArgs()]);
  await plumb(['device', 'provision', 'readings', ...passwordArgs(), '--out', join(folder, 'device.json')]);
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

/** Deletes every item of the stack's table, as the operator sees it. */
async function loseTable(): Promise<void> {
  const { tableEndpoint, tableName, tableAccessKey, tableSecretKey } = JSON.parse(
    await readFile(stack.stackFile, 'utf8'),
  );
  const client = createDynamoClient({
    ...{ region: 'us-east-1', endpoint: tableEndpoint },
    credentials: { accessKeyId: tableAccessKey, secretAccessKey: tableSecretKey },
  });
  const table = createDynamoTable({ client, tableName });
  const { dataset } = JSON.parse(await readFile(join(folder, 'device.json'), 'utf8'));
  for (const pk of [`D#${dataset}`, 'WORK', 'OWNERS']) {
    const { items } = await table.query(pk, { from: ' ', to: '~', limit: 1_000 });
    for (const { sk } of items) await table.delete(pk, sk, 'any');
  }
  client.destroy();
}

test('service rebuild makes everything provable again, beside the running service, and again changes nothing', async () => {
  const device = ['device', 'run', '--provision', join(folder, 'device.json'), '--source', 'stdin', '--every', '100ms'];
  const ran = await plumb([...device, '--poll', '100ms', '--until-idle', '--timeout', '60s'], 'one\ntwo\nthree\n');
  assert.equal(ran.exitCode, 0, ran.whole);
  const verify = ['owner', 'verify', 'readings', ...passwordArgs()];
  assert.equal((await plumb(verify)).exitCode, 0);
  const owners = join(folder, 'owners.jsonl');
  await writeFile(owners, (await runPlumb(['service', 'owner', 'list', '--json'], env)).stdout);
  await loseTable();
  assert.notEqual((await plumb(verify)).exitCode, 0, 'nothing can be proven');

  assert.equal((await plumb(['service', 'owner', 'add', '--file', owners])).exitCode, 0);
  const rebuilt = await plumb(['service', 'rebuild']);
  assert.equal(rebuilt.exitCode, 0, rebuilt.whole);
  assert.equal(rebuilt.said.charters.kept, 1);
  assert.deepEqual(rebuilt.said.failures, []);
  const [dataset] = rebuilt.said.datasets;
  assert.deepEqual([rebuilt.said.datasets.length, dataset.size, dataset.hasChainHead], [1, 3, true]);
  const verified = await plumb(verify);
  assert.equal(verified.exitCode, 0, verified.whole);
  assert.equal(verified.said.counts.intact, 3);

  const again = await plumb(['service', 'rebuild']);
  assert.deepEqual([again.exitCode, again.said.mended, again.said.recounted], [0, 0, 0], again.whole);
});

test('service owner adds, changes, lists and removes, and names what is wrong before it writes anything', async () => {
  const [one, other] = [`0x${'1a'.repeat(20)}`, `0x${'2b'.repeat(20)}`];
  const owner = (...args: string[]) => runPlumb(['service', 'owner', ...args], env);
  const list = async () => {
    const { stdout } = await owner('list', '--json');
    const lines = stdout.trim().split('\n');
    return new Map(lines.map((line) => JSON.parse(line)).map((said) => [said.owner, said.quotaBytes]));
  };
  const before = await list();
  assert.equal((await owner('add', one, other, '--quota', '5')).exitCode, 0);
  assert.equal((await owner('add', one.toUpperCase().replace('0X', '0x'), '--quota', '7')).exitCode, 0);
  assert.deepEqual(await list(), new Map([...before, [one, 7], [other, 5]].sort() as [string, number][]));
  assert.equal((await owner('remove', one, other)).exitCode, 0);
  assert.deepEqual(await list(), before);
  assert.equal((await owner('remove', one)).exitCode, 1);

  const file = join(folder, 'spoilt.jsonl');
  await writeFile(file, `{"owner":"${one}","quotaBytes":5}\n{"owner":"0x12","quotaBytes":5}\n`);
  const spoilt = await owner('add', '--file', file);
  assert.notEqual(spoilt.exitCode, 0);
  assert.match(spoilt.stderr, /line 2/);
  for (const args of [
    ['add', one],
    ['add', '--quota', '5'],
    ['add', one, '--quota', '5', '--file', file],
  ]) {
    assert.equal((await owner(...args)).exitCode, 2, args.join(' '));
  }
  assert.deepEqual(await list(), before, 'nothing was written');
  const nowhere = await runPlumb(['service', 'owner', 'list'], { PLUMB_HOME: folder });
  assert.match(nowhere.stderr, /Nothing says which service\./);
});

test('without a stack, the variable of the deployment that is missing is named', async () => {
  const ended = await runPlumb(['service', 'rebuild', '--json'], { PLUMB_HOME: join(folder, 'owner') });
  assert.equal(ended.exitCode, 6);
  assert.match(JSON.parse(ended.stdout).error.message, /PLUMBLINE_|AWS_REGION/);
});
