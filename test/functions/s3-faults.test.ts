import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import { GetObjectCommand, HeadObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import type { Fault } from '../../core/ports/css.ts';
import { getBlock } from '../../functions/get-block.ts';
import { hashBlocks } from '../../functions/hash-blocks.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { proveChunks } from '../../functions/prove-chunks.ts';
import { segmentRemoved } from '../../functions/segment-removed.ts';
import { blocks, type ProcessPorts, type Stores, startStores, TestDevice } from './start-service.ts';

describe('faults of S3', () => {
  let stores: Stores;
  let ports: ProcessPorts;
  let device: TestDevice;
  const s3 = mockClient(S3Client);
  const stored = new Map<string, Uint8Array>();

  before(async () => {
    stores = await startStores();
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    const objects = createS3ObjectStore({
      region: 'us-east-1',
      bucket: 'b',
      endpoint: null,
      credentials,
      timeoutMs: 2_000,
    });
    ports = { ...stores.ports, objects };
  });
  after(() => stores.close());
  beforeEach(async () => {
    s3.reset();
    stored.clear();
    healthy();
    device = new TestDevice(stores);
  });

  function healthy(reshape: (key: string, bytes: Uint8Array) => Readable = (_, bytes) => Readable.from([bytes])) {
    s3.on(GetObjectCommand).callsFake(({ Key, Range }) => {
      const bytes = stored.get(Key);
      if (bytes === undefined) throw exception('NoSuchKey', 404);
      const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(Range) ?? [];
      if (Number(start) >= bytes.length) throw exception('InvalidRange', 416);
      return { Body: reshape(Key, Buffer.from(bytes.subarray(Number(start), Number(end) + 1))) as never };
    });
    s3.on(HeadObjectCommand).callsFake(({ Key }) => {
      const bytes = stored.get(Key);
      if (bytes === undefined) throw exception('NotFound', 404);
      return { ContentLength: bytes.length };
    });
  }
  function failing(name: string, status: number) {
    s3.on(GetObjectCommand).rejects(exception(name, status));
    s3.on(HeadObjectCommand).rejects(exception(name, status));
  }
  async function store(sizes: readonly number[]) {
    const { segment } = device.seal(blocks(sizes));
    stored.set(segment.key, segment.car);
    assert.equal(await ingestSegment(ports, segment.key), 'placed');
    return segment;
  }
  const hash = (indices: readonly number[]) => hashBlocks(ports, { dataset: device.dataset, blocks: indices });
  const unavailable = { name: 'StoreUnavailableError' };

  for (const [name, status] of [
    ['SlowDown', 503],
    ['InternalError', 500],
    ['RequestTimeout', 400],
    ['AccessDenied', 403],
  ] as const) {
    test(`${name} leaves a segment to be checked in later`, async () => {
      const { segment } = device.seal(blocks([100]));
      stored.set(segment.key, segment.car);
      failing(name, status);
      await assert.rejects(ingestSegment(ports, segment.key), unavailable);
      healthy();
      assert.equal(await ingestSegment(ports, segment.key), 'placed');
    });

    test(`${name} marks nothing lost`, async () => {
      const segment = await store([100]);
      failing(name, status);
      await assert.rejects(segmentRemoved(ports, segment.key), unavailable);
      await assert.rejects(hash([0]), unavailable);
      healthy();
      assert.equal(await segmentRemoved(ports, segment.key), 'present');
    });
  }

  test('an object that is gone when its event comes leaves no trace', async () => {
    const { segment } = device.seal(blocks([100]));
    assert.equal(await ingestSegment(ports, segment.key), 'gone');
  });

  test('a body that ends early is never checked in as if it were whole', async () => {
    const { segment } = device.seal(blocks([100, 200]));
    stored.set(segment.key, segment.car);
    healthy((_, bytes) => Readable.from([bytes.subarray(0, bytes.length - 1)]));
    await assert.rejects(ingestSegment(ports, segment.key), unavailable);
    healthy();
    assert.equal(await ingestSegment(ports, segment.key), 'placed');
  });

  test('other bytes under a name are rejected, and looked at again when the right ones are back', async () => {
    const { segment } = device.seal(blocks([100]));
    stored.set(segment.key, segment.car.toReversed());
    assert.equal(await ingestSegment(ports, segment.key), 'rejected');
    stored.set(segment.key, segment.car);
    assert.equal(await ingestSegment(ports, segment.key), 'placed');
  });

  test('a body that ends early is a fault of the blocks behind the end only', async () => {
    const segment = await store([100_000, 200_000, 300_000]);
    healthy((_, bytes) => Readable.from([bytes.length < 10_000 ? bytes : bytes.subarray(0, 150_000)]));
    stored.set(segment.key, segment.car);
    const { answers } = await hash([0, 1, 2]);
    assert.deepEqual(
      answers.map((answer) => 'kind' in answer),
      [false, true, true],
    );
  });

  test('a body that breaks off, or never goes on, is no statement about the blocks', async () => {
    await store([100, 200]);
    healthy(() =>
      Readable.from(
        (async function* () {
          yield Buffer.alloc(10);
          throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
        })(),
      ),
    );
    await assert.rejects(hash([0]), unavailable);
    healthy(() => new Readable({ read() {} }));
    await assert.rejects(hash([0]), unavailable);
    await assert.rejects(getBlock(ports, { dataset: device.dataset, index: 0 }), unavailable);
  });

  test('one segment that does not answer costs its own blocks only', async () => {
    const bad = await store([100]);
    await store([200]);
    healthy((key, bytes) => (key === bad.key ? new Readable({ read() {} }) : Readable.from([bytes])));
    const { answers } = await hash([0, 1]);
    assert.match((answers[0] as Fault).reason, /does not answer/);
    assert.ok('opening' in answers[1]!);
    const proofs = await proveChunks(ports, {
      dataset: device.dataset,
      challenges: [
        { index: 0, random: 0 },
        { index: 1, random: 0 },
      ],
    });
    assert.deepEqual(
      proofs.answers.map((answer) => 'kind' in answer),
      [true, false],
    );
  });
});

function exception(name: string, status: number): S3ServiceException {
  return new S3ServiceException({
    name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  });
}
