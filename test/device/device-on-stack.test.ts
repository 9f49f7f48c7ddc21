import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { outboxPathOf } from '../../cli/device/outbox-path.ts';
import { growPeaks } from '../../core/log/growth.ts';
import { signHead } from '../../core/log/head.ts';
import { EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { rebuildPeaks } from '../../core/log/rebuild-peaks.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { readProvision } from '../../device/provision/read-provision.ts';
import { startForeignNode } from '../adapters/foreign-node.ts';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb, type StackUnderTest, spawnPlumb, startStackUnderTest } from '../cli/run-plumb.ts';

/* The device as its user starts it, against the whole embedded stack: real chain, contract, store, functions. */

let folder: string;
let stack: StackUnderTest;
let env: Record<string, string>;
let owner: string;
const passwordArgs = () => ['--password-file', join(folder, 'password')];
const FAST = ['--poll', '100ms', '--batch-age', '200ms', '--settle', '100ms', '--json'];

async function plumb(args: readonly string[], input = '') {
  const ended = await runPlumb(args, env, input);
  assert.equal(ended.exitCode, 0, `plumb ${args.join(' ')}\n${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
}

/** A dataset with its device's file. */
async function provision(name: string, flags: readonly string[] = []): Promise<{ file: string; account: string }> {
  await plumb(['dataset', 'create', name, ...passwordArgs(), ...flags, '--json']);
  const file = join(folder, `${name}.json`);
  const { account } = await plumb(['device', 'provision', name, ...passwordArgs(), '--out', file, '--json']);
  return { file, account };
}

function startDevice(args: readonly string[]): {
  child: ChildProcess;
  event(kind: string, count?: number): Promise<void>;
} {
  const child = spawnPlumb(['device', 'run', ...args, ...FAST], env);
  const seen: DeviceEvent[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    seen.push(JSON.parse(line));
    for (const look of waiting) look();
  });
  return {
    child,
    event: (kind, count = 1) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no ${kind} within 60 s: ${JSON.stringify(seen.slice(-10))} ${stderr}`)),
          60_000,
        );
        const look = (): void => {
          if (seen.filter(({ event }) => event === kind).length < count) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const closed = once(child, 'close');
  child.kill(signal);
  const [code] = (await closed) as [number | null];
  return code;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plumbline-on-stack-'));
  stack = await startStackUnderTest(join(folder, 'stack'));
  env = { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(folder, 'owner') };
  await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
  const init = ['owner', 'init', ...passwordArgs(), '--mnemonic-out', join(folder, 'mnemonic'), '--json'];
  const { account } = await plumb(init);
  owner = account;
  await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
  await plumb(['local', 'admit', account, '--json']);
});

after(async () => {
  await stack?.end('SIGINT');
  await rm(folder, { recursive: true, force: true });
});

test('the stack is killed while a device runs: it goes on capturing, and everything is recorded once the stack is back', async () => {
  const { file } = await provision('outage');
  const readings = join(folder, 'readings');
  mkdirSync(readings);
  const device = startDevice(['--provision', file, '--source', `dir:${readings}`]);
  writeFileSync(join(readings, 'before.csv'), 'before');
  await device.event('recorded');
  await stack.end('SIGKILL');
  writeFileSync(join(readings, 'during.csv'), 'during');
  await device.event('captured', 2);
  await device.event('retry', 2);
  const status = await plumb(['device', 'status', '--provision', file, '--json']);
  assert.equal(status.captured.blocks, 2);
  assert.ok(status.oldestUnsentMs > 0);
  assert.ok(status.failures.length > 0);
  // The device dies too, and comes back before the stack does.
  assert.equal(await kill(device.child, 'SIGKILL'), null);
  const again = startDevice(['--provision', file, '--source', `dir:${readings}`, '--until-idle']);
  writeFileSync(join(readings, 'later.csv'), 'later');
  await again.event('captured');
  stack = await startStackUnderTest(join(folder, 'stack'));
  const [code] = (await once(again.child, 'close')) as [number | null];
  assert.equal(code, 0);
  const out = join(folder, 'outage-restored');
  await plumb(['owner', 'get', 'outage', ...passwordArgs(), '--out', out, '--json']);
  const restored = readdirSync(out).filter((name) => !name.startsWith('plumb-'));
  assert.deepEqual(restored.toSorted(), ['before.csv', 'during.csv', 'later.csv']);
  for (const name of readdirSync(readings)) {
    assert.deepEqual(readFileSync(join(out, name)), readFileSync(join(readings, name)));
  }
});

