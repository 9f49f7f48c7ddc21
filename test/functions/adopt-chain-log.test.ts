import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { growPeaks, requireGrowth } from '../../core/log/growth.ts';
import { EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import type { Fault } from '../../core/ports/css.ts';
import { getAnchor } from '../../functions/get-anchor.ts';
import { getRecords } from '../../functions/get-records.ts';
import { hashBlocks } from '../../functions/hash-blocks.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { type Adoption, adoptChainLog, type ChainGrowth } from '../../functions/log/adopt-chain-log.ts';
import { extendLog } from '../../functions/log/extend-log.ts';
import { growTiles } from '../../functions/log/grow-tiles.ts';
import { openLog } from '../../functions/log/open-log.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { blocks, putObject, type Stores, startStores, TestDevice } from './start-service.ts';
import { fromWireGrowth } from './wire-growth.ts';

describe('the log follows the chain', () => {
  let stores: Stores;
  let device: TestDevice;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());
  beforeEach(async () => {
    device = await TestDevice.open(stores);
  });

  const put = ({ segment }: SealedBatch) => putObject(stores, segment.key, segment.car);
  const checkIn = async (batch: SealedBatch) => {
    await put(batch);
    return ingestSegment(stores.ports, batch.segment.key);
  };
  const seal = (count: number, options?: { stay?: boolean }) => device.seal(blocks(Array(count).fill(1)), options);
  /** The event of an update that leads over these batches. */
  const eventOf = async (from: Peaks, batches: readonly SealedBatch[], final = true): Promise<ChainGrowth> => {
    const { size, root } = batches.at(-1)!.manifest.head;
    const leaves = batches.flatMap(({ leafHashes }) => leafHashes);
    const whole = [...Array(from.size).fill(new Uint8Array(32)), ...leaves];
    const appended = await subtreesOfLeaves(nodePrimitives, whole)(appendedSubtrees(from.size, size));
    return { size, root, appended, signer: device.owner, final };
  };
  /** What a thief with the device's key records: nobody has its blocks. */
  const junkEvent = (from: Peaks, count: number, final = true): { event: ChainGrowth; end: Peaks } => {
    const size = from.size + count;
    const appended = appendedSubtrees(from.size, size).map(() => new Uint8Array(randomBytes(32)));
    const end = growPeaks(nodePrimitives, from, size, appended);
    const root = rootOfPeaks(nodePrimitives, end);
    return { event: { size, root, appended, signer: device.owner, final }, end };
  };
  const adopt = async (...events: ChainGrowth[]): Promise<Adoption> =>
    adoptChainLog(stores.ports, device.dataset, events.at(-1)!, async () => events);
  const prove = async (wanted: readonly number[], { size, root }: Pick<ChainGrowth, 'size' | 'root'>) => {
    const answer = await getRecords(stores.ports, { dataset: device.dataset, blocks: wanted, size });
    const shown = answer.batches.flatMap(({ records }) => records);
    if (shown.length > 0) requireRecords(nodePrimitives, { size, root }, shown, answer.proof);
    return { shown: shown.map(({ index }) => index), faults: answer.faults.map(({ index }) => index) };
  };
  const all = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const states = async () =>
    (await listBatches(stores.ports, { dataset: device.dataset, by: 'block' })).batches.map(({ state }) => state);

  test('where it has the chain’s head nothing is asked of the chain', async () => {
    const batch = seal(3);
    await checkIn(batch);
    const never = () => assert.fail('the events were asked for');
    const { head } = batch.manifest;
    assert.equal(await adoptChainLog(stores.ports, device.dataset, head, never), 'agrees');
    assert.equal(await adoptChainLog(stores.ports, device.dataset, { ...head, size: 0 }, never), 'agrees');
  });

  test('to a rival that was recorded, and takes in again what belongs behind it', async () => {
    const [first, ours] = [seal(2), seal(3, { stay: true })];
    const theirs = seal(5);
    const behind = seal(4);
    assert.equal(await checkIn(first), 'placed');
    assert.equal(await checkIn(ours), 'placed');
    assert.equal(await checkIn(theirs), 'superseded');
    assert.equal(await checkIn(behind), 'waiting');
    const event = await eventOf(first.end, [theirs], false);
    const events = [await eventOf(EMPTY_PEAKS, [first]), event];
    assert.equal(await adopt(...events), 'adopted');
    assert.equal(await adopt(...events), 'agrees');
    await extendLog(stores.ports, device.dataset);
    const { size, reader: _, end } = await openLog(stores.ports, device.dataset);
    assert.deepEqual([size, end?.root], [11, behind.manifest.head.root]);
    assert.deepEqual(await prove(all(0, 11), behind.manifest.head), { shown: all(0, 11), faults: [] });
    assert.deepEqual((await states()).sort(), ['received', 'received', 'received', 'superseded']);
  });

  test('a head that is not final and whose blocks may be on their way is waited for', async () => {
    const [first, next] = [seal(2), seal(3)];
    await checkIn(first);
    const events = [await eventOf(EMPTY_PEAKS, [first]), await eventOf(first.end, [next], false)];
    assert.equal(await adopt(...events), 'unknown');
    assert.equal((await openLog(stores.ports, device.dataset)).size, 2);
    assert.equal(await checkIn(next), 'placed');
    assert.equal(await adopt(...events), 'agrees');
  });

  for (const count of [1, 300, 2 ** 28]) {
    test(`behind ${count} junk blocks that a thief recorded all others stay provable, and the log goes on`, async () => {
      const before = [seal(3), seal(600), seal(5)];
      for (const batch of before) await checkIn(batch);
      const { event: junk, end } = junkEvent(device.end, count);
      const events = [await eventOf(EMPTY_PEAKS, before), junk];
      assert.equal(await adopt(...events), 'adopted');
      assert.equal(await adopt(...events), 'agrees');
      const wanted = [0, 2, 3, 255, 256, 600, 607];
      assert.deepEqual(await prove([...wanted, 608], junk), { shown: wanted, faults: [608] });

      // The device goes on from the chain's events.
      device.end = end;
      const [next, last] = [seal(7), seal(400)];
      assert.equal(await checkIn(last), 'waiting');
      assert.equal(await checkIn(next), 'placed');
      const from = junk.size;
      const later = [from, from + 6, from + 7, from + 406];
      assert.deepEqual(await prove([...wanted, ...later], last.manifest.head), {
        shown: [...wanted, ...later],
        faults: [],
      });
      await growTiles(stores.ports, device.dataset, Math.min(last.manifest.head.size, 4096), 0);
      assert.deepEqual(await prove([...wanted, from - 1, ...later], last.manifest.head), {
        shown: [...wanted, ...later],
        faults: [from - 1],
      });

      const { answers } = await hashBlocks(stores.ports, { dataset: device.dataset, blocks: [1, 608, from + 8] });
      assert.deepEqual(
        answers.map((answer) => ('kind' in answer ? answer.kind : 'opening')),
        ['opening', 'unavailable', 'opening'],
      );
      assert.match((answers[1] as Fault).reason, /no storage has it/);

      const { head, growth } = await getAnchor(stores.ports, { dataset: device.dataset, since: 608 });
      assert.equal(head?.size, last.manifest.head.size);
      const recorded = before.at(-1)!.manifest.head;
      requireGrowth(nodePrimitives, recorded, last.manifest.head, fromWireGrowth(growth[0]!));
      if (count > 1) {
        await assert.rejects(getAnchor(stores.ports, { dataset: device.dataset, since: 609 }), {
          type: '/problems/not-found',
        });
      }
    });
  }

  test('what it has of an update whose other blocks are missing stays in it', async () => {
    const first = seal(4);
    const batches = [seal(4), seal(8), seal(3), seal(13), seal(1)];
    for (const batch of [first, ...batches.slice(0, 3)]) await checkIn(batch);
    // From 4 blocks to 33: the subtrees of 4, 8, 16 and 1 blocks. Of the third a part is missing, so it is not provable.
    const event = await eventOf(first.end, batches);
    const events = [await eventOf(EMPTY_PEAKS, [first]), event];
    assert.equal(await adopt(...events), 'adopted');
    assert.equal(await adopt(...events), 'agrees');
    assert.deepEqual(await prove(all(0, 33), event), { shown: all(0, 16), faults: all(16, 33) });
    const { answers } = await hashBlocks(stores.ports, { dataset: device.dataset, blocks: [15, 16] });
    assert.deepEqual(
      answers.map((answer) => 'kind' in answer),
      [false, true],
    );
  });

  test('segments that come late take the place of the chain’s word, tiles included', async () => {
    const batches = [seal(100), seal(200), seal(300)];
    const next = seal(3);
    const event = await eventOf(EMPTY_PEAKS, batches);
    const [one, two, three] = batches as [SealedBatch, SealedBatch, SealedBatch];
    assert.equal(await adopt(event), 'adopted');
    assert.equal(await checkIn(next), 'placed');
    assert.equal(await growTiles(stores.ports, device.dataset, 600, 0), false);
    assert.deepEqual(await prove([0, 599, 600], next.manifest.head), { shown: [600], faults: [0, 599] });
    assert.equal(await checkIn(three), 'superseded');
    assert.equal(await checkIn(one), 'superseded');
    assert.equal(await checkIn(two), 'placed', 'now they lead all the way through');
    assert.equal(await ingestSegment(stores.ports, one.segment.key), 'placed');
    assert.deepEqual(await prove([0, 100, 599, 600], next.manifest.head), { shown: [0, 100, 599, 600], faults: [] });
    const { tiledTo = 0 } = await readDatasetEntry(stores.table, device.dataset);
    await growTiles(stores.ports, device.dataset, 600, tiledTo);
    const tile = await stores.objects.read(`${device.dataset.slice(2)}/tile/0/0`, { start: 0, end: 9_000 });
    const leaves = batches.flatMap(({ leafHashes }) => leafHashes).slice(0, 256);
    assert.deepEqual(tile, new Uint8Array(Buffer.concat(leaves)));
    assert.deepEqual((await states()).sort(), Array(4).fill('received'));
  });

  test('junk behind junk, each a gap of its own', async () => {
    const first = seal(5);
    await checkIn(first);
    let from = device.end;
    const events = [await eventOf(EMPTY_PEAKS, [first])];
    for (const count of [1, 1, 30, 2]) {
      const { event, end } = junkEvent(from, count);
      events.push(event);
      from = end;
    }
    assert.equal(await adopt(...events), 'adopted');
    assert.equal(await adopt(...events), 'agrees');
    assert.deepEqual(await prove([0, 4, 5, 38], events.at(-1)!), { shown: [0, 4], faults: [5, 38] });
  });
});
