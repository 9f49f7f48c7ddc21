import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as z from 'zod';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type HttpAnswer, Problem } from '../../functions/answer/problem.ts';
import { httpMiddleware } from '../../functions/http/http-middleware.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import type { HttpRow } from '../../functions/row.ts';
import { runMiddleware } from './run-middleware.ts';

const HOST = 'api.example';
const LIMIT_BYTES = 20;
const row: HttpRow = {
  name: 'take-thing',
  trigger: { kind: 'http', method: 'POST', path: '/v1/things/{thing}' },
  invoke: false,
  callers: 'anyone',
  may: {},
  limits: { timeoutMs: 20_000, bodyBytes: LIMIT_BYTES, memoryMb: 512 },
  request: { params: z.strictObject({ thing: z.string() }), query: z.strictObject({}), body: z.array(z.int()) },
  response: { json: z.unknown() },
};

interface Change {
  readonly path?: string;
  readonly host?: string;
  readonly body?: string;
  readonly leftMs?: number;
  readonly identify?: () => Promise<null>;
  readonly admit?: () => Promise<object>;
  readonly handle?: (call: unknown) => Promise<unknown>;
}

/** One request through the whole middleware, with a note of what it came to and of how long it was given. */
async function run(change: Change = {}) {
  const { path = '/v1/things/one', host = HOST, body = '[1]', leftMs } = change;
  const came: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const givenMs: number[] = [];
  let nowMs = 1_000;
  const runtime = {
    ...nodeRuntime,
    nowMs: () => nowMs,
    timeout(ms: number) {
      givenMs.push(ms);
      return new AbortController().signal;
    },
  };
  const observer = createLineObserver((line) => lines.push(line));
  const admission = {
    async identify() {
      came.push('identify');
      nowMs += 30;
      return change.identify?.() ?? null;
    },
    async admit() {
      came.push('admit');
      return change.admit?.() ?? { as: 'a guest' };
    },
  };
  const handle = async (call: unknown) => {
    came.push('handle');
    nowMs += 70;
    return (await change.handle?.(call)) ?? { statusCode: 200, headers: {}, body: '{}', isBase64Encoded: false };
  };
  const middleware = httpMiddleware({ runtime, observer, settings: () => ({ authorities: [HOST] }) }, row, admission);
  const event = {
    rawPath: path,
    rawQueryString: '',
    headers: { host },
    requestContext: { http: { method: 'POST' } },
    body,
    isBase64Encoded: false,
  };
  const context = leftMs === undefined ? {} : { getRemainingTimeInMillis: () => leftMs };
  const answer = (await runMiddleware(middleware, handle, event, context)) as HttpAnswer;
  const type = answer.statusCode < 400 ? null : (JSON.parse(answer.body) as { type: string }).type;
  const metrics = lines.filter(({ level }) => level === 'metric').map(({ metric }) => metric);
  return {
    status: answer.statusCode,
    type,
    came,
    givenMs,
    metrics,
    log: lines.filter(({ level }) => level !== 'metric'),
  };
}

const throwing = (error: unknown) => async (): Promise<never> => {
  throw error;
};

describe('what stands around every HTTP handler', () => {
  test('asks who signs, then as what they are let in, and only then the handler, which is given both', async () => {
    const calls: unknown[] = [];
    const { came, status } = await run({
      handle: async (call) => {
        calls.push(call);
        return undefined;
      },
    });
    assert.deepEqual([status, came], [200, ['identify', 'admit', 'handle']]);
    const { signal, ...rest } = calls[0] as { signal: AbortSignal };
    assert.ok(signal instanceof AbortSignal);
    assert.deepEqual(rest, { as: 'a guest', params: { thing: 'one' }, query: {}, body: [1], caller: null });
  });

  test('goes no further than what refuses a request', async () => {
    const forbidden = throwing(new Problem('/problems/forbidden', 'No.'));
    for (const [change, type, came] of [
      [{ host: 'other.example' }, '/problems/signature', []],
      [{ body: `[${'1,'.repeat(9)}10]` }, '/problems/too-large', []],
      [{ path: '/v1/others/one' }, '/problems/not-found', []],
      // Whoever has not signed is told nothing of what the body should be.
      [
        { body: '"x"', identify: throwing(new Problem('/problems/signature', 'No.')) },
        '/problems/signature',
        ['identify'],
      ],
      [{ body: '"x"' }, '/problems/bad-request', ['identify']],
      [{ admit: forbidden }, '/problems/forbidden', ['identify', 'admit']],
      [{ handle: forbidden }, '/problems/forbidden', ['identify', 'admit', 'handle']],
    ] as const) {
      const ended = await run(change);
      assert.deepEqual([ended.type, ended.came], [type, came], JSON.stringify(change));
      assert.deepEqual(ended.metrics, ['Refused']);
    }
  });

  test('takes a body of the last byte that the row allows, and not one more', async () => {
    const bodyOf = (bytes: number): string => '[1]'.padEnd(bytes, ' ');
    assert.equal((await run({ body: bodyOf(LIMIT_BYTES) })).status, 200);
    assert.equal((await run({ body: bodyOf(LIMIT_BYTES + 1) })).type, '/problems/too-large');
  });

  test('gives a request what is left of its function’s time, or of its row’s if that is less, and keeps 500 ms to answer', async () => {
    for (const [leftMs, givenMs] of [
      [undefined, 19_500],
      [60_000, 19_500],
      [800, 300],
      [500, 1],
      [0, 1],
    ] as const) {
      assert.deepEqual((await run(leftMs === undefined ? {} : { leftMs })).givenMs, [givenMs], String(leftMs));
    }
  });

  test('says of every request how it ended and how long it took; of a failure here also with what', async () => {
    const answered = await run();
    assert.deepEqual(answered.metrics, ['Answered']);
    assert.deepEqual(answered.log, [
      { level: 'info', message: 'request', function: 'take-thing', status: 200, ms: 100 },
    ]);
    const refused = await run({ handle: throwing(new Problem('/problems/not-found', 'There is no thing.')) });
    assert.deepEqual(refused.metrics, ['Refused']);
    assert.deepEqual(refused.log, [
      {
        ...{ level: 'info', message: 'request', function: 'take-thing', status: 404, ms: 100 },
        ...{ problem: '/problems/not-found', detail: 'There is no thing.' },
      },
    ]);
    // Counted from before the admission, also where that is the end.
    assert.equal((await run({ admit: throwing(new Error('x')) })).log[0]?.ms, 30);
    for (const [error, status] of [
      [new TypeError('nobody thought of it'), 500],
      [new LedgerUnavailableError('away'), 503],
    ] as const) {
      const failed = await run({ handle: throwing(error) });
      assert.deepEqual([failed.status, failed.metrics], [status, ['Failed']]);
      assert.deepEqual(
        failed.log.map((line) => [line.level, (line.error as Error).message]),
        [['error', error.message]],
      );
    }
  });
});