test('an older copy of the outbox, put back, adopts what the service and the chain have, and records on', async () => {
  const { file, account } = await provision('copied', ['--published']);
  await plumb(['local', 'admit', account, '--fund-only', '--json']);
  const outbox = join(folder, 'copied.outbox');
  const run = (lines: string) => {
    const args = [
      '--provision',
      file,
      '--source',
      'stdin',
      '--record',
      'direct',
      '--record-every',
      '100ms',
      '--until-idle',
    ];
    return plumb(['device', 'run', ...args, '--timeout', '60s', ...FAST], lines);
  };
  await run('one\ntwo\n');
  copyFileSync(outbox, join(folder, 'old-copy'));
  await run('three\n');
  for (const ending of ['-wal', '-shm']) rmSync(`${outbox}${ending}`, { force: true });
  copyFileSync(join(folder, 'old-copy'), outbox);
  await run('four\n');
  const out = join(folder, 'copied-restored');
  await plumb(['owner', 'get', 'copied', ...passwordArgs(), '--out', out, '--json']);
  assert.equal(readFileSync(join(out, 'lines'), 'utf8'), 'one\ntwo\nthree\nfour\n');
  // Its digests are on the chain, those of the batches that the lost outbox had sealed as well.
  for (const records of [[], ['--from-chain']]) {
    const report = await plumb(['owner', 'verify', 'copied', ...passwordArgs(), ...records, '--json']);
    assert.equal(report.counts.intact, 4, records.join());
  }
});

