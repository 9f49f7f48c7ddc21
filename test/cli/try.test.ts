import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { lookAtContracts, lookAtGas } from '../../cli/doctor/look-at-chain.ts';
import { chooseSource } from '../../cli/try/choose-source.ts';
import { surveySource } from '../../cli/try/survey-source.ts';
import { requireUnused, tryFolder } from '../../cli/try/try-folder.ts';
import { type Address, address } from '../../core/ids.ts';
import { readConnection } from '../../library/connection.ts';
import { type Ended, runPlumb, spawnPlumb } from './run-plumb.ts';

let root: string;
let data: string;
let folder: string;

const plumbTry = (args: readonly string[], input = ''): Promise<Ended> =>
  runPlumb(['try', ...args, '--folder', folder], {}, input);

function json(ended: Ended) {
  assert.equal(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  return JSON.parse(ended.stdout);
}

function refused(ended: Ended, why: RegExp): void {
  assert.equal(ended.exitCode, 2, `${ended.stdout}${ended.stderr}`);
  assert.match(ended.stderr, why);
}

const intact = (count: number) => ({
  ...{ intact: count, corrupted: 0, unavailable: 0, refused: 0, unrecorded: 0, misrecorded: 0 },
});

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'plumbline-try-'));
  data = join(root, 'readings');
  folder = join(data, 'plumb-try');
  await mkdir(data);
  await writeFile(join(data, 'a.csv'), 'time,value\n1,20.5\n2,20.75\n');
  await writeFile(join(data, 'b.csv'), 'time,value\n1,3.5\n');
});

after(async () => {
  await plumbTry(['--stop']);
  await rm(root, { recursive: true, force: true });
});

describe('plumb try refuses, before it makes anything,', () => {
  const choose = (given: string | undefined, goesOn = false) => chooseSource(tryFolder(folder), given, null, goesOn);

  test('what is not there, is empty, or is not named', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty);
    await writeFile(join(empty, 'nothing'), '');
    const survey = async (path: string) => surveySource(tryFolder(folder), (await choose(path)).source);
    await assert.rejects(choose(join(root, 'absent')), /There is no .*absent\. Give a folder or a file/);
    await assert.rejects(survey(empty), /empty has no file with data in it/);
    await assert.rejects(survey(join(empty, 'nothing')), /nothing is empty/);
    await assert.rejects(choose('/dev/null'), /is a pipe or a device/);
    await assert.rejects(choose(undefined, true), /nothing to continue/);
    refused(await plumbTry(['-']), /Standard input ended without a byte/);
    refused(await plumbTry(['--stop']), /is not a folder of plumb try/);
    assert.equal(existsSync(folder), false);
  });

  test('a folder that holds other things', async () => {
    await assert.rejects(requireUnused(tryFolder(data)), /holds other files, such as .*\.csv/);
    refused(await runPlumb(['try', data, '--folder', join(data, 'a.csv')]), /is not a folder/);
  });
});

test('interrupted once its stack runs, it ends the stack, and a second run goes on and shows that damage is seen', async () => {
  const child = spawnPlumb(['try', data, '--folder', folder]);
  const closed = once(child, 'close');
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (!said.includes('Stack started') && `${said}${text}`.includes('Stack started')) child.kill('SIGINT');
    said += text;
  });
  assert.deepEqual(await closed, [130, null], said);
  assert.match(said, /To continue: .* try --continue --folder .*plumb-try\nInterrupted\./);
  assert.equal(existsSync(join(folder, 'stack', 'stack.pid')), false, 'no stack is left running');

  const tried = json(await plumbTry([data, '--json']));
  const keys = ['dataset', 'blocks', 'bytes', 'verdicts', 'damageSeen', 'evidence', 'console', 'folder'];
  assert.deepEqual(Object.keys(tried), keys);
  assert.deepEqual([tried.blocks, tried.bytes, tried.verdicts, tried.damageSeen], [2, 43, intact(2), true]);
  assert.deepEqual([tried.folder, tried.evidence], [folder, join(folder, 'readings.evidence.json')]);
  assert.match(tried.console, /^http:\/\/127\.0\.0\.1:[0-9]+\/$/);
  const { status } = await fetch(new URL('/v1/openapi.json', tried.console));
  assert.equal(status, 200, 'the stack goes on');
  for (const secret of ['password', 'owner/keystore.json', 'readings.device.json', 'stack-process.log', 'try.json']) {
    assert.equal((await stat(join(folder, secret))).mode & 0o777, 0o600, secret);
  }
  const verified = await runPlumb(['verify', tried.evidence, join(data, 'b.csv'), '--json']);
  assert.equal(JSON.parse(verified.stdout).data[0].finding.is, 'intact', verified.stdout);
  assert.equal(
    (await readdir(folder)).some((name) => name.startsWith('damaged-copy')),
    false,
  );
});

