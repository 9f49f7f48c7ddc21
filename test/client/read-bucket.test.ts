import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { verifyRetrievable } from '../../client/owner/verify-retrievable.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { segmentKey } from '../../core/batch/segment-key.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { RecordSource } from '../../core/ports/css.ts';
import { HonestStorage, headOf, recordedEvents } from '../core/honest-storage.ts';
import { blocks, putObject, type Stores, startStores, TestDevice } from '../functions/start-service.ts';

/* Protocol II, plain retrieval (Table III), from a bucket alone: no function of the service runs here. */
describe('a bucket without any cooperation', { timeout: 60_000 }, () => {
  let stores: Stores;
  let device: TestDevice;
  let log: SealedBatch[];
  let asked = 0;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());
  beforeEach(async () => {
    asked = 0;
    device = await TestDevice.open(stores);
    log = [blocks([500, 20_000, 1]), blocks([3000]), blocks(Array.from({ length: 1024 }, () => 10))].map((some) =>
      device.seal(some),
    );
    for (const { segment } of log) await putObject(stores, segment.key, segment.car);
    stores.ledger.heads.final.set(device.dataset, headOf(nodePrimitives, log));
    stores.ledger.recorded.push(...recordedEvents(nodePrimitives, log));
  });

  /** The service's records, counting how often they are needed. */
  const helped: RecordSource = {
    getRecords: (dataset, indices, size) => {
      asked++;
      return new HonestStorage(nodePrimitives, log).getRecords(dataset, indices, size);
    },
  };
  const alone: RecordSource = {
    getRecords: async () => {
      throw new StoreUnavailableError('There is no service.');
    },
  };
  const verify = async (records: RecordSource, range = { from: 0, to: 9 }, bucket = stores.objects) => {
    const verdicts: string[] = [];
    await verifyRetrievable(
      { primitives: nodePrimitives, ledger: Object.assign(stores.ledger, { findLinked: async () => [] }), records },
      { from: 's3', bucket },
      { dataset: device.dataset, datasetKeyOf: () => device.datasetKey, anchor: 'final', range },
      (some) => verdicts.push(...some.map(({ verdict }) => verdict)),
    );
    return verdicts;
  };
  const intact = (count: number) => Array.from({ length: count }, () => 'intact');
  /** Another object beside a stored one: the same front, other blocks. */
  const putAltered = async (batch: SealedBatch, number: number): Promise<void> => {
    const car = Uint8Array.from(batch.segment.car);
    car[readSegment(nodePrimitives, car).offsets[number] as number]! ^= 1;
    const key = segmentKey(device.dataset, batch.manifest.first, nodePrimitives.sha256(car));
    await putObject(stores, key, car);
  };
  const remove = async (key: string): Promise<void> => {
    const { DeleteObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
    const { endpoint } = stores.s3;
    const credentials = { accessKeyId: stores.s3Keys.accessKey, secretAccessKey: stores.s3Keys.secretKey };
    const client = new S3Client({ region: 'us-east-1', endpoint, credentials, forcePathStyle: true });
    await client.send(new DeleteObjectCommand({ Bucket: 'segments', Key: key }));
    client.destroy();
  };

  it('proves its own records, and every block of it is intact', async () => {
    assert.deepEqual(await verify(alone, { from: 0, to: 99 }), intact(100));
    assert.deepEqual(await verify(alone, { from: 1000, to: 1027 }), intact(28));
  });

  it('a segment with a long front, rivals, copies and strangers beside it change nothing', async () => {
    const rival = await TestDevice.open(stores);
    await putAltered(log[0] as SealedBatch, 1);
    await putAltered(log[0] as SealedBatch, 2);
    const other = rival.seal(blocks([7]));
    await putObject(stores, segmentKey(device.dataset, 3, nodePrimitives.sha256(other.segment.car)), other.segment.car);
    await putObject(stores, `${device.dataset.slice(2)}/notes.txt`, new Uint8Array(9));
    await putObject(stores, segmentKey(device.dataset, 4, new Uint8Array(32)), new Uint8Array(9));
    assert.deepEqual(await verify(alone), intact(10));
  });

  it('a damaged block is corrupted, and no other', async () => {
    await putAltered(log[0] as SealedBatch, 1);
    await remove((log[0] as SealedBatch).segment.key);
    assert.deepEqual(await verify(alone), intact(10).with(1, 'corrupted'));
  });

  it('a lost segment costs its own blocks alone, without anybody else', async () => {
    await remove((log[1] as SealedBatch).segment.key);
    assert.deepEqual(await verify(alone), intact(10).with(3, 'unavailable'));
  });

  it('where the bucket has nothing of the blocks asked for, the public records are had elsewhere', async () => {
    await remove((log[1] as SealedBatch).segment.key);
    assert.deepEqual(await verify(helped, { from: 3, to: 3 }), ['unavailable']);
    assert.ok(asked > 0);
  });

  it('a bucket that does not answer is an error in time', async () => {
    const gone = createS3ObjectStore({
      ...{ region: 'us-east-1', bucket: 'segments', endpoint: 'http://127.0.0.1:1', timeoutMs: 500 },
      credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    });
    await assert.rejects(verify(helped, { from: 0, to: 0 }, gone), StoreUnavailableError);
    gone.close();
  });
});
