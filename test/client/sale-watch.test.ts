import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { readNotedAlerts, readWebhookFile } from '../../cli/owner/alert-files.ts';
import { type WatchedSales, watchSales } from '../../cli/owner/watch-sales.ts';
import type { SaleEvent } from '../../client/sale/sale-event.ts';
import { AlertQueue } from '../../client/sale/watch/alert-queue.ts';
import { SaleWatch } from '../../client/sale/watch/sale-watch.ts';
import { HIDING } from '../../core/hiding-characters.ts';
import type { Address, AgreementId, PrivateKey } from '../../core/ids.ts';

const AGREEMENT = `0x${'a1'.repeat(32)}` as AgreementId;
const OWNER = `0x${'0e'.repeat(20)}` as Address;
const SILENT_OUTPUT = {
  json: true,
  result() {},
  notice() {},
  progress() {},
  style: (_: unknown, text: string) => text,
};
const challenged = (number: number, secondsLeft = 9): SaleEvent => ({
  ...{ event: 'challenged', agreement: AGREEMENT, block: 4, number, asks: 'chunk', secondsLeft },
});

describe('a server of sales that nobody watches', { timeout: 60_000 }, () => {
  let folder: string;
  let receiver: Server;
  const received: { alert: string; id: string; text: string; authorization: string | undefined }[] = [];
  /** What the receiver answers, in turn; 200 afterwards. */
  const answers: number[] = [];
  let news = Promise.withResolvers<void>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-watch-'));
    receiver = createServer((asked, answer) => {
      const parts: Buffer[] = [];
      asked.on('data', (part) => parts.push(part));
      asked.on('end', () => {
        const status = answers.shift() ?? 200;
        if (status === 200) {
          const { authorization } = asked.headers;
          received.push({ ...JSON.parse(Buffer.concat(parts).toString()), authorization });
        }
        answer.writeHead(status).end(() => {
          news.resolve();
          news = Promise.withResolvers();
        });
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const { port } = receiver.address() as AddressInfo;
    const webhook = { url: `http://127.0.0.1:${port}/hook?token=secret`, headers: { authorization: 'Bearer secret' } };
    await writeFile(join(folder, 'webhook.json'), JSON.stringify(webhook), { mode: 0o600 });
  });
  after(async () => {
    receiver?.close();
    receiver?.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  function watching(signal: AbortSignal): Promise<WatchedSales> {
    const agent = { owner: OWNER, agentKey: new Uint8Array(32).fill(3) as PrivateKey, datasets: [{}, {}] };
    const options = { health: 0, alerts: join(folder, 'webhook.json'), poll: 1000 };
    return watchSales(agent as never, folder, options, { output: SILENT_OUTPUT, signal });
  }
  const get = async (port: number | null, path: string, host = `127.0.0.1:${port}`) => {
    const asked = request({ host: '127.0.0.1', port: port ?? 0, path, headers: { host } }).end();
    const [answer] = await once(asked, 'response');
    let text = '';
    for await (const part of answer) text += part;
    return { status: answer.statusCode as number, text };
  };

  test('tells of each cause once, tries again, and again after it was killed, and keeps secrets to itself', async () => {
    const first = new AbortController();
    const one = await watching(first.signal);
    one.watch.noteEvent(challenged(1));
    one.watch.noteEvent(challenged(1, 3));
    await one.alerts?.idle();
    assert.deepEqual(
      received.map(({ alert, authorization }) => [alert, authorization]),
      [['question-opened', 'Bearer secret']],
    );
    // Down when the answer is to be told: it is kept, and told after a restart.
    answers.push(500);
    const failed = news.promise;
    one.watch.noteEvent({
      event: 'answered',
      agreement: AGREEMENT,
      block: 4,
      number: 1,
      txHash: `0x${'77'.repeat(32)}`,
    });
    await failed;
    first.abort();
    await one.close();
    assert.equal(received.length, 1);
    const noted = await readFile(join(folder, 'alerts.json'), 'utf8');
    assert.doesNotMatch(noted, /secret/);

    const second = new AbortController();
    const two = await watching(second.signal);
    two.watch.noteEvent(challenged(1));
    two.watch.noteEvent(challenged(2));
    await two.alerts?.idle();
    assert.deepEqual(
      received.map(({ alert }) => alert),
      ['question-opened', 'question-answered', 'question-opened'],
      'the first question is not told again, another about the same block is',
    );
    assert.equal(new Set(received.map(({ id }) => id)).size, 3);
    assert.ok((await readNotedAlerts(folder)).every(({ sent }) => sent === true));
    // Killed when question 2 was answered, before that was noted; 3 and 4 came meanwhile, of which 4 is open.
    second.abort();
    await two.close();
    const third = new AbortController();
    const three = await watching(third.signal);
    three.watch.noteEvent({ event: 'answers-found', agreement: AGREEMENT, number: 3 });
    three.watch.noteEvent({ event: 'answers-found', agreement: AGREEMENT, number: 3 });
    await three.alerts?.idle();
    assert.deepEqual(
      received.slice(3).map(({ alert, text }) => [alert, text]),
      [['question-answered', 'Question 2 is answered on the chain.']],
      'question 1 was told of, question 3 was never said to be open',
    );
    third.abort();
    await three.close();
  });

  test('says on this machine alone how it does', async () => {
    const stop = new AbortController();
    const { watch, healthPort, close } = await watching(stop.signal);
    watch.noteRound({ openSales: 3, failingSales: 0, silent: new Set() });
    watch.noteBalance(10n ** 18n);
    watch.noteEvent(challenged(7));
    const health = await get(healthPort, '/health');
    const { status, openSales, datasets } = JSON.parse(health.text);
    assert.deepEqual([health.status, status, openSales, datasets], [200, 'ok', 3, 2]);
    const metrics = (await get(healthPort, '/metrics')).text;
    assert.match(metrics, /^plumb_owner_open_sales 3$/m);
    assert.match(metrics, /^plumb_owner_events_total\{event="challenged"\} 1$/m);
    for (const line of metrics.trim().split('\n'))
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{event="[\w-]+"\})? [\d.]+)$/);
    assert.equal((await get(healthPort, '/other')).status, 404);
    assert.equal((await get(healthPort, '/health', 'evil.example')).status, 421, 'a web page under a name of its own');
    stop.abort();
    await close();
  });

  test('tells of silence and of low gas when they last, and anew when they come back', () => {
    let nowMs = 0;
    const raised: string[] = [];
    const watch = new SaleWatch({
      runtime: { nowMs: nodeRuntime.nowMs, monotonicMs: () => nowMs },
      ...{ owner: OWNER, agent: OWNER, datasets: 1, pollMs: 1000, lowBalanceWei: 10n },
      raise: ({ cause }) => raised.includes(cause) || raised.push(cause),
      settle: (cause) => raised.includes(cause) && raised.splice(raised.indexOf(cause), 1),
      isNoted: () => false,
      alerts: () => ({ pending: 0, givenUp: 0 }),
    });
    const round = (...silent: ('unavailable' | 'chain')[]) =>
      watch.noteRound({ openSales: 1, failingSales: silent.length, silent: new Set(silent) });
    round('unavailable');
    assert.deepEqual([raised, watch.health().status], [[], 'trouble']);
    nowMs += 120_000;
    round('unavailable');
    assert.deepEqual(raised, ['storage-silent']);
    round();
    assert.deepEqual([raised, watch.health().status], [[], 'ok']);
    watch.noteBalance(9n);
    assert.deepEqual([raised, watch.health().status], [['low-funds'], 'trouble']);
    watch.noteBalance(null);
    watch.noteBalance(10n);
    assert.deepEqual(raised, []);
    nowMs += 600_001;
    assert.equal(watch.health().status, 'stalled');
  });

  test('a consumer who has thousands of messages refused neither delays nor crowds out what is about the bond', async () => {
    const told: string[] = [];
    let isDown = true;
    const pauses: number[] = [];
    const stop = new AbortController();
    const queue = new AlertQueue(
      {
        known: [],
        runtime: {
          ...nodeRuntime,
          // Sleeps until it is woken.
          sleep: (ms, signal) =>
            new Promise((_, reject) => {
              pauses.push(ms);
              signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
            }),
        },
        save: async () => {},
        send: async ({ cause, text }) => {
          if (isDown) throw new Error('down');
          assert.doesNotMatch(text, HIDING, 'what others wrote is told without what moves a terminal');
          told.push(cause);
        },
        onGivenUp: () => assert.fail('given up'),
      },
      stop.signal,
    );
    const watch = new SaleWatch({
      ...{ runtime: nodeRuntime, owner: OWNER, agent: OWNER, datasets: 1, pollMs: 1000, lowBalanceWei: 10n },
      ...{ raise: (alert) => queue.raise(alert), settle: () => {}, alerts: () => ({ pending: 0, givenUp: 0 }) },
      isNoted: (cause) => queue.isNoted(cause),
    });
    const refused = (agreement: string, sequence: number): SaleEvent => ({
      ...{ event: 'message-refused', agreement: agreement as AgreementId, sequence, reason: 'It is none.' },
    });
    for (let i = 0; i < 4_000; i++) watch.noteEvent(refused(AGREEMENT, i));
    assert.equal(queue.pending, 1, 'one for each agreement');
    watch.noteEvent(challenged(1));
    for (let i = 0; i < 2_000; i++) watch.noteEvent(refused(`0x${i}`, 0));
    assert.equal(queue.pending, 1_000, 'so many are kept, and what matters is among them');
    const waits = () => new Promise((resolve) => setImmediate(resolve));
    while (pauses.length === 0) await waits();
    isDown = false;
    watch.noteEvent({
      ...{
        event: 'unanswered',
        agreement: AGREEMENT,
        block: 4,
        number: 1,
        secondsLeft: 9,
        reason: 'The storage says \u202e\u001b[2J.',
      },
    });
    await queue.idle();
    assert.deepEqual(told.slice(0, 2), [`unanswered ${AGREEMENT} 1`, `question ${AGREEMENT} 1`]);
    assert.ok(told.length > 900);
    assert.ok(pauses.length < 4, 'a larger one wakes a server that waits because of a smaller one');
    stop.abort();
  });

  test('refuses a file of the webhook that others can read, and repeats nothing of it', async () => {
    const path = join(folder, 'open.json');
    await writeFile(path, '{"url":"https://secret.example"}', { mode: 0o644 });
    await assert.rejects(readWebhookFile(path), (error: Error) => !/secret/.test(error.message));
    const odd = join(folder, 'odd.json');
    await writeFile(odd, '{"url":"ftp://secret.example"}', { mode: 0o600 });
    await assert.rejects(readWebhookFile(odd), (error: Error) => !/secret\.example/.test(error.message));
    for (const [said, what] of [
      [{ url: 'https://me:secret@example.org/' }, /at url: must not hold a user or password/],
      [{ url: 'https://example.org/', headers: { host: 'secret' } }, /malformed at headers\.host/],
    ] as const) {
      await writeFile(odd, JSON.stringify(said), { mode: 0o600 });
      await assert.rejects(
        readWebhookFile(odd),
        (error: Error) => what.test(error.message) && !/secret/.test(error.message),
      );
    }
  });
});
