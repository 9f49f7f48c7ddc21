import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { look } from '../../cli/doctor/finding.ts';
import { lookAtKeystore, lookAtModes, lookAtNode, lookForHome } from '../../cli/doctor/look-at-home.ts';
import { lookAtService } from '../../cli/doctor/look-at-service.ts';
import { FileError } from '../../core/errors.ts';
import type { Connection } from '../../library/connection.ts';
import { runPlumb } from './run-plumb.ts';

const NEVER = new AbortController().signal;

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-doctor-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is found of a service that answers so. */
async function findingsOf(answer: { status?: number; body: string; offMs?: number }): Promise<[string, string][]> {
  const server = createServer((_, response) => {
    const date = new Date(Date.now() + (answer.offMs ?? 0)).toUTCString();
    response.writeHead(answer.status ?? 200, { date }).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const found = await lookAtService({ apiUrl } as Connection, '1.0.0', AbortSignal.timeout(20_000));
    return found.map(({ about, state }) => [about, state]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const document = (version: string) => JSON.stringify({ openapi: '3.1.0', info: { version } });

describe('one look', () => {
  test('that never ends is ended, and is a finding', async () => {
    const [found] = await look('chain', 'Wait.', () => new Promise(() => {}), NEVER, 20);
    assert.deepEqual(found, {
      about: 'chain',
      state: 'bad',
      says: 'It did not answer within 0.02 s.',
      remedy: 'Wait.',
    });
  });

  test('that fails says our own sentence, and nothing of another program\u2019s, which may quote a secret', async () => {
    const failing = async (error: Error) => (await look('x', 'Do.', () => Promise.reject(error), NEVER))[0]?.says;
    assert.equal(await failing(new FileError('Mend it.')), 'Mend it.');
    assert.equal(await failing(new TypeError('http://u:secret@host failed')), 'It does not work (TypeError).');
  });
});

test('an old Node is bad, and a missing home is said', async () => {
  assert.deepEqual([lookAtNode('22.11.0').state, lookAtNode('24.0.0').state], ['bad', 'ok']);
  assert.equal((await lookForHome('/nonexistent/home'))?.state, 'warn');
});

test('files of a home that others can read are named with what to do; evidence is made for others', () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, 'keystore.json'), JSON.stringify({ address: '11'.repeat(20) }), { mode: 0o600 });
    await writeFile(join(folder, 'a.evidence.json'), '{}', { mode: 0o644 });
    assert.deepEqual(
      (await lookAtModes('home', folder)).map(({ state }) => state),
      ['ok'],
    );
    assert.match((await lookAtKeystore(folder))[0]?.says ?? '', /^Account 0x1{40}, /);
    await chmod(join(folder, 'keystore.json'), 0o640);
    const [mode] = await lookAtModes('home', folder);
    assert.deepEqual([mode?.state, /Run: chmod 600 .*keystore\.json$/.test(mode?.says ?? '')], ['bad', true]);
    assert.equal((await lookAtKeystore(folder))[0]?.state, 'bad');
  }));

describe('a service', () => {
  test('of this version and hour is ok', async () => {
    assert.deepEqual(await findingsOf({ body: document('1.0.0') }), [
      ['service', 'ok'],
      ['clock', 'ok'],
    ]);
  });

  test('of another version, or with another clock, is not', async () => {
    assert.deepEqual(await findingsOf({ body: document('2.0.0'), offMs: -3_600_000 }), [
      ['service', 'bad'],
      ['clock', 'bad'],
    ]);
    assert.deepEqual((await findingsOf({ body: document('1.0.0'), offMs: 15_000 }))[1], ['clock', 'warn']);
  });

  test('for which a proxy answers is named as none', async () => {
    assert.deepEqual(await findingsOf({ body: '<html>Sign in</html>' }), [['service', 'bad']]);
    assert.deepEqual(await findingsOf({ status: 502, body: document('1.0.0') }), [['service', 'bad']]);
  });
});

test('the command ends with 1 where something is bad, says what to do, and prints one object for machines', () =>
  inFolder(async (folder) => {
    const ended = await runPlumb(['doctor', '--home', folder, '--stack', join(folder, 'stack.json'), '--json']);
    assert.equal(ended.exitCode, 1, ended.stderr);
    const { ok, worst, findings } = JSON.parse(ended.stdout);
    assert.deepEqual([ok, worst], [false, 'bad']);
    const bad = findings.filter(({ state }: { state: string }) => state === 'bad');
    assert.deepEqual(
      bad.map(({ about }: { about: string }) => about),
      ['connection'],
    );
    assert.match(bad[0].says, /start it: plumb local up/);
  }));
