import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { createSecretFile } from '../../adapters/keys/secret-file.ts';
import { type Address, address, NATIVE_COIN } from '../../core/ids.ts';
import { agentFileText } from '../../library/agent-file.ts';
import { fund } from '../../local/stack/fund.ts';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { runPlumb, spawnPlumb } from '../cli/run-plumb.ts';
import { FUNDS_WEI, type RecordedStack, startRecordedStack, until } from './recorded-stack.ts';
import { makeSeller, type Seller } from './sale-on-stack.ts';

const SOLD = 24;
const PRICE = 2_500n;

interface Running {
  readonly child: ChildProcess;
  /** The events it has said so far. */
  readonly said: { readonly event?: string; readonly due?: string }[];
  readonly ended: Promise<unknown>;
}

/* Both sides of a delivery as they are run, in processes that are killed without warning. */
describe('a delivery in which everybody is killed', { timeout: 300_000 }, () => {
  let stack: RecordedStack;
  let seller: Seller;
  let env: Record<string, string>;
  let agentFile = '';
  let passwordFile = '';
  const running = new Set<Running>();

  function start(args: readonly string[]): Running {
    const child = spawnPlumb([...args, '--json'], env);
    child.stdin?.end();
    child.stderr?.resume();
    const said: Running['said'] = [];
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => said.push(JSON.parse(line)));
    const started = { child, said, ended: once(child, 'close') };
    running.add(started);
    return started;
  }
  async function kill(process: Running): Promise<void> {
    process.child.kill('SIGKILL');
    await process.ended;
    running.delete(process);
  }
  const heard = (from: Running, event: string, times = 1) =>
    until(
      `${times} times ${event}`,
      () => {
        if (from.child.exitCode !== null) throw new Error(`It has ended: ${JSON.stringify(from.said.slice(-3))}`);
        return from.said.filter((line) => line.event === event).length >= times ? true : null;
      },
      60_000,
    );
  const consumer = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await runPlumb(
      ['consumer', ...args, '--password-file', passwordFile, '--json'],
      env,
    );
    assert.equal(exitCode, 0, stdout + stderr);
    return JSON.parse(stdout.trim().split('\n').at(-1) as string);
  };

  before(async () => {
    stack = await startRecordedStack(1, SOLD);
    seller = await makeSeller(stack, stack.datasets[0]!);
    agentFile = join(stack.folder, 'agent.json');
    await createSecretFile(agentFile, agentFileText(seller.file));
    passwordFile = join(stack.folder, 'password');
    await writeFile(passwordFile, 'correct horse battery\n', { mode: 0o600 });
    env = { PLUMB_STACK: join(stack.folder, 'stack.json'), PLUMB_HOME: join(stack.folder, 'consumer') };
  });
  after(async () => {
    await Promise.all([...running].map(kill));
    await stack?.close();
  });

  it('ends right: every block once and as captured, every voucher claimed, every wei where it belongs', async () => {
    const { account } = await consumer('init', '--mnemonic-out', join(stack.folder, 'mnemonic'));
    await quickenKeystore(join(stack.folder, 'consumer'), 'correct horse battery');
    await fund(stack.rpc, address(account), FUNDS_WEI);
    const { id } = await seller.offer({ count: SOLD, price: PRICE, samples: 3 });
    await consumer('accept', id, '--yes');
    const out = join(stack.folder, 'bought');
    const serve = () => start(['owner', 'serve', '--agent', agentFile, '--poll', '200ms']);
    const fetch = () => start(['consumer', 'fetch', id, '--password-file', passwordFile, '--out', out, '--ahead', '3']);

    // Both at once, while keys and vouchers are on their way.
    const [firstServer, firstFetch] = [serve(), fetch()];
    await heard(firstServer, 'voucher', 2);
    await Promise.all([kill(firstServer), kill(firstFetch)]);
    const purchase = async () => {
      const path = join(stack.folder, 'consumer', 'purchases', `${id.slice(2)}.json`);
      return JSON.parse(await readFile(path, 'utf8')) as { verified: number; due: string };
    };
    const { verified, due } = await purchase();
    assert.ok(verified < SOLD && BigInt(due) < PRICE, `killed in the middle: ${verified}, ${due}`);

    // The consumer alone, then the owner alone.
    const [secondServer, secondFetch] = [serve(), fetch()];
    await heard(secondServer, 'voucher', 1);
    await kill(secondFetch);
    const thirdFetch = fetch();
    await heard(secondServer, 'voucher', 2);
    await kill(secondServer);
    const thirdServer = serve();

    const [exitCode] = (await thirdFetch.ended) as [number | null];
    running.delete(thirdFetch);
    const report = thirdFetch.said.at(-1) as unknown as { verified: number; due: string; stopped: unknown };
    assert.equal(exitCode, 0, JSON.stringify(report));
    assert.deepEqual([report.verified, BigInt(report.due), report.stopped], [SOLD, PRICE, null]);
    assert.equal(await readFile(join(out, 'lines'), 'utf8'), Buffer.concat([...seller.of.contents]).toString());
    assert.equal((await purchase()).verified, SOLD);

    // The owner is killed once more, before the last voucher is on the chain: it is in the state on the disk.
    const servers = [firstServer, secondServer, thirdServer];
    const ofPrice = ({ event, due }: Running['said'][number]) => event === 'voucher' && due === String(PRICE);
    await until('The last voucher', () => (servers.some(({ said }) => said.some(ofPrice)) ? true : null));
    await kill(thirdServer);
    await consumer('quit', id);
    const fourthServer = serve();
    await heard(fourthServer, 'settled');
    const events = fourthServer.said.map(({ event }) => event);
    assert.deepEqual(
      ['claimed', 'closed'].map((event) => events.filter((one) => one === event).length),
      [1, 1],
    );
    await kill(fourthServer);

    const { agreement } = await stack.market.readAgreement(id, 'final');
    assert.deepEqual([agreement?.state, agreement?.due], ['closed', PRICE]);
    const creditOf = (of: Address) => stack.market.readCredit(NATIVE_COIN, of, 'final');
    assert.equal(await creditOf(seller.of.owner), PRICE + (agreement?.terms.bond ?? 0n));
    assert.deepEqual([await creditOf(address(account)), await creditOf(seller.agent)], [0n, 0n]);
  });
});
