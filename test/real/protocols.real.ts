import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { type Ended, runPlumb, spawnPlumb } from '../cli/run-plumb.ts';
import { type Killable, killsOf } from './kill-programs.ts';
import { type RealStackUnderTest, resultOf, startRealStackUnderTest } from './stack-under-test.ts';

/*
 * Recording and Protocols I and II by the command line, on four geth nodes, versitygw, DynamoDB Local, two Kubo peers and
 * moto's KMS; then every one of them is killed under way.
 */

const BLOCKS = 200;
/** Nothing that lacks a daemon may take longer. */
const WITHIN_MS = 60_000;
const FAST = ['--poll', '200ms', '--batch-age', '200ms', '--json'];

describe('the protocols on real programs', { timeout: 900_000 }, () => {
  let stack: RealStackUnderTest;
  let device = '';
  before(
    async () => {
      stack = await startRealStackUnderTest();
      device = await stack.provision('readings');
      const lines = Array.from({ length: BLOCKS }, (_, i) => `reading ${i} ${'x'.repeat(i)}\n`).join('');
      resultOf(await runDevice(device, lines));
      resultOf(await stack.asOwner('owner', 'publish', 'readings'));
    },
    { timeout: 240_000 },
  );
  after(() => stack?.stop());

  const runDevice = (provision: string, lines: string, timeout = '90s'): Promise<Ended> =>
    runPlumb(deviceArgs(provision, timeout), {}, lines);
  const verifyArgs = (...more: string[]) => ['owner', 'verify', 'readings', ...more];
  const verify = (...more: string[]): Promise<Ended> => stack.asOwner(...verifyArgs(...more));
  const allIntact = async (...more: string[]) => {
    const report = resultOf(await verify(...more));
    assert.equal(report.counts.intact, report.checked);
    assert.ok(report.checked >= 1);
    return report;
  };

  it('Protocol I: what the device recorded is there, by its hashes and by chunks, over HTTP and Invoke', async () => {
    for (const [evidence, via] of [
      ['attested', 'http'],
      ['possession', 'lambda'],
    ] as const) {
      const report = await allIntact('--evidence', evidence, '--via', via);
      assert.deepEqual([report.protocol, report.evidence, report.anchor.anchor], ['I', evidence, 'final']);
    }
  });

  it('Protocol II, plain retrieval: from the bucket alone, and through get-block', async () => {
    for (const from of ['s3', 'get-block']) {
      const report = await allIntact('--protocol', 'II', '--from', from);
      assert.deepEqual([report.protocol, report.evidence], ['II', 'retrieved']);
    }
  });

  it('Protocol II, the same hash library: the CIDs that the operator’s node names', async () => {
    const { published } = resultOf(await stack.asOwner('owner', 'publish', 'readings'));
    assert.ok(published.length >= 1);
    const report = await allIntact('--protocol', 'II', '--from', 'ipfs');
    assert.equal(report.evidence, 'attested');
  });

  it('Protocol II, from peers: another node fetches what the first one pinned, once the chain names it', async () => {
    const from = ['--protocol', 'II', '--from', 'ipfs', '--ipfs', stack.peer.apiUrl, '--evidence', 'retrieved'];
    const before = resultOf(await verify(...from, '--blocks', '0-2'), 1);
    assert.equal(before.counts.unavailable, 3, 'nothing says where they are');
    const { published } = resultOf(await stack.asOwner('owner', 'publish', 'readings'));
    // The manifest links its blocks in their order.
    const cids = (await stack.ipfs.run('refs', published[0].root)).trim().split('\n');
    const { first } = published[0];
    const named = [0, 1, 2].map((i) => `${first + i}=${cids[i]}`);
    resultOf(await stack.asOwner('owner', 'link', 'readings', ...named));
    const range = ['--blocks', `${first}-${first + 2}`, '--anchor', 'latest'];
    const { counts, evidence } = resultOf(await verify(...from, ...range));
    assert.deepEqual([counts.intact, evidence], [3, 'retrieved']);
    assert.equal((await stack.peer.run('repo', 'stat', '--enc=json')).includes('"NumObjects":0,'), false);
  });

  /** A protocol that needs the program. */
  const needed = {
    versitygw: ['--protocol', 'II', '--from', 'get-block'],
    'DynamoDB Local': ['--evidence', 'possession'],
    Kubo: ['--protocol', 'II', '--from', 'ipfs', '--evidence', 'retrieved'],
    geth: ['--protocol', 'II', '--from', 'get-block'],
  };
  for (const [name, needs] of Object.entries(needed)) {
    it(`${name} is killed: an end in time that calls nothing damaged, and after its return all is intact`, async () => {
      const { kill, revive } = killsOf(stack).find((one) => one.name === name) as Killable;
      const beganMs = performance.now();
      const underWay = startVerify(stack, verifyArgs(...needs, '--verdicts'));
      await underWay.firstVerdict;
      await kill();
      const cutOff = await underWay.ended;
      const without = await verify(...needs);
      assert.ok(performance.now() - beganMs < 2 * WITHIN_MS);
      // It may just have had its last answer.
      assert.ok([0, 1, 3].includes(cutOff.exitCode as number), cutOff.stdout + cutOff.stderr);
      assert.ok([1, 3].includes(without.exitCode as number), without.stdout + without.stderr);
      for (const ended of [cutOff, without]) assert.doesNotMatch(ended.stdout, /"verdict":"(corrupted|misrecorded)"/);
      await revive();
      await allIntact(...needs);
    });
  }

  for (const [name, needs] of Object.entries(needed)) {
    it(`${name} takes what it is asked and never answers: an end in time, and it goes on when it does`, async () => {
      const { freeze, thaw } = killsOf(stack).find((one) => one.name === name) as Killable;
      freeze();
      try {
        const beganMs = performance.now();
        const ended = await verify(...needs, '--sample', '3');
        assert.ok(performance.now() - beganMs < WITHIN_MS);
        assert.ok([1, 3].includes(ended.exitCode as number), ended.stdout + ended.stderr);
        assert.doesNotMatch(ended.stdout, /"verdict":"(corrupted|misrecorded)"/);
      } finally {
        thaw();
      }
      await allIntact(...needs, '--sample', '3');
    });
  }

  it('every program is killed while a device records: it ends with all of it recorded and intact', async () => {
    const provision = await stack.provision('outages');
    const child = spawnPlumb(deviceArgs(provision, '180s'), {});
    const ended = once(child, 'close') as Promise<[number | null]>;
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    let written = 0;
    for (const { kill, revive } of killsOf(stack)) {
      for (let i = 0; i < 5; i++) child.stdin?.write(`line ${written++}\n`);
      await kill();
      for (let i = 0; i < 5; i++) child.stdin?.write(`line ${written++}\n`);
      await revive();
    }
    child.stdin?.end();
    const [code] = await ended;
    assert.equal(code, 0, said.slice(-3000));
    const report = resultOf(await stack.asOwner('owner', 'verify', 'outages'));
    assert.deepEqual([report.counts.intact, report.total], [written, written]);
  });

  it('KMS does not answer: what is stored stays unrecorded, says so in time, and is recorded when it does', async () => {
    const provision = await stack.provision('unsigned');
    stack.kms.freeze();
    const beganMs = performance.now();
    const late = await runDevice(provision, 'one\ntwo\n', '10s');
    assert.equal(late.exitCode, 3, late.stdout + late.stderr);
    assert.ok(performance.now() - beganMs < WITHIN_MS);
    await allIntact('--sample', '5');
    stack.kms.thaw();
    resultOf(await runDevice(provision, ''));
    assert.equal(resultOf(await stack.asOwner('owner', 'verify', 'unsigned')).counts.intact, 2);
  });
});

function deviceArgs(provision: string, timeout: string): string[] {
  const run = ['device', 'run', '--provision', provision, '--source', 'stdin', '--until-idle'];
  return [...run, '--timeout', timeout, ...FAST];
}

function startVerify(stack: RealStackUnderTest, args: readonly string[]) {
  const child = spawnPlumb([...args, '--password-file', stack.password, '--json'], stack.env);
  const timer = setTimeout(() => child.kill('SIGKILL'), WITHIN_MS);
  let stdout = '';
  let stderr = '';
  const first = Promise.withResolvers<void>();
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    stdout += `${line}\n`;
    first.resolve();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = (async () => {
    const [exitCode] = (await once(child, 'close')) as [number | null];
    clearTimeout(timer);
    first.resolve();
    return { exitCode, stdout, stderr };
  })();
  return { firstVerdict: first.promise, ended };
}
