import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../core/ids.ts';
import { type Ended, runPlumb, spawnPlumb } from '../cli/run-plumb.ts';
import { killsOf } from './kill-programs.ts';
import { type RealStackUnderTest, resultOf, startRealStackUnderTest } from './stack-under-test.ts';

/*
 * Protocols III and IV by the command line on the real programs: an owner sells, her agent serves, a consumer audits, fetches
 * and pays; then every program is killed under way.
 */

const BLOCKS = 120;
/** Nothing that lacks a program may take longer. */
const WITHIN_MS = 90_000;
const TERMS = [
  ...['--price', '0.6ether', '--fee', '0.06ether', '--bond', '0.3ether', '--stake', '0.01ether'],
  ...['--samples', '100', '--window', '120s', '--duration', '1h'],
];

describe('Protocols III and IV on real programs', { timeout: 900_000 }, () => {
  let stack: RealStackUnderTest;
  let server: ChildProcess;
  let id = '';
  const lines = Array.from({ length: BLOCKS }, (_, i) => `reading ${i} ${'x'.repeat(20 * i)}\n`);
  const asConsumer = (...parameters: string[]): Promise<Ended> =>
    runPlumb([...parameters, '--password-file', stack.password, '--json'], consumerEnv(stack));
  const sell = async (range: string): Promise<string> =>
    resultOf(await stack.asOwner('owner', 'offer', 'sold', '--blocks', range, ...TERMS)).id;

  before(
    async () => {
      stack = await startRealStackUnderTest();
      const device = await stack.provision('sold');
      const until = ['--until-idle', '--timeout', '90s', '--poll', '200ms', '--batch-age', '200ms', '--json'];
      resultOf(
        await runPlumb(
          ['device', 'run', '--provision', device, '--source', 'stdin', '--batch-blocks', '16', ...until],
          {},
          lines.join(''),
        ),
      );
      const consumer = resultOf(await asConsumer('consumer', 'init', '--mnemonic-out', join(stack.folder, 'words')));
      await stack.fund(consumer.account as Address);
      const agentFile = join(stack.folder, 'agent.json');
      const { agent } = resultOf(await stack.asOwner('owner', 'agent', '--out', agentFile));
      await stack.fund(agent as Address);
      server = await startServer(agentFile);
    },
    { timeout: 240_000 },
  );
  after(async () => {
    server?.kill('SIGKILL');
    await stack?.stop();
  });

  it('the owner authorises the storage, which accepts, and offers blocks; the consumer accepts', async () => {
    const terms = ['--per-record', '0.001ether', '--fuel', '0.01ether', '--until', '1d', '--max-blocks', '1000'];
    assert.equal(resultOf(await stack.asOwner('owner', 'authorise', 'sold', ...terms)).state, 'accepted');
    id = await sell(`0-${BLOCKS - 1}`);
    const { offers } = resultOf(await runPlumb(['consumer', 'offers', '--json'], consumerEnv(stack)));
    assert.deepEqual(
      offers.map((offer: { id: string }) => offer.id),
      [id],
    );
    assert.equal(resultOf(await asConsumer('consumer', 'accept', id, '--yes')).state, 'active');
  });

  it('Protocol III: the storage answers before it can know the keys, and every sampled block is intact', async () => {
    const report = resultOf(await asConsumer('consumer', 'audit', id, '--protocol', 'III', '--sample', '10'));
    assert.deepEqual([report.protocol, report.evidence, report.counts.intact], ['III', 'possession', 10]);
  });

  it('Protocol IV: sampled blocks, whole', async () => {
    const report = resultOf(await asConsumer('consumer', 'audit', id, '--protocol', 'IV', '--sample', '10'));
    assert.deepEqual([report.protocol, report.evidence, report.counts.intact], ['IV', 'retrieved', 10]);
  });

  it('a challenge on the chain is answered by the agent', async () => {
    const { outcome } = resultOf(await asConsumer('consumer', 'challenge', id, '7', '--wait'));
    assert.equal(outcome, 'answered');
  });

  it('every program is killed while the consumer fetches: it stops in time, nothing is called damaged, and goes on', async () => {
    const out = join(stack.folder, 'bought');
    const fetchArgs = ['consumer', 'fetch', id, '--out', out, '--ahead', '2', '--patience', '10'];
    // Where all of it came before the last program was killed, what is bought is audited meanwhile.
    const auditArgs = ['consumer', 'audit', id, '--protocol', 'III', '--sample', '10', '--patience', '10'];
    let fetched: Ended | null = null;
    for (const { name, kill, revive } of killsOf(stack)) {
      const beganMs = performance.now();
      const underWay = asConsumer(...(fetched === null ? fetchArgs : auditArgs));
      // Long enough to start, not long enough to end.
      await sleep(2_000);
      await kill();
      const ended = await underWay;
      assert.ok(performance.now() - beganMs < WITHIN_MS, name);
      assert.ok([0, 1, 3].includes(ended.exitCode as number), `${name}: ${ended.stdout}${ended.stderr}`);
      assert.doesNotMatch(ended.stdout, /"verdict":"(corrupted|misrecorded)"/, name);
      if (fetched === null && ended.exitCode === 0) fetched = ended;
      await revive();
    }
    const { verified, count } = resultOf(fetched ?? (await asConsumer(...fetchArgs)));
    assert.deepEqual([verified, count], [BLOCKS, BLOCKS]);
    assert.equal(await readFile(join(out, 'lines'), 'utf8'), lines.join(''));
    const report = resultOf(await asConsumer(...auditArgs));
    assert.equal(report.counts.intact, 10);
  });

  it('the consumer approves, and the owner is paid', async () => {
    assert.equal(resultOf(await asConsumer('consumer', 'approve', id)).state, 'closed');
    resultOf(await stack.asOwner('owner', 'withdraw'));
  });
});

function consumerEnv(stack: RealStackUnderTest) {
  return { PLUMB_STACK: stack.stackFile, PLUMB_HOME: join(stack.folder, 'consumer') };
}

/** The owner's agent, which hands out keys, claims and answers challenges. */
async function startServer(agentFile: string): Promise<ChildProcess> {
  const child = spawnPlumb(['owner', 'serve', '--agent', agentFile, '--poll', '300ms', '--json']);
  const ended = once(child, 'close');
  child.stdin?.end();
  child.stderr?.resume();
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if ((JSON.parse(line) as { event?: string }).event === 'ready') resolve();
    });
    ended.then(() => reject(new Error('plumb owner serve has ended.')), reject);
  });
  return child;
}
