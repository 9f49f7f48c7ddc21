import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { type BatchResponse, type S3EventCall, s3EventMiddleware } from '../../functions/events/s3-event-middleware.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { segmentRemovedRow } from '../../functions/table.ts';
import { runMiddleware } from './run-middleware.ts';

interface Change {
  readonly bodies: readonly string[];
  readonly leftMs?: number;
  readonly each?: (key: string, timeUp: AbortController) => void;
}

/** Messages of a queue through the whole middleware; each object is only written down. */
async function run({ bodies, leftMs, each }: Change) {
  const keys: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const givenMs: number[] = [];
  const timeUp = new AbortController();
  const runtime = {
    ...nodeRuntime,
    timeout(ms: number) {
      givenMs.push(ms);
      return timeUp.signal;
    },
  };
  const observer = createLineObserver((line) => lines.push(line));
  const ports = { primitives: nodePrimitives, runtime, observer };
  const handle = async (call: unknown) => {
    const { records, each: forEach } = call as S3EventCall;
    return forEach(records, async ({ key, signal }) => {
      assert.equal(signal, timeUp.signal);
      keys.push(key);
      each?.(key, timeUp);
    });
  };
  const Records = bodies.map((body, i) => ({ messageId: `m${i}`, body }));
  const context = leftMs === undefined ? {} : { getRemainingTimeInMillis: () => leftMs };
  const middleware = s3EventMiddleware(ports, segmentRemovedRow);
  const { batchItemFailures } = (await runMiddleware(middleware, handle, { Records }, context)) as BatchResponse;
  return { keys, lines, givenMs, failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
}

const about = (...keys: readonly string[]): string =>
  JSON.stringify({ Records: keys.map((key) => ({ s3: { object: { key } } })) });

describe('what stands around a handler of S3 events', () => {
  test('gives each object its name, which S3 has form-encoded; one that is not encoded stays as it is', async () => {
    const { keys, failed } = await run({ bodies: [about('a+b%20c', '%C3%B6', 'a%2Bb'), about('100%')] });
    assert.deepEqual(keys, ['a b c', 'ö', 'a+b', '100%']);
    assert.deepEqual(failed, []);
  });

  test('goes on after a failure, reports that message alone, and counts it', async () => {
    const { keys, failed, lines } = await run({
      bodies: [about('a', 'b'), 'not JSON', about('c')],
      each: (key) => {
        if (key === 'a') throw new Error('unlucky');
      },
    });
    assert.deepEqual(keys, ['a', 'c'], 'the message comes again whole');
    assert.deepEqual(failed, ['m0', 'm1']);
    assert.equal(lines.filter(({ metric }) => metric === 'EventFailed').length, 2);
    const said = lines.filter(({ level }) => level === 'error');
    assert.deepEqual(
      said.map(({ function: name, messageId }) => [name, messageId]),
      [
        ['segment-removed', 'm0'],
        ['segment-removed', 'm1'],
      ],
    );
  });

  test('begins no message when the time is up: those come again', async () => {
    const { keys, failed } = await run({
      bodies: [about('a'), about('b'), about('c')],
      each: (_, timeUp) => timeUp.abort(),
    });
    assert.deepEqual(keys, ['a']);
    assert.deepEqual(failed, ['m1', 'm2']);
  });

  test('gives a batch what is left of its function’s time, and keeps 500 ms to answer', async () => {
    for (const [leftMs, givenMs] of [
      [undefined, 28_500],
      [60_000, 28_500],
      [800, 300],
      [0, 1],
    ] as const) {
      assert.deepEqual((await run({ bodies: [], ...(leftMs === undefined ? {} : { leftMs }) })).givenMs, [givenMs]);
    }
  });

  test('takes no event that is not of a queue', async () => {
    await assert.rejects(run({ bodies: [7 as unknown as string] }));
  });
});
