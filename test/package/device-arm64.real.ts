import assert from 'node:assert/strict';
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { VERSIONS } from '../../dev/real/programs/versions.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { runPlumb, type StackUnderTest, startStackUnderTest } from '../cli/run-plumb.ts';

/* The device's one file on the processor that it is for: Node for arm64, emulated here, against a stack on this machine. */

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const NODE = findProgram('node-arm64');
/** As the service starts it. */
const NODE_OPTIONS = ['--max-old-space-size=128', '--max-semi-space-size=2'];
const FAST = ['--settle', '100ms', '--batch-age', '100ms', '--poll', '100ms'];
/** Each life ends with SIGKILL at the first of these events, of files that were laid there for it. */
const INSTANTS = ['captured', 'sealed', 'stored', 'final'] as const;
const FILES_A_LIFE = 3;
const PATIENCE_MS = 110_000;

let folder: string;
let machine: string;
let readings: string;
let stack: StackUnderTest;
let plumb: (...args: string[]) => Promise<Record<string, unknown>>;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-arm64-'));
  [machine, readings] = [join(folder, 'machine'), join(folder, 'machine', 'readings')];
  await mkdir(readings, { recursive: true });
  await run(process.execPath, [join(ROOT, 'dev', 'packaging', 'bundle-device.ts'), join(folder, 'built')]);
  // Alone: nothing of the repository is found from here.
  await copyFile(join(folder, 'built', 'plumb-device.mjs'), join(machine, 'plumb-device.mjs'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  const env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  plumb = async (...args) => {
    const ended = await runPlumb([...args, '--json'], env);
    assert.equal(ended.exitCode, 0, `${args.join(' ')}\n${ended.stdout}${ended.stderr}`);
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
  };
  const password = ['--password-file', join(folder, 'password')];
  const { account } = await plumb('owner', 'init', ...password, '--mnemonic-out', join(folder, 'mnemonic'));
  await plumb('local', 'admit', String(account));
  await plumb('dataset', 'create', 'boat', ...password);
  await plumb('device', 'provision', 'boat', ...password, '--out', join(machine, 'device.json'));
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

test('the program is Node for arm64, of the version that everything else runs on', async () => {
  const { stdout } = await run(NODE, ['-p', 'process.arch + " " + process.versions.node']);
  assert.equal(stdout, `arm64 ${VERSIONS['node-arm64']}\n`);
  assert.equal(process.versions.node, VERSIONS['node-arm64']);
});

test('killed at each step of a batch’s life, it has every file recorded and checked, once', {
  timeout: 600_000,
}, async () => {
  const written = new Map<string, Buffer>();
  for (const [life, instant] of INSTANTS.entries()) {
    await layFiles(written, life);
    const device = startDevice();
    await device.first(instant);
    device.child.kill('SIGKILL');
    assert.deepEqual(await device.ended, [null, 'SIGKILL']);
  }
  await layFiles(written, INSTANTS.length);
  const last = startDevice('--until-idle', '--timeout', '100s');
  assert.deepEqual(await last.ended, [0, null], JSON.stringify(last.events.slice(-5)));
  assert.ok(last.events.some(({ event }) => event === 'checked'));

  const count = written.size;
  const status = JSON.parse((await run(NODE, [...command('status'), '--json'], { cwd: machine })).stdout);
  assert.deepEqual([status.captured.blocks, status.unsealed.blocks], [count, 0]);
  const password = ['--password-file', join(folder, 'password')];
  const report = await plumb('owner', 'verify', 'boat', ...password);
  assert.deepEqual([report.ok, report.total], [true, count], 'a block a file: none is lost, none is there twice');
  const out = join(folder, 'restored');
  await plumb('owner', 'get', 'boat', ...password, '--out', out);
  const names = (await readdir(out)).filter((name) => name.endsWith('.csv')).sort();
  assert.deepEqual(names, [...written.keys()].sort());
  for (const [name, content] of written) assert.deepEqual(await readFile(join(out, name)), content, name);
});

/** Files of one life, each there at once. */
async function layFiles(written: Map<string, Buffer>, life: number): Promise<void> {
  for (let i = 0; i < FILES_A_LIFE; i++) {
    const name = `life-${life}-${i}.csv`;
    const content = Buffer.from(`${name},${'1013.25,'.repeat(100 * (i + 1))}\n`);
    const aside = join(machine, name);
    await writeFile(aside, content);
    await rename(aside, join(readings, name));
    written.set(name, content);
  }
}

function command(name: string, ...args: string[]): string[] {
  return [...NODE_OPTIONS, join(machine, 'plumb-device.mjs'), name, ...args];
}

function startDevice(...more: string[]) {
  const args = command('run', '--source', `dir:${readings}`, ...FAST, ...more);
  const child: ChildProcessByStdio<null, Readable, null> = spawn(NODE, args, {
    cwd: machine,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const events: DeviceEvent[] = [];
  const awaited = new Map<string, () => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as DeviceEvent;
    events.push(event);
    awaited.get(event.event)?.();
  });
  const ended = once(child, 'close').finally(() => clearTimeout(timer)) as Promise<
    [number | null, NodeJS.Signals | null]
  >;
  return {
    ...{ child, events, ended },
    /** When it has said so first. */
    first: (kind: DeviceEvent['event']): Promise<void> =>
      new Promise((resolve, reject) => {
        awaited.set(kind, resolve);
        void ended.then(() => reject(new Error(`It ended without ${kind}: ${JSON.stringify(events.slice(-5))}`)));
      }),
  };
}
