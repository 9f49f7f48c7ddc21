import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeystore, SCRYPT_N_RANDOM_PASSWORD } from '../../adapters/keys/keystore.ts';
import { createMnemonic, ownerKey } from '../../adapters/keys/mnemonic.ts';
import { runPlumb, runPlumbProcess } from './run-plumb.ts';

const PASSWORD = 'never typed twice';

test('keys are unlocked once, used without a password, gone with their process, and locked when asked', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbline-keys-'));
  const [home, session, password] = [join(folder, 'owner'), join(folder, 'session'), join(folder, 'password')];
  const holders: number[] = [];
  t.after(() => {
    for (const pid of holders) endIfThere(pid);
    rmSync(folder, { recursive: true, force: true });
  });
  for (const each of [home, session]) mkdirSync(each, { mode: 0o700 });
  writeFileSync(password, PASSWORD, { mode: 0o600 });
  const mnemonic = createMnemonic();
  const keystore = join(home, 'keystore.json');
  await createKeystore(keystore, { privateKey: ownerKey(mnemonic), mnemonic }, PASSWORD, SCRYPT_N_RANDOM_PASSWORD);
  // A secret in the environment of who unlocks must not lie in that of a process that outlives it.
  const env = { PLUMB_HOME: home, XDG_RUNTIME_DIR: session, NODE_OPTIONS: '', SOME_TOKEN: 'a secret of the shell' };
  const unlock = async () => {
    const ended = await runPlumbProcess(['keys', 'unlock', '--for', '2m', '--password-file', password, '--json'], env);
    assert.equal(ended.exitCode, 0, ended.stdout + ended.stderr);
    const said = JSON.parse(ended.stdout);
    holders.push(said.pid);
    return said;
  };
  // It opens the keystore, and needs no chain.
  const opens = () => runPlumb(['owner', 'restore', '--keys-only', '--json'], env);
  const statusNow = async () => JSON.parse((await runPlumb(['keys', '--json'], env)).stdout);

  assert.match((await opens()).stdout, /There is no terminal to ask for the password/);
  const said = await unlock();
  assert.deepEqual([said.unlocked, said.keystore, said.remainingMs > 60_000], [true, keystore, true]);
  const opened = await opens();
  assert.deepEqual([opened.exitCode, JSON.parse(opened.stdout).account, opened.stderr], [0, said.account, '']);
  assert.deepEqual([(await statusNow()).unlocked, (await statusNow()).pid], [true, said.pid]);
  const doctor = JSON.parse((await runPlumb(['doctor', '--json'], env)).stdout);
  const finding = doctor.findings.find(({ about }: { about: string }) => about === 'unlocked');
  assert.match(
    finding.says,
    new RegExp(`^The keys of ${said.account} .+ are unlocked until \\d{4}-.+: process ${said.pid} `),
  );
  // Only the socket is new, and none is in the home.
  assert.deepEqual([readdirSync(home), readdirSync(join(session, 'plumbline')).length], [['keystore.json'], 1]);
  if (platform() === 'linux') assertNothingShown(said.pid);

  process.kill(said.pid, 'SIGKILL');
  await gone(said.pid);
  assert.match((await opens()).stdout, /There is no terminal to ask for the password/);
  assert.equal((await statusNow()).unlocked, false);

  // The socket that it left is in nobody's way; a second one takes over from the first.
  const [second, third] = [await unlock(), await unlock()];
  await gone(second.pid);
  assert.equal((await statusNow()).pid, third.pid);
  const locked = await runPlumb(['keys', 'lock', '--json'], env);
  assert.deepEqual(JSON.parse(locked.stdout), { locked: true, home, accounts: [said.account] });
  await gone(third.pid);
  assert.deepEqual(readdirSync(join(session, 'plumbline')), []);
  assert.match((await opens()).stdout, /There is no terminal to ask for the password/);
  assert.equal(JSON.parse((await runPlumb(['keys', 'lock', '--json'], env)).stdout).locked, false);
});

/** Nothing that others can see of the process says anything, and its memory is written nowhere when it dies. */
function assertNothingShown(pid: number): void {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  // The shell that sets its limits adds the folder, and what it was called by.
  assert.match(read('environ'), /^((PWD|OLDPWD|_|SHLVL)=[^\0]*\0)*$/);
  assert.match(read('cmdline'), /^[^\0]+\0(--[^\0]+\0)+[^\0]+\0keys\0hold\0$/);
  assert.match(read('limits'), /^Max core file size +0 /m);
  if (existsSync(`/proc/${pid}/coredump_filter`)) assert.match(read('coredump_filter'), /^0+\n$/);
}

/** A process that is nobody's child here tells nobody when it ends. */
async function gone(pid: number): Promise<void> {
  for (const untilMs = performance.now() + 20_000; isThere(pid); await sleep(10)) {
    assert.ok(performance.now() < untilMs, `Process ${pid} does not end.`);
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Ended, and not yet fetched by whoever inherits it.
  try {
    return platform() !== 'linux' || !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function endIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
