import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createKuboP2pfs } from '../../adapters/ipfs/kubo-p2pfs.ts';
import { rawCid } from '../../core/batch/manifest.ts';
import { manifestCid } from '../../core/batch/manifest-cid.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { Problem } from '../../functions/answer/problem.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { publishSegment } from '../../functions/publish-segment.ts';
import { type RunningIpfs, startIpfs } from '../../local/ipfs/start-ipfs.ts';
import { blocks, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

describe('publish-segment', { timeout: 60_000 }, () => {
  let folder = '';
  let stores: Stores;
  let ipfs: RunningIpfs;
  let p2pfs: ReturnType<typeof createKuboP2pfs>;
  let ports: ServicePorts;
  let device: TestDevice;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-publish-'));
    stores = await startStores();
    ipfs = await startIpfs({ folder });
    p2pfs = createKuboP2pfs({ apiUrl: ipfs.apiUrl, timeoutMs: 5_000 });
    ports = { ...stores.ports, p2pfs };
  });
  after(async () => {
    p2pfs.close();
    await ipfs.stop();
    await stores.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    device = await TestDevice.open(stores);
  });
  const checkIn = async (sizes: readonly number[]) => {
    const batch = device.seal(blocks(sizes));
    await putObject(stores, batch.segment.key, batch.segment.car);
    await ingestSegment(stores.ports, batch.segment.key);
    return batch;
  };
  const publish = (first: number, on = ports) => publishSegment(on, { dataset: device.dataset, first });
  const refusesWith = (type: string, work: Promise<unknown>) =>
    assert.rejects(work, (error) => error instanceof Problem && error.type === type);

  test('names every CID, which are the hashes of the segment, and pins; again the same', async () => {
    const { manifest, segment } = await checkIn([1000, 1, 500_000, 1000]);
    const published = await publish(0);
    const cids = manifest.blocks.map(({ sha256 }, index) => ({ index, cid: rawCid(sha256).toString() }));
    assert.deepEqual(published, {
      key: segment.key,
      root: manifestCid(stores.ports.primitives, manifest),
      blocks: cids,
    });
    assert.deepEqual(await publish(0), published);
    assert.equal(await p2pfs.hasWhole(published.root), true);
    const pins: string[] = [];
    for await (const pin of p2pfs.pinnedRoots()) pins.push(pin);
    assert.ok(pins.includes(published.root));
  });

  test('takes the first block of a batch of the log, and nothing else', async () => {
    await checkIn([10, 20]);
    await checkIn([30]);
    assert.equal((await publish(2)).blocks[0]?.index, 2);
    for (const first of [1, 3, 9]) await refusesWith('/problems/not-found', publish(first));
  });

  test('imports nothing of a segment that is damaged or gone by now', async () => {
    const { segment, manifest } = await checkIn([5000]);
    const reading = (bytes: Uint8Array | null): ServicePorts => ({
      ...ports,
      objects: { ...stores.objects, read: async () => bytes },
    });
    await refusesWith('/problems/block-unavailable', publish(0, reading(null)));
    await refusesWith('/problems/block-unavailable', publish(0, reading(segment.car.subarray(0, 3000))));
    await refusesWith('/problems/block-unavailable', publish(0, reading(segment.car.with(-1, 0).with(-2, 0))));
    assert.equal(await p2pfs.nameBlock(manifestCid(stores.ports.primitives, manifest)), null);
  });

  test('says so where there is no IPFS node, and where it does not answer', async () => {
    await checkIn([10]);
    const without = { ...ports, p2pfs: null };
    await refusesWith('/problems/no-ipfs', publish(0, without));
    const gone = createKuboP2pfs({ apiUrl: 'http://127.0.0.1:1' });
    await assert.rejects(publish(0, { ...ports, p2pfs: gone }), StoreUnavailableError);
    gone.close();
  });

  test('a node that names another root, or has only a part of it, is not believed', async () => {
    await checkIn([10]);
    const lying = { ...p2pfs, importCar: async () => ({ root: 'bafyreib' }) };
    await assert.rejects(publish(0, { ...ports, p2pfs: lying }), StoreUnavailableError);
    const half = { ...p2pfs, hasWhole: async () => false };
    await assert.rejects(publish(0, { ...ports, p2pfs: half }), StoreUnavailableError);
  });
});
