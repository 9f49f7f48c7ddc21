import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { readSegmentFront } from '../../core/batch/read-segment.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { AnswerError, StoreUnavailableError } from '../../core/errors.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Transfer } from '../../core/ports/transfer.ts';
import { fetchFront } from '../../device/log/fetch-front.ts';
import { putObject } from '../../device/upload/put-object.ts';
import { newWriter } from './fixture.ts';
import { memoryTransfer } from './memory-transfer.ts';
import { startRemote } from './remote.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

/* Uploads and downloads in memory, on a clock of the test's. */

const never = new AbortController().signal;

async function setUp(context: TestContext) {
  const writer = newWriter();
  const remote = await startRemote(writer);
  remote.charter = writer.charter;
  context.after(() => remote.close());
  const runtime = new VirtualRuntime(0);
  const content = Array.from({ length: 3 }, (_, n) => ({ content: new Uint8Array(5000).fill(n), meta: { at: n } }));
  const { segment } = sealBatch(nodePrimitives, writer, EMPTY_PEAKS, content, nodePrimitives.randomBytes(16));
  const presigned = async (): Promise<PresignedRequest> => {
    const wanted = { first: 0, sha256: segment.sha256, sizeBytes: segment.car.length };
    return (await remote.service.uploadSegment(writer.dataset, wanted)).put as PresignedRequest;
  };
  const fetching = (transfer: Pick<Transfer, 'get'>, service = remote.service) =>
    fetchFront({ primitives: nodePrimitives, runtime, transfer, service }, writer.dataset, 0, never);
  return { writer, remote, runtime, segment, presigned, fetching };
}

test('what is put comes back, its front alone, and a second time it is there already', async (context) => {
  const { remote, runtime, segment, presigned, fetching } = await setUp(context);
  const transfer = memoryTransfer(runtime, remote, 700);
  const put = await presigned();
  const send = () => runtime.until(putObject(transfer, put, segment.car, { stallMs: 1000 }, never));
  assert.equal(await send(), 'stored');
  assert.equal(await send(), 'present');
  assert.equal(runtime.nowMs(), 1400);
  assert.deepEqual(remote.puts.length, 1);
  const fetched = await runtime.until(fetching(transfer));
  const { frontBytes } = readSegmentFront(nodePrimitives, segment.car);
  assert.deepEqual(fetched?.bytes, segment.car.slice(0, frontBytes));
});

test('of a segment no more is read than its front, and then it hangs up', async (context) => {
  const { remote, segment, fetching } = await setUp(context);
  remote.ingest(segment.car);
  let read = 0;
  let hungUp = false;
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (; read < segment.car.length; read += 64) yield segment.car.subarray(read, read + 64);
    } finally {
      hungUp = true;
    }
  }
  const fetched = await fetching({ get: async () => ({ status: 200, body: pieces() }) });
  assert.equal(fetched?.front.manifest.blocks.length, 3);
  assert.ok(hungUp);
  assert.ok(read < (fetched?.bytes.length ?? 0) + 64, `${read} of ${segment.car.length} bytes were read`);
});

test('a store that never answers is given up after half a minute', async (context) => {
  const { remote, runtime, segment, fetching } = await setUp(context);
  remote.ingest(segment.car);
  const get: Transfer['get'] = (_get, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new StoreUnavailableError('Given up.', { cause: signal.reason })));
    });
  const failed = fetching({ get }).catch((cause: unknown) => cause);
  await runtime.pass(29_999);
  assert.equal(await Promise.race([failed, 'open']), 'open');
  await runtime.pass(1);
  assert.ok((await Promise.race([failed, 'open'])) instanceof StoreUnavailableError);
});

test('an object that is gone is no segment; another status is a store to be tried again', async (context) => {
  const { remote, segment, fetching } = await setUp(context);
  remote.ingest(segment.car);
  async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
  assert.equal(await fetching({ get: async () => ({ status: 404, body: nothing() }) }), null);
  for (const status of [403, 500]) {
    await assert.rejects(fetching({ get: async () => ({ status, body: nothing() }) }), StoreUnavailableError);
  }
});

test('a service that names another object than the segment asked for has answered wrongly', async (context) => {
  const { writer, remote, runtime, segment, fetching } = await setUp(context);
  remote.ingest(segment.car);
  const given = await remote.service.getSegment(writer.dataset, 0);
  const transfer = memoryTransfer(runtime, remote, 0);
  for (const key of ['', 'notes.txt', given.key.replace(/0{16}/, '0000000000000001'), `ff${given.key.slice(2)}`]) {
    const service = { ...remote.service, getSegment: async () => ({ ...given, key }) };
    await assert.rejects(fetching(transfer, service), (error) => {
      return error instanceof AnswerError && error.kind === 'answer' && error.message.includes('http://127.0.0.1');
    });
  }
});
