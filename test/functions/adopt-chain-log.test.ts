import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { buildSegment } from '../../core/batch/build-segment.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { toHex } from '../../core/bytes.ts';
import type { LogRoot } from '../../core/ids.ts';
import { growPeaks, requireGrowth } from '../../core/log/growth.ts';
import { EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import type { Fault } from '../../core/ports/css.ts';
import type { Table } from '../../core/ports/table.ts';
import { getAnchor } from '../../functions/get-anchor.ts';
import { getRecords } from '../../functions/get-records.ts';
import { hashBlocks } from '../../functions/hash-blocks.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { type Adoption, adoptChainLog, type ChainGrowth } from '../../functions/log/adopt-chain-log.ts';
import { appendSegment } from '../../functions/log/append-segment.ts';
import { extendLog } from '../../functions/log/extend-log.ts';
import { growTiles } from '../../functions/log/grow-tiles.ts';
import { openLog } from '../../functions/log/open-log.ts';
import { readManifest } from '../../functions/log/read-manifest.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { datasetPk, type LogEntry, logSk, segmentSk } from '../../functions/state/entries.ts';
import { queryLog } from '../../functions/state/log-entry.ts';
import { isReadable, readSegmentEntry } from '../../functions/state/segment-entry.ts';
import { countReads } from './count-reads.ts';
import { blocks, putObject, type Stores, startStores, TestDevice } from './start-service.ts';
import { fromWireGrowth } from './wire-growth.ts';

/** A table whose operations can be replaced one by one. */
function bound({ get, query, put, delete: remove, ...many }: Table): Table {
  return { get, query, put, delete: remove, ...many };
}

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

  for (const [when, from] of [
    ['', null],
    [', whose device is replaced meanwhile', 28],
    [', which a charter disowns from the lost batch on', 5],
    [', all of which a charter disowns', 0],
  ] as const) {
    test(`behind a lost batch in the middle of an update${when}, its other subtrees stay provable, until the batch comes back`, async () => {
      const batches = [seal(5), seal(5), seal(8), seal(10)];
      const [first, lost, crossing, last] = batches as [SealedBatch, SealedBatch, SealedBatch, SealedBatch];
      for (const batch of [first, crossing, last]) await checkIn(batch);
      // The subtrees of 16, 8 and 4 blocks; batches cross the borders of each.
      const event = await eventOf(EMPTY_PEAKS, batches);
      assert.equal(await adopt(event), 'adopted');
      assert.equal(await adopt(event), 'agrees');
      assert.deepEqual(await prove(all(0, 28), event), { shown: all(16, 28), faults: all(0, 16) });
      const { answers } = await hashBlocks(stores.ports, { dataset: device.dataset, blocks: [15, 16, 17, 27] });
      assert.deepEqual(
        answers.map((answer) => 'opening' in answer),
        [false, true, true, true],
      );
      assert.deepEqual((await states()).sort(), ['received', 'received', 'superseded']);
      if (from !== null) device.replace(stores, { from });
      assert.equal(await adopt(event), 'agrees');
      assert.deepEqual(await prove(all(0, 28), event), { shown: all(16, 28), faults: all(0, 16) });
      const next = seal(3);
      assert.equal(await checkIn(next), 'placed');
      assert.deepEqual(await prove(all(0, 31), next.manifest.head), { shown: all(16, 31), faults: all(0, 16) });
      assert.equal(await checkIn(lost), 'placed');
      assert.deepEqual(await prove(all(0, 31), next.manifest.head), { shown: all(0, 31), faults: [] });
      const entries = await queryLog(stores.table, device.dataset, { from: 0, to: 100, most: 100 });
      assert.deepEqual(
        entries.map(({ first, size, batch, signature }) => [first, size, batch, signature !== null]),
        [...batches, next].map(({ manifest }) => [manifest.first, manifest.head.size, undefined, true]),
      );
    });
  }

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

  test('segments that are checked in while their gap is made, and cut off by it, take its place at once', async () => {
    const batches = [seal(3), seal(3), seal(3)];
    const event = await eventOf(EMPTY_PEAKS, batches);
    let placed = 0;
    // Between the look for pieces, which finds nothing, and the look at what the log has of them.
    const query: typeof stores.table.query = async (pk, range, signal) => {
      if (placed === 0 && range.from === logSk(0) && range.reverse !== true) {
        for (const batch of batches) placed += (await checkIn(batch)) === 'placed' ? 1 : 0;
      }
      return stores.table.query(pk, range, signal);
    };
    const table = { ...bound(stores.table), query };
    const adoption = await adoptChainLog({ ...stores.ports, table }, device.dataset, event, async () => [event]);
    assert.deepEqual([adoption, placed], ['adopted', 3]);
    assert.deepEqual(await prove([0, 4, 8], event), { shown: [0, 4, 8], faults: [] });
  });

  test('junk behind junk, each a gap of its own', async () => {
    const first = seal(5);
    await checkIn(first);
    let from = device.end;
    const events = [await eventOf(EMPTY_PEAKS, [first])];
    for (const count of [1, 1, 30, 2, ...Array(8).fill(1)]) {
      const { event, end } = junkEvent(from, count);
      events.push(event);
      from = end;
    }
    assert.equal(await adopt(...events), 'adopted');
    assert.equal(await adopt(...events), 'agrees');
    assert.deepEqual(await prove([0, 4, 5, 38], events.at(-1)!), { shown: [0, 4], faults: [5, 38] });
    const { head } = await getAnchor(stores.ports, { dataset: device.dataset });
    assert.equal(head?.size, 5, 'behind twelve gaps in a row');
  });

  test('a stranger who asks for blocks all over 2^28 that nobody has costs some reads, not two a block', async () => {
    const first = seal(5);
    await checkIn(first);
    const events = [await eventOf(EMPTY_PEAKS, [first])];
    const { event } = junkEvent(device.end, 2 ** 28);
    events.push(event);
    assert.equal(await adopt(...events), 'adopted');
    const counted = countReads(stores);
    const blocks = Array.from({ length: 512 }, (_, i) => i * 524_000);
    const { dataset } = device;
    const answer = await getRecords(counted.ports, { dataset, blocks, size: event.size });
    assert.deepEqual([answer.batches.length, answer.faults.length], [1, 511]);
    assert.ok(counted.reads() <= 64, `${counted.reads()} reads`);
  });

  describe('and among rivals', () => {
    const sizeOf = (entry: LogEntry | null) => entry?.size ?? 0;
    /** The segments that the log names, each verified to follow on the one before. */
    const readVerifiedLog = async (): Promise<(string | null)[]> => {
      const entries = await queryLog(stores.table, device.dataset, { from: 0, to: 10_000, most: 10_000 });
      let before: LogEntry | null = null;
      for (const entry of entries) {
        const { first, sha256Hex } = entry;
        assert.equal(first, sizeOf(before));
        const segment = await readSegmentEntry(stores.table, device.dataset, { first, sha256Hex: sha256Hex ?? '' });
        assert.ok(segment !== null && isReadable(segment));
        const manifest = await readManifest(stores.ports, device.dataset, segment);
        const again = appendSegment(
          nodePrimitives,
          before,
          { sha256Hex: sha256Hex ?? '', signer: segment.signer },
          manifest!,
        );
        assert.deepEqual(entry, again);
        before = entry;
      }
      return entries.map(({ sha256Hex }) => sha256Hex);
    };
    const names = (batches: readonly SealedBatch[]) => batches.map(({ segment }) => toHex(segment.sha256));
    /** Batches of so many blocks each, behind one another; the device's log stays where it was. */
    const fork = (counts: readonly number[]): SealedBatch[] => {
      const { end } = device;
      const sealed = counts.map((count) => seal(count));
      device.end = end;
      return sealed;
    };
    const latest = (from: Peaks, batches: readonly SealedBatch[]) => eventOf(from, batches, false);

    test('finds the way, wherever they part and join', async () => {
      const common = fork([1, 2]);
      device.end = common[1]!.end;
      for (const batch of common) await checkIn(batch);
      const forks = [
        [2, 2, 2],
        [2, 2, 2],
        [1, 4, 1],
        [3, 3],
      ].map(fork);
      for (const batch of forks.flat()) await checkIn(batch);
      for (const rivals of forks) {
        const events = [await eventOf(EMPTY_PEAKS, common), await latest(device.end, rivals)];
        await adopt(...events);
        assert.equal(await adopt(...events), 'agrees');
        assert.deepEqual(await readVerifiedLog(), names([...common, ...rivals]));
      }
    });

    test('is not held up by a device that signs every head many times over', async () => {
      const batches = fork(Array(12).fill(1));
      for (const batch of batches.slice(1)) {
        for (let copy = 0; copy < 5; copy++) {
          const { manifest } = batch;
          // The same records and head in other bytes: the salt is a hint, and nobody here has the key.
          const salt = new Uint8Array(randomBytes(32)) as typeof manifest.salt;
          const [block] = readSegment(nodePrimitives, batch.segment.car).blocks;
          const again = buildSegment(nodePrimitives, { ...manifest, salt }, [block!]);
          await putObject(stores, again.key, again.car);
          assert.equal(await ingestSegment(stores.ports, again.key), 'waiting');
        }
        await checkIn(batch);
      }
      await checkIn(batches[0]!);
      assert.equal((await readVerifiedLog()).length, 12);
      const rivals = fork([1, 1]);
      for (const batch of rivals) await checkIn(batch);
      const event = await latest(EMPTY_PEAKS, rivals);
      assert.equal(await adopt(event), 'adopted');
      assert.deepEqual(await readVerifiedLog(), names(rivals));
      const back = await latest(EMPTY_PEAKS, batches);
      assert.equal(await adopt(back), 'adopted');
      assert.equal((await readVerifiedLog()).length, 12);
    });

    test('changes nothing when a segment on the way is missing, or only says that it leads there', async () => {
      const log = fork([1, 2, 3]);
      for (const batch of log) await checkIn(batch);
      const [first, missing, last] = fork([2, 2, 2]) as [SealedBatch, SealedBatch, SealedBatch];
      for (const batch of [first, last]) await checkIn(batch);
      assert.equal(await adopt(await latest(EMPTY_PEAKS, [first, missing, last])), 'unknown');
      assert.deepEqual(await readVerifiedLog(), names(log));

      const { manifest, segment } = first;
      const sk = segmentSk(0, toHex(segment.sha256));
      const item = (await stores.table.get(datasetPk(device.dataset), sk))!;
      const root = new Uint8Array(randomBytes(32)) as LogRoot;
      await stores.table.put({ ...item, headRoot: root }, 'any');
      const claimed = { ...(await latest(EMPTY_PEAKS, [first])), size: manifest.head.size, root };
      assert.equal(await adopt(claimed), 'unknown');
      assert.deepEqual(await readVerifiedLog(), names(log));
    });

    test('readmits what was turned away, as the chain vouches for it', async () => {
      const [batch] = fork([2]) as [SealedBatch];
      device.replace(stores);
      assert.equal(await checkIn(batch), 'rejected');
      assert.equal(await adopt(await latest(EMPTY_PEAKS, [batch])), 'adopted');
      const name = { first: 0, sha256Hex: toHex(batch.segment.sha256) };
      const entry = await readSegmentEntry(stores.table, device.dataset, name);
      assert.deepEqual([entry?.state, entry?.rejection, entry?.reason], ['received', undefined, undefined]);
      assert.deepEqual(await readVerifiedLog(), names([batch]));
    });

    test('leaves a verified log wherever it is cut off, and goes on from there', async () => {
      const common = fork([1, 1]);
      for (const batch of common) await checkIn(batch);
      device.end = common[1]!.end;
      const forks = [fork([1, 1, 1]), fork([1, 2])];
      for (const batch of forks.flat()) await checkIn(batch);
      let cutOff = 0;
      for (let at = 0; cutOff === at; at++) {
        const rivals = forks[at % 2] as SealedBatch[];
        let calls = 0;
        const dying = new Proxy(stores.table, {
          get:
            (target, name) =>
            (...parameters: unknown[]) => {
              if (calls++ >= at) return Promise.reject(new Error('cut off'));
              return (Reflect.get(target, name) as (...all: unknown[]) => Promise<unknown>)(...parameters);
            },
        });
        const event = await latest(device.end, rivals);
        const events = [await eventOf(EMPTY_PEAKS, common), event];
        const ports = { ...stores.ports, table: dying };
        await adoptChainLog(ports, device.dataset, event, async () => events).catch(() => cutOff++);
        await readVerifiedLog();
        assert.notEqual(await adopt(...events), 'contended');
        assert.equal(await adopt(...events), 'agrees');
        assert.deepEqual(await readVerifiedLog(), names([...common, ...rivals]));
        assert.deepEqual((await prove(all(0, event.size), event)).faults, []);
      }
      assert.ok(cutOff > 10, `${cutOff} calls are too few to be all`);
    });
  });
});
