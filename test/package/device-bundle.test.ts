import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb, type StackUnderTest, startStackUnderTest } from '../cli/run-plumb.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const unit = readFileSync(join(root, 'dev', 'packaging', 'plumb-device.service'), 'utf8');
/** As the service starts it. */
const NODE_OPTIONS = ['--max-old-space-size=128', '--max-semi-space-size=2'];

let folder: string;
let machine: string;
let stack: StackUnderTest;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-bundle-'));
  machine = join(folder, 'machine');
  await mkdir(machine);
  await run(process.execPath, [join(root, 'dev', 'packaging', 'bundle-device.ts'), join(folder, 'built')]);
  // Alone: nothing of the repository is found from here.
  await copyFile(join(folder, 'built', 'plumb-device.mjs'), join(machine, 'plumb-device.mjs'));
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

function device(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const command = [...NODE_OPTIONS, join(machine, 'plumb-device.mjs'), ...args];
  return run(process.execPath, command, { cwd: machine, env, timeout: 120_000 });
}

test('one file captures, uploads and is recorded; the owner gets everything back', async () => {
  stack = await startStackUnderTest(join(folder, 'stack'));
  const env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  const plumb = async (args: readonly string[]) => {
    const ended = await runPlumb([...args, '--json'], env);
    assert.equal(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
  };
  const password = ['--password-file', join(folder, 'password')];
  const { account } = await plumb(['owner', 'init', ...password, '--mnemonic-out', join(folder, 'mnemonic')]);
  await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
  await plumb(['local', 'admit', account]);
  await plumb(['dataset', 'create', 'bundled', ...password]);
  await plumb(['device', 'provision', 'bundled', ...password, '--out', join(machine, 'device.json')]);
  const readings = join(machine, 'readings');
  await mkdir(readings);
  await writeFile(join(readings, 'one.csv'), 'a,1\n'.repeat(1000));
  await writeFile(join(readings, 'two.csv'), 'b,2\n'.repeat(1000));

  const fast = ['--settle', '100ms', '--batch-age', '100ms', '--poll', '100ms', '--until-idle', '--timeout', '60s'];
  const ran = await device(['run', '--source', `dir:${readings}`, ...fast]);
  const events = ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event);
  for (const event of ['captured', 'stored', 'final', 'checked']) assert.ok(events.includes(event), event);
  const status = JSON.parse((await device(['status', '--json'])).stdout);
  assert.deepEqual([status.captured.blocks, status.unsealed.blocks], [2, 0]);

  const out = join(folder, 'restored');
  await plumb(['owner', 'get', 'bundled', ...password, '--out', out]);
  for (const name of ['one.csv', 'two.csv']) {
    assert.deepEqual(readFileSync(join(out, name)), readFileSync(join(readings, name)));
  }
});

test('the service starts it with options that it has, in no more memory than it may take', async () => {
  const command = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit)?.[1] ?? '';
  const words = command.replaceAll('\\\n', ' ').split(/\s+/);
  assert.deepEqual(words.slice(1, 3), NODE_OPTIONS);
  const { stdout } = await device(['run', '--help']);
  const [, ...options] = words.slice(words.indexOf('run'));
  for (const option of options.filter((word) => word.startsWith('--'))) assert.match(stdout, new RegExp(`${option} `));
  assert.match(unit, /^MemoryMax=384M$/m);
  for (const line of ['NoNewPrivileges=yes', 'ProtectSystem=strict', 'DynamicUser=yes', 'CapabilityBoundingSet=']) {
    assert.ok(unit.split('\n').includes(line), line);
  }
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test('systemd takes the unit, and finds it little exposed', { skip: !hasSystemd && 'no systemd here' }, async () => {
  const folderOfUnit = join(folder, 'unit');
  await mkdir(folderOfUnit);
  const path = join(folderOfUnit, 'plumb-device.service');
  // verify looks for the program, which is another machine's.
  await writeFile(path, unit.replace('/usr/local/bin/node', '/bin/true'));
  const verified = await run('systemd-analyze', ['verify', path]);
  assert.equal(verified.stderr.trim(), '');
  const { stdout } = await run('systemd-analyze', ['security', '--offline=true', path]);
  const exposure = Number(/exposure level for .*: ([0-9.]+)/.exec(stdout)?.[1]);
  assert.ok(exposure <= 1.5, `${exposure}`);
});
