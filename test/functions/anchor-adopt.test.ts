import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { type DatasetWriter, EMPTY_LOG, type SealedBatch } from '../../core/batch/seal-batch.ts';
import { equalBytes, toHex } from '../../core/bytes.ts';
import type { Address, DatasetId, DatasetKey, PrivateKey } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, frontierRoot } from '../../core/log/frontier.ts';
import type { Table } from '../../core/ports/table.ts';
import { adoptChainLog } from '../../functions/log/adopt-chain-log.ts';
import { placeSegment } from '../../functions/log/place-segment.ts';
import { datasetPk, type SegmentEntry, tileSk } from '../../functions/state/entries.ts';
import { leafHashOf, queryLog } from '../../functions/state/log-entry.ts';
import { readSegmentEntry, type StoredSegment, writeSegmentEntry } from '../../functions/state/segment-entry.ts';
import { DYNALITE_CREDENTIALS, type RunningDynalite, startDynalite } from '../../local/stack/start-dynalite.ts';
import { seal, type TestDataset } from './log-fixture.ts';

describe('following the chain', () => {
  let dynalite: RunningDynalite;
  let client: ReturnType<typeof createDynamoClient>;
  let table: Table;
  before(async () => {
    dynalite = await startDynalite({ folder: null });
    client = createDynamoClient({
      region: 'us-east-1',
      endpoint: dynalite.endpoint,
      credentials: DYNALITE_CREDENTIALS,
    });
    await createTable(client, 'adopt');
    table = createDynamoTable({ client, tableName: 'adopt' });
  });
  after(async () => {
    client.destroy();
    await dynalite.stop();
  });
  const ports = () => ({ primitives: nodePrimitives, table });

  const newDataset = (): TestDataset => {
    const id = `0x${toHex(nodePrimitives.randomBytes(32))}` as DatasetId;
    const writer: DatasetWriter = {
      ...{ dataset: id, datasetKey: nodePrimitives.randomBytes(32) as DatasetKey, plain: true, published: false },
      deviceKey: nodePrimitives.randomBytes(32) as PrivateKey,
      domain: { chainId: 1, dissc: `0x${'11'.repeat(20)}` as Address },
    };
    return { id, writer, end: EMPTY_LOG };
  };
  const entryOf = ({ manifest, leaf, segment }: SealedBatch): SegmentEntry & Record<string, unknown> => ({
    ...{ key: segment.key, state: 'received', sizeBytes: 1, receivedAtMs: 1, counted: true, first: leaf.first },
    ...{ sha256Hex: toHex(segment.sha256), count: leaf.count, headSize: manifest.head.size },
    ...{
      headBatches: manifest.head.batches,
      headRoot: manifest.head.root,
      signature: manifest.signature,
      signer: '0x',
    },
    ...{ salt: leaf.salt, batchRoot: leaf.batchRoot, sealedHash: leaf.sealedHash, published: false, frontBytes: 1 },
    ...{ largestBlockBytes: 1, fromMs: 1, toMs: 1 },
  });
  const store = async (dataset: TestDataset, batches: readonly SealedBatch[], place: boolean): Promise<void> => {
    for (const batch of batches) {
      const entry = entryOf(batch);
      await writeSegmentEntry(table, dataset.id, entry, 'any');
      const stored = (await readSegmentEntry(table, dataset.id, entry)) as StoredSegment;
      if (place) await placeSegment(ports(), dataset.id, stored as Parameters<typeof placeSegment>[2]);
    }
  };
  const sealMany = (dataset: TestDataset, count: number, unlike = 0): SealedBatch[] =>
    Array.from({ length: count }, () => seal(dataset, 1, unlike));
  const headOf = (batch: SealedBatch | undefined) => (batch as SealedBatch).manifest.head;

  /** The log, rebuilt entry by entry: each root is that of all leaves before it. */
  const readVerifiedLog = async (dataset: TestDataset): Promise<string[]> => {
    const entries = await queryLog(table, dataset.id, 1, 10_000);
    let frontier = EMPTY_FRONTIER;
    let size = 0;
    for (const [i, entry] of entries.entries()) {
      assert.equal(entry.batches, i + 1);
      assert.equal(entry.first, size);
      frontier = appendLeaf(nodePrimitives, frontier, leafHashOf(nodePrimitives, dataset.id, entry));
      assert.ok(equalBytes(frontierRoot(nodePrimitives, frontier), entry.root), `entry ${entry.batches}`);
      size += entry.count;
    }
    return entries.map((entry) => entry.sha256Hex);
  };
  const names = (batches: readonly SealedBatch[]): string[] => batches.map(({ segment }) => toHex(segment.sha256));

  it('leaves a log alone that has the chain’s head', async () => {
    const dataset = newDataset();
    const batches = sealMany(dataset, 3);
    await store(dataset, batches, true);
    assert.equal(await adoptChainLog(ports(), dataset.id, headOf(batches[1])), 'agrees');
    assert.deepEqual(await readVerifiedLog(dataset), names(batches));
    assert.equal(
      await adoptChainLog(ports(), dataset.id, { size: 0, batches: 0, root: new Uint8Array(32) as never }),
      'agrees',
    );
  });

  it('takes the way of the chain through 300 batches, and forgets only what the cache has of the other', async () => {
    const dataset = newDataset();
    const common = sealMany(dataset, 20);
    const fork: TestDataset = { ...dataset };
    const log = sealMany(dataset, 30);
    await store(dataset, [...common, ...log], true);
    const rivals = sealMany(fork, 300, 1);
    await store(fork, rivals, false);
    const hashes = new Uint8Array(32);
    const tiles = [tileSk(0, 0), tileSk(0, 1), tileSk(1, 0)];
    for (const sk of tiles) await table.put({ pk: datasetPk(dataset.id), sk, hashes }, 'any');
    assert.equal(await adoptChainLog(ports(), dataset.id, headOf(rivals.at(-1))), 'adopted');
    assert.deepEqual(await readVerifiedLog(dataset), names([...common, ...rivals]));
    for (const sk of tiles) assert.equal(await table.get(datasetPk(dataset.id), sk), null, sk);
  });

  it('keeps complete tiles before the fork', async () => {
    const dataset = newDataset();
    const common = sealMany(dataset, 257);
    const fork: TestDataset = { ...dataset };
    await store(dataset, [...common, ...sealMany(dataset, 2)], true);
    const rivals = sealMany(fork, 1, 1);
    await store(fork, rivals, false);
    const tiles = [tileSk(0, 0), tileSk(0, 1), tileSk(1, 0)];
    for (const sk of tiles) await table.put({ pk: datasetPk(dataset.id), sk, hashes: new Uint8Array(32) }, 'any');
    assert.equal(await adoptChainLog(ports(), dataset.id, headOf(rivals[0])), 'adopted');
    const left = await Promise.all(tiles.map((sk) => table.get(datasetPk(dataset.id), sk)));
    assert.deepEqual(
      left.map((tile) => tile !== null),
      [true, false, false],
    );
  });

  it('finds the way among rivals of the same place and size', async () => {
    const dataset = newDataset();
    const common = sealMany(dataset, 2);
    await store(dataset, common, true);
    const forks: SealedBatch[][] = [];
    for (let unlike = 1; unlike <= 4; unlike++) {
      const fork: TestDataset = { ...dataset };
      const rivals = sealMany(fork, 5, unlike);
      await store(fork, rivals, false);
      forks.push(rivals);
    }
    for (const rivals of forks) {
      assert.equal(await adoptChainLog(ports(), dataset.id, headOf(rivals[4])), 'adopted');
      assert.deepEqual(await readVerifiedLog(dataset), names([...common, ...rivals]));
    }
  });

  it('is not held up by a device that signs every head many times over', async () => {
    const dataset = newDataset();
    const batches = sealMany(dataset, 24);
    for (const [i, batch] of batches.entries()) {
      for (let copy = 0; copy < 4; copy++) {
        const sha256Hex = toHex(nodePrimitives.sha256(Uint8Array.of(i, copy)));
        await writeSegmentEntry(table, dataset.id, { ...entryOf(batch), sha256Hex }, 'any');
      }
    }
    assert.equal(await adoptChainLog(ports(), dataset.id, headOf(batches.at(-1))), 'adopted');
    assert.equal((await readVerifiedLog(dataset)).length, 24);
  });

  it('adopts a log from nothing', async () => {
    const dataset = newDataset();
    const batches = sealMany(dataset, 4);
    await store(dataset, batches, false);
    assert.equal(await adoptChainLog(ports(), dataset.id, headOf(batches[3])), 'adopted');
    assert.deepEqual(await readVerifiedLog(dataset), names(batches));
  });

  it('changes nothing when a segment on the way is missing', async () => {
    const dataset = newDataset();
    const common = sealMany(dataset, 2);
    const fork: TestDataset = { ...dataset };
    const log = [...common, ...sealMany(dataset, 3)];
    await store(dataset, log, true);
    const [first, , third] = sealMany(fork, 3, 1) as [SealedBatch, SealedBatch, SealedBatch];
    await store(fork, [first, third], false);
    assert.equal(await adoptChainLog(ports(), dataset.id, headOf(third)), 'unknown');
    assert.deepEqual(await readVerifiedLog(dataset), names(log));
  });

  it('changes nothing for a segment that only says it leads to the chain’s head', async () => {
    const dataset = newDataset();
    const log = sealMany(dataset, 3);
    await store(dataset, log, true);
    const fork: TestDataset = { ...dataset };
    const [claimed] = sealMany(fork, 1, 1) as [SealedBatch];
    const root = nodePrimitives.randomBytes(32);
    await writeSegmentEntry(table, dataset.id, { ...entryOf(claimed), headRoot: root }, 'any');
    const head = { ...headOf(claimed), root: root as never };
    assert.equal(await adoptChainLog(ports(), dataset.id, head), 'unknown');
    assert.deepEqual(await readVerifiedLog(dataset), names(log));
  });

  it('readmits what was turned away, as the chain vouches for it', async () => {
    const dataset = newDataset();
    const [batch] = sealMany(dataset, 1) as [SealedBatch];
    const turnedAway = { ...entryOf(batch), state: 'rejected', rejection: 'signer', reason: 'x' } as const;
    await writeSegmentEntry(table, dataset.id, turnedAway, 'any');
    assert.equal(await adoptChainLog(ports(), dataset.id, headOf(batch)), 'adopted');
    const entry = await readSegmentEntry(table, dataset.id, turnedAway);
    assert.deepEqual([entry?.state, entry?.rejection, entry?.reason], ['received', undefined, undefined]);
  });

  it('leaves a verified log wherever it is cut off, and goes on from there', async () => {
    const dataset = newDataset();
    const common = sealMany(dataset, 2);
    await store(dataset, common, true);
    const forks = [1, 2].map((unlike) => {
      const fork: TestDataset = { ...dataset };
      return { fork, rivals: sealMany(fork, 3, unlike) };
    });
    for (const { fork, rivals } of forks) await store(fork, rivals, false);
    let cutOff = 0;
    for (let at = 0; cutOff === at; at++) {
      const { rivals } = forks[at % 2] as (typeof forks)[number];
      let calls = 0;
      const dying = new Proxy(table, {
        get:
          (target, name) =>
          (...parameters: unknown[]) => {
            if (calls++ >= at) return Promise.reject(new Error('cut off'));
            return (Reflect.get(target, name) as (...all: unknown[]) => Promise<unknown>)(...parameters);
          },
      });
      const adopting = adoptChainLog({ primitives: nodePrimitives, table: dying }, dataset.id, headOf(rivals[2]));
      await adopting.catch(() => cutOff++);
      await readVerifiedLog(dataset);
      assert.notEqual(await adoptChainLog(ports(), dataset.id, headOf(rivals[2])), 'contended');
      assert.deepEqual(await readVerifiedLog(dataset), names([...common, ...rivals]));
    }
    assert.ok(cutOff > 10, `${cutOff} calls are too few to be all`);
  });
});