test('on a chain whose node names no final block, all is released at the depth that device.json says', async (context) => {
  const { file, account } = await provision('deep');
  const { rpcUrl: behind, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  const node = await startForeignNode(behind, { unknownTags: ['finalized', 'safe'] });
  context.after(() => node.stop());
  const write = (finalDepth: object): void =>
    writeFileSync(file, JSON.stringify({ rpcUrl: node.rpcUrl, ...finalDepth, ...rest }));
  write({ finalDepth: 1 });
  const run = ['device', 'run', '--provision', file, '--source', 'stdin', '--until-idle', '--timeout', '60s', ...FAST];
  const ended = await runPlumb(run, env, 'one\ntwo\n');
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.match(ended.stdout, /"event":"final"/);
  const { waits, states } = await plumb(['device', 'status', '--provision', file, '--json']);
  assert.deepEqual([waits, states.checked.blocks], [[], 2]);
  assert.ok((node.counts.get('eth_getBlockByNumber') ?? 0) > 0, `the device ${account} has asked this node`);

  // What is known without the file is shown, and that it is needed; the secrets in it never are.
  const key = rest.devicePrivateKey as string;
  for (const [content, says] of [
    [null, /cannot be opened.*ENOENT.*plumb device provision NAME.*a device that starts needs the file/s],
    [JSON.stringify(rest).slice(0, 300), /is not JSON.*What is shown here is safe/s],
  ] as const) {
    if (content === null) rmSync(file);
    else writeFileSync(file, content, { mode: 0o600 });
    for (const outbox of [[], ['--outbox', outboxPathOf(file)]]) {
      const shown = await runPlumb(['device', 'status', '--provision', file, ...outbox], env);
      assert.equal(shown.exitCode, 6);
      assert.match(shown.stdout, says);
      assert.match(shown.stdout, /captured {2}2 blocks/);
      assert.ok(!shown.stdout.includes(key) && !shown.stderr.includes(key));
    }
  }
});

/** What a thief can do who has the device's file: blocks that nobody has are recorded under its signature. */
async function recordJunk(file: string, blocks: number): Promise<void> {
  const { rpcUrl, chainId, dissc, dataset, devicePrivateKey, charter } = readProvision(file);
  const chain = { rpcUrl, chainId, dissc };
  const ledger = createDisscLedger(chain);
  const { point, heads } = await ledger.readHeads([dataset], 'latest');
  const before = [
    EMPTY_PEAKS,
    ...rebuildPeaks(nodePrimitives, await ledger.findRecorded(dataset, 0, point.blockNumber)),
  ];
  const peaks = before.at(-1) as Peaks;
  assert.equal(peaks.size, heads[0]?.size);
  const size = peaks.size + blocks;
  const appended = appendedSubtrees(peaks.size, size).map(() => nodePrimitives.randomBytes(32));
  const root = rootOfPeaks(nodePrimitives, growPeaks(nodePrimitives, peaks, size, appended));
  const signature = signHead({ chainId, dissc }, { dataset, size, root }, devicePrivateKey);
  const recorder = createDisscRecorder({ ...chain, signer: createKeySigner(devicePrivateKey) });
  const call = { charters: [charter], updates: [{ dataset, size, root, peaks: peaks.peaks, appended, signature }] };
  const { accepted, gas } = await recorder.simulate(call);
  assert.deepEqual(accepted, [true]);
  const { latest: nonce } = await recorder.nonces();
  const transaction = await recorder.prepare(call, { nonce, gas });
  await recorder.broadcast(transaction);
  while ((await recorder.receipt(transaction.hash)) === null) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('a thief records junk with the device’s key: the device goes on, and so does the one that replaces it', async () => {
  // A stack that is killed keeps test ether only behind a block that came later: the kill above may have taken the owner's.
  await plumb(['local', 'admit', owner, '--fund-only', '--json']);
  const { file, account } = await provision('stolen');
  await plumb(['local', 'admit', account, '--fund-only', '--json']);
  const run = (provisionFile: string, lines: string, how: readonly string[] = []) => {
    const args = ['--provision', provisionFile, '--source', 'stdin', '--until-idle', '--timeout', '110s', ...how];
    return plumb(['device', 'run', ...args, ...FAST], lines);
  };
  await run(file, 'one\ntwo\n');
  await recordJunk(file, 2 ** 28);
  await run(file, 'three\n', ['--record', 'direct', '--record-every', '100ms']);
  await recordJunk(file, 5);
  const successor = join(folder, 'stolen-2.json');
  const replaced = await plumb(['device', 'replace', 'stolen', ...passwordArgs(), '--out', successor, '--json']);
  assert.notEqual(replaced.account, account);
  await run(successor, 'four\n');
  await assert.rejects(recordJunk(file, 1), 'the stolen key is worth nothing any more');
  const out = join(folder, 'stolen-restored');
  const got = await runPlumb(['owner', 'get', 'stolen', ...passwordArgs(), '--out', out, '--json'], env);
  assert.equal(got.exitCode, 1, `${got.stdout}${got.stderr}`);
  assert.equal(readFileSync(join(out, 'lines'), 'utf8'), 'one\ntwo\nthree\nfour\n');
});

test('a plain dataset takes what a command prints; Ctrl-C ends within seconds and keeps it', async () => {
  const { file } = await provision('plain', ['--kind', 'plain']);
  const device = startDevice(['--provision', file, '--source', 'cmd:echo reading', '--every', '100ms']);
  await device.event('captured', 3);
  await device.event('recorded');
  const begin = performance.now();
  assert.equal(await kill(device.child, 'SIGINT'), 0);
  assert.ok(performance.now() - begin < 5000);
  const { captured } = await plumb(['device', 'status', '--provision', file, '--json']);
  assert.equal(captured.streamBytes, captured.blocks * 'reading\n'.length);
  // What Ctrl-C left behind is recorded by the next run, which adds one reading.
  const args = ['--provision', file, '--source', 'cmd:echo reading', '--until-idle', '--timeout', '60s'];
  await plumb(['device', 'run', ...args, ...FAST]);
  const report = await plumb(['owner', 'verify', 'plain', ...passwordArgs(), '--json']);
  assert.equal(report.counts.intact, captured.blocks + 1);
});

test('what was not finished within the time ends with code 3, wrong arguments and files with 2', async () => {
  const { file } = await provision('late');
  const run = (args: readonly string[]) => runPlumb(['device', 'run', '--provision', file, ...args], env, 'x\n');
  const late = await run(['--source', 'stdin', '--until-idle', '--timeout', '50ms', '--json']);
  assert.equal(late.exitCode, 3, late.stderr);
  const bad: readonly (readonly [readonly string[], RegExp])[] = [
    [['--source', 'nowhere'], /is not a source/],
    [['--source', 'stdin', '--every', '10'], /is not a duration/],
    [['--source', 'stdin', '--max-disk', '1MiB'], /at least 64MiB/],
    [['--source', 'stdin', '--batch-blocks', '1025'], /at most 1024/],
    [['--source', `dir:${folder}`], /is secret/],
    [['--source', 'stdin', '--provision', join(folder, 'none.json')], /cannot be opened/],
  ];
  for (const [args, message] of bad) {
    const ended = await run(args);
    assert.equal(ended.exitCode, 2, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
    assert.match(ended.stderr, message);
  }
  assert.ok(existsSync(join(folder, 'late.outbox')));
  const keys = JSON.parse(readFileSync(file, 'utf8'));
  assert.equal((late.stdout + late.stderr).includes(keys.datasetKey.slice(2)), false);
  assert.equal((late.stdout + late.stderr).includes(keys.devicePrivateKey.slice(2)), false);
});
