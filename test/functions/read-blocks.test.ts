import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { chunkRootFromProof } from '../../core/block/chunk-tree.ts';
import { openBlock } from '../../core/block/digest.ts';
import type { Fault, HashedBlock } from '../../core/ports/css.ts';
import { getBlock } from '../../functions/get-block.ts';
import { getSegment } from '../../functions/get-segment.ts';
import { hashBlocks } from '../../functions/hash-blocks.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { markRemoved } from '../../functions/ingest/mark-removed.ts';
import { proveChunks } from '../../functions/prove-chunks.ts';
import { BUCKET, blocks, putObject, REGION, type Stores, startStores, TestDevice } from './start-service.ts';

describe('reading stored blocks', () => {
  let stores: Stores;
  let s3: S3Client;
  let device: TestDevice;
  let batch: SealedBatch;
  const SIZES = [3000, 1, 1024, 5000, 2 ** 18];
  const ALL = [0, 1, 2, 3, 4];

  before(async () => {
    stores = await startStores();
    const { accessKey, secretKey } = stores.s3Keys;
    s3 = new S3Client({
      region: REGION,
      endpoint: stores.s3.endpoint,
      forcePathStyle: true,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  });
  after(async () => {
    s3.destroy();
    await stores.close();
  });
  beforeEach(async () => {
    device = await TestDevice.open(stores);
    batch = await store(blocks(SIZES));
  });

  async function store(captured: ReturnType<typeof blocks>, options: { stay?: boolean } = {}) {
    const sealed = device.seal(captured, options);
    await putObject(stores, sealed.segment.key, sealed.segment.car);
    await ingestSegment(stores.ports, sealed.segment.key);
    return sealed;
  }
  const overwrite = (bytes: Uint8Array) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: batch.segment.key, Body: bytes }));
  const hash = async (indices: readonly number[]) =>
    (await hashBlocks(stores.ports, { dataset: device.dataset, blocks: indices })).answers;
  const prove = async (index: number, random: number) =>
    (await proveChunks(stores.ports, { dataset: device.dataset, challenges: [{ index, random }] })).answers[0]!;
  const openings = (sealed: SealedBatch) => {
    const { blocks: stored, manifest } = readSegment(nodePrimitives, sealed.segment.car);
    return stored.map((block, i) => openBlock(nodePrimitives, block, manifest.blocks[i]!.meta));
  };
  const opened = (answer: HashedBlock | Fault | undefined) => {
    assert.ok(answer !== undefined && 'opening' in answer, JSON.stringify(answer));
    return answer.opening;
  };
  const reason = (answer: object | undefined) => {
    assert.ok(answer !== undefined && 'kind' in answer, JSON.stringify(answer));
    return (answer as Fault).reason;
  };
  const offsetOf = (index: number) => readSegment(nodePrimitives, batch.segment.car).offsets[index]!;

  test('answers openings of any blocks, adjacent or not, as the bytes are', async () => {
    const wanted = openings(batch);
    for (const indices of [ALL, [4], [0, 2, 4], [3, 1], [2, 3]]) {
      const answers = await hash(indices);
      for (const index of indices) {
        const answer = answers.find((one) => one.index === index);
        assert.deepEqual(opened(answer as HashedBlock), wanted[index]);
      }
    }
  });

  test('answers over many batches, and says which blocks are in none', async () => {
    const second = await store(blocks([10, 20]));
    const answers = await hash([0, 5, 6, 7, 9_000_000]);
    assert.deepEqual(opened(answers.find(({ index }) => index === 6) as HashedBlock), openings(second)[1]);
    for (const index of [7, 9_000_000]) {
      assert.deepEqual((answers.find((one) => one.index === index) as Fault).kind, 'unrecorded');
    }
  });

  test('a flipped bit in a block changes that opening and no other', async () => {
    const car = batch.segment.car.slice();
    car[offsetOf(3) + 77]! ^= 0x10;
    await overwrite(car);
    const answers = await hash(ALL);
    for (const [index, wanted] of openings(batch).entries()) {
      const { sha256, ...rest } = opened(answers[index] as HashedBlock);
      const { sha256: recorded, ...others } = wanted;
      assert.equal(Buffer.compare(sha256, recorded) === 0, index !== 3);
      assert.deepEqual(rest, others);
    }
    const proof = await prove(3, 0);
    assert.ok('chunk' in proof);
    const root = chunkRootFromProof(nodePrimitives, proof.size, 0, proof);
    assert.notDeepEqual(root, openings(batch)[3]!.chunkRoot);
    const got = await getBlock(stores.ports, { dataset: device.dataset, index: 3 });
    assert.ok('block' in got);
    assert.equal(got.block[77], car[offsetOf(3) + 77], 'the bytes are given as they are');
  });

  test('a truncated object still answers the blocks before the cut', async () => {
    await overwrite(batch.segment.car.subarray(0, offsetOf(3) + 10));
    const answers = await hash(ALL);
    for (const index of [0, 1, 2]) assert.deepEqual(opened(answers[index] as HashedBlock), openings(batch)[index]);
    assert.match(reason(answers[3]), /object ends before the block: 10 of its 5016/);
    assert.match(reason(answers[4]), /object ends before the block: 0 of/);
    assert.match(reason(await prove(3, 0)), /object ends before/);
    assert.match(reason(await getBlock(stores.ports, { dataset: device.dataset, index: 4 })), /object ends before/);
  });

  test('an object cut inside its manifest is named as such', async () => {
    await overwrite(batch.segment.car.subarray(0, 300));
    for (const answer of await hash(ALL)) assert.match(reason(answer), /manifest damaged/);
  });

  test('an empty object is named as such', async () => {
    await overwrite(new Uint8Array(0));
    for (const answer of await hash(ALL)) assert.match(reason(answer), /manifest damaged/);
  });

  test('a flipped bit in the manifest is named as such', async () => {
    const car = batch.segment.car.slice();
    car[400]! ^= 1;
    await overwrite(car);
    for (const answer of await hash(ALL)) assert.match(reason(answer), /manifest damaged/);
  });

  test('an older rival in its place is answered from as it lies there', async () => {
    const rival = await TestDevice.open(stores);
    Object.assign(rival, { dataset: device.dataset });
    const other = rival.seal(blocks([50, 60, 70]));
    await overwrite(other.segment.car);
    const answers = await hash(ALL);
    for (const index of [0, 1, 2]) assert.deepEqual(opened(answers[index] as HashedBlock), openings(other)[index]);
    assert.match(reason(answers[4]), /holds blocks 0 to 2/);
  });

  test('a missing object is named, marked lost, and found whole again when it is back', async () => {
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: batch.segment.key }));
    for (const answer of await hash(ALL)) assert.equal(reason(answer), 'object missing');
    assert.equal(await markRemoved(stores.ports, batch.segment.key), 'lost');
    await assert.rejects(getSegment(stores.ports, { dataset: device.dataset, first: 0 }), {
      type: '/problems/block-unavailable',
    });
    await overwrite(batch.segment.car);
    assert.equal(await markRemoved(stores.ports, batch.segment.key), 'present', 'a late event takes nothing away');
    const { get } = await getSegment(stores.ports, { dataset: device.dataset, first: 0 });
    const fetched = await fetch(get.url);
    assert.deepEqual(new Uint8Array(await fetched.arrayBuffer()), batch.segment.car);
  });

  test('gives addresses of batches in the log only', async () => {
    const rival = await store(blocks([5]), { stay: true });
    const { key } = await getSegment(stores.ports, { dataset: device.dataset, first: 5 });
    assert.equal(key, rival.segment.key);
    for (const first of [1, 6, 4]) {
      await assert.rejects(getSegment(stores.ports, { dataset: device.dataset, first }), {
        type: '/problems/not-found',
      });
    }
  });

  test('every chunk of a block can be challenged', async () => {
    const { chunkRoot, size } = openings(batch)[0]!;
    for (const random of [0, 1, 2, 3, 0xffff_ffff]) {
      const proof = await prove(0, random);
      assert.ok('chunk' in proof);
      assert.deepEqual(chunkRootFromProof(nodePrimitives, size, random, proof), chunkRoot);
    }
  });

  test('reads at most 64 MiB for one request and names the rest', async () => {
    const large = Array.from({ length: 3 }, () => blocks(Array(31).fill(2 ** 20 - 16)));
    for (const captured of large) await store(captured);
    const indices = Array.from({ length: 93 }, (_, i) => 5 + i);
    const { answers, remaining } = await hashBlocks(stores.ports, { dataset: device.dataset, blocks: indices });
    assert.ok(answers.length >= 60 && answers.length <= 64, `${answers.length}`);
    assert.equal(answers.length + remaining.length, 93);
    const rest = await hashBlocks(stores.ports, { dataset: device.dataset, blocks: remaining });
    assert.deepEqual(rest.remaining, []);
    assert.ok(rest.answers.every((answer) => 'opening' in answer));
  });
});