test('continued, it takes what is new and verifies all of it again: the damage was a copy’s', async () => {
  await writeFile(join(data, 'c.csv'), 'time,value\n1,9\n');
  const tried = json(await plumbTry(['--continue', '--no-damage', '--json']));
  assert.deepEqual([tried.blocks, tried.verdicts, tried.damageSeen], [3, intact(3), null]);
  assert.equal(tried.evidence, join(folder, 'readings-2.evidence.json'));
});

test('another source is taken when that is asked for, standard input too, and sentences say what came of it', async () => {
  refused(await plumbTry([join(data, 'a.csv')]), /was made from .*readings\. To add .*a\.csv to it, give --continue/);
  const ended = await plumbTry(['-', '--continue'], 'x 1\nx 2\n');
  assert.equal(ended.exitCode, 0, ended.stderr);
  const sentences = ended.stdout.split('\n').slice(0, 4);
  assert.match(sentences[0] as string, /^1 file of .*stdin \(8 B\) is stored encrypted, as 1 block, and the chain/);
  assert.match(sentences[1] as string, /^1 block of 1 verified/);
  assert.match(sentences[2] as string, /One bit of block 0 was flipped in a copy .* reported block 0 as corrupted/);
  assert.match(sentences[3] as string, /stdin\.evidence\.json is evidence of .*stdin-1/);
  assert.match(ended.stdout, /Look at it: http:\/\/127\.0\.0\.1:/);
  assert.ok(!ended.stdout.includes((await readFile(join(folder, 'password'), 'utf8')).trim()), 'no secret is said');
});

test('its folder works with every other command, by its env file', async () => {
  const exports = (await readFile(join(folder, 'env'), 'utf8')).matchAll(/^export ([A-Z_]+)=(.*)$/gm);
  const env = Object.fromEntries([...exports].map(([, name, value]) => [name, value]));
  const ended = await runPlumb(['owner', 'verify', 'readings', '--json'], env);
  assert.deepEqual(json(ended).counts, intact(3));

  const device = ['doctor', '--provision', join(folder, 'readings.device.json'), '--json'];
  const healthy = json(await runPlumb(device, env));
  assert.equal(healthy.worst, 'ok', JSON.stringify(healthy.findings));
  const looked = healthy.findings.map(({ about }: { about: string }) => about);
  const all =
    'node connection home modes keys datasets chain DISSC ASC OCASC gas gas gas service clock bucket device outbox';
  assert.equal(looked.join(' '), all);
  const connection = await readConnection({ home: folder, stack: join(folder, 'stack', 'stack.json') });
  const elsewhere = {
    ...connection,
    dissc: connection.asc as Address,
    asc: null,
    ocasc: address(`0x${'9'.repeat(40)}`),
  };
  const wrong = await lookAtContracts(elsewhere, AbortSignal.timeout(30_000));
  assert.deepEqual(
    wrong.map(({ about, state }) => [about, state]),
    [
      ['DISSC', 'bad'],
      ['OCASC', 'bad'],
    ],
  );
  const poor = [{ who: 'service', account: `0x${'9'.repeat(40)}`, mustPay: true }];
  const [gas] = await lookAtGas(connection, poor, AbortSignal.timeout(30_000));
  assert.equal(gas?.state, 'bad');
});

test('a byte that is changed in the store itself is found, and named', async () => {
  const objects = join(folder, 'stack', 'objects');
  const stored = (await readdir(objects, { recursive: true })).filter((name) => name.endsWith('.car@data'));
  for (const name of stored) {
    const bytes = await readFile(join(objects, name));
    bytes[bytes.length - 4] = (bytes.at(-4) as number) ^ 1;
    await writeFile(join(objects, name), bytes);
  }
  const ended = await plumbTry(['--continue']);
  assert.equal(ended.exitCode, 1, `${ended.stdout}${ended.stderr}`);
  assert.match(ended.stdout, /^Some data is not as recorded: block 0 is corrupted/m);
  assert.match(
    ended.stdout,
    /^No copy was damaged, because the stored data is damaged itself: block 0 is not as recorded\.$/m,
  );
});

test('stopped, nothing of it runs, and to stop it again is no error', async () => {
  const first = json(await plumbTry(['--stop', '--json']));
  assert.deepEqual([first.folder, first.stopped], [folder, true]);
  assert.throws(() => process.kill(first.pid, 0));
  assert.deepEqual(json(await plumbTry(['--stop', '--json'])), { folder, stopped: false, pid: null });
});
