import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { buildSegment, type Segment } from '../../core/batch/build-segment.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { toHex } from '../../core/bytes.ts';
import type { DatasetId, LogRoot } from '../../core/ids.ts';
import { signHead } from '../../core/log/head.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { appendSegment } from '../../functions/log/append-segment.ts';
import { extendLog } from '../../functions/log/extend-log.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { keepCharter } from '../../functions/state/dataset-entry.ts';
import {
  datasetPk,
  FIRST_CHARTER_SK,
  logSk,
  ownerPk,
  segmentSk,
  usageSk,
  workPk,
} from '../../functions/state/entries.ts';
import { appendLogEntry } from '../../functions/state/log-entry.ts';
import { keepRecords } from '../../functions/state/records-entry.ts';
import { uploadSegment } from '../../functions/upload-segment.ts';
import { blocks, DOMAIN, dump, key, putObject, type Stores, startStores, TestDevice } from './start-service.ts';

describe('ingest-segment', () => {
  let stores: Stores;
  let device: TestDevice;
  before(async () => {
    stores = await startStores();
  });
  after(() => stores.close());
  beforeEach(async () => {
    device = await TestDevice.open(stores);
  });

  const put = async (segment: Pick<Segment, 'key' | 'car'>) => putObject(stores, segment.key, segment.car);
  const ingest = (segment: Pick<Segment, 'key'>) => ingestSegment(stores.ports, segment.key);
  const states = async () => {
    const { batches } = await listBatches(stores.ports, { dataset: device.dataset, by: 'block' });
    return batches.map(({ first, state, key: name }) => ({ first, state, key: name }));
  };
  const line = async (batch: { segment: Pick<Segment, 'key'> }) => {
    const { batches } = await listBatches(stores.ports, { dataset: device.dataset, by: 'block' });
    return batches.find(({ key: name }) => name === batch.segment.key);
  };
  /** The blocks that the log has after each of its batches. */
  const logSizes = async () =>
    (await dump(stores.table, datasetPk(device.dataset)))
      .filter(({ sk }) => sk.startsWith('L#'))
      .map(({ size }) => size);
  const usage = async () => (await stores.table.get(ownerPk(device.owner), usageSk(device.dataset)))?.storedBytes ?? 0;
  const resign = (batch: SealedBatch, change: Partial<SealedBatch['manifest']>, deviceKey = device.deviceKey) => {
    const manifest = { ...batch.manifest, ...change };
    const head = { dataset: manifest.dataset, ...manifest.head };
    const stored = batch.manifest.blocks.map((block, i) => {
      const end = endOf(batch, i);
      return batch.segment.car.subarray(end - block.size, end);
    });
    return buildSegment(nodePrimitives, { ...manifest, signature: signHead(DOMAIN, head, deviceKey) }, stored);
  };

  test('places segments in order and counts each of them once', async () => {
    const batches = [device.seal(blocks([10, 20])), device.seal(blocks([30]))];
    for (const { segment } of batches) await put(segment);
    for (const { segment } of [...batches, ...batches]) assert.equal(await ingest(segment), 'placed');
    assert.deepEqual(await logSizes(), [2, 3]);
    assert.equal(
      await usage(),
      batches.reduce((sum, { segment }) => sum + segment.car.length, 0),
    );
    const work = await stores.table.get(workPk(device.dataset), device.dataset);
    assert.ok(work !== null);
  });

  test('keeps a segment whose predecessor is missing, and places it when that comes', async () => {
    const batches = Array.from({ length: 5 }, () => device.seal(blocks([8])));
    for (const { segment } of batches) await put(segment);
    for (const number of [4, 2, 3, 1]) assert.equal(await ingest(batches[number]!.segment), 'waiting');
    assert.deepEqual(await logSizes(), []);
    assert.equal((await line(batches[4]!))?.state, 'received');
    assert.equal(await ingest(batches[0]!.segment), 'placed');
    assert.deepEqual(await logSizes(), [1, 2, 3, 4, 5]);
  });

  test('whatever repeats, races and reorders, the log ends up the same', async () => {
    const batches = Array.from({ length: 12 }, () => device.seal(blocks([5, 6])));
    for (const { segment } of batches) await put(segment);
    const deliveries = [...batches, ...batches, ...batches].sort(() => Math.random() - 0.5);
    // Three processes: each remembers for itself what it knows of the table.
    const processes = [0, 1, 2].map(() => ({ ...stores.ports, memory: new SegmentMemory() }));
    const outcomes = await Promise.allSettled(
      deliveries.map(({ segment }, i) => ingestSegment(processes[i % 3]!, segment.key)),
    );
    // What lost a race is delivered again, as a queue would.
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') await ingest(deliveries[i]!.segment);
    }
    assert.deepEqual(
      await logSizes(),
      Array.from({ length: 12 }, (_, i) => 2 * (i + 1)),
    );
    assert.equal(
      await usage(),
      batches.reduce((sum, { segment }) => sum + segment.car.length, 0),
    );
  });

  test('of two rivals the first verified stands, the other is listed as superseded', async () => {
    const rivals = [device.seal(blocks([10]), { stay: true }), device.seal(blocks([11]))];
    for (const { segment } of rivals) await put(segment);
    assert.equal(await ingest(rivals[0]!.segment), 'placed');
    assert.equal(await ingest(rivals[1]!.segment), 'superseded');
    assert.deepEqual((await states()).map(({ state }) => state).sort(), ['received', 'superseded']);
    assert.equal((await line(rivals[1]!))?.state, 'superseded');
  });

  test('of many racing rivals exactly one stands', async () => {
    const rivals = Array.from({ length: 6 }, () => device.seal(blocks([10]), { stay: true }));
    for (const { segment } of rivals) await put(segment);
    const outcomes = await Promise.all(rivals.map(({ segment }) => ingest(segment)));
    assert.deepEqual(outcomes.sort(), [...Array(1).fill('placed'), ...Array(5).fill('superseded')]);
  });

  test('a device that was replaced stores what lies below its successor, and no more', async () => {
    const first = device.seal(blocks([10]));
    await put(first.segment);
    assert.equal(await ingest(first.segment), 'placed');
    const oldKey = device.deviceKey;
    const sealedBefore = device.seal(blocks([11]), { stay: true });
    device.replace(stores, { from: 2 });
    assert.equal(await ingest(first.segment), 'placed', 'a repeated event changes nothing');
    await put(sealedBefore.segment);
    assert.equal(await ingest(sealedBefore.segment), 'placed', 'block 1 is still the old one’s');
    device.end = sealedBefore.end;
    const late = device.seal(blocks([12]), { stay: true, deviceKey: oldKey });
    await put(late.segment);
    assert.equal(await ingest(late.segment), 'rejected');
    assert.match((await line(late))?.reason ?? '', / signed the head, .* successor .* from block 2 on/);
    const second = device.seal(blocks([11]));
    await put(second.segment);
    assert.equal(await ingest(second.segment), 'placed');
    assert.deepEqual(await logSizes(), [1, 2, 3]);
  });

  describe('rejects and keeps, never placing it,', () => {
    const rejected = async (segment: Segment, why: RegExp) => {
      await put(segment);
      assert.equal(await ingest(segment), 'rejected');
      assert.deepEqual(await logSizes(), []);
      const found = await line({ segment });
      assert.equal(found?.state, 'rejected');
      assert.match(found?.reason ?? '', why);
    };

    test('a head signed with a root that does not follow', async () => {
      const batch = device.seal(blocks([10]));
      const root = batch.manifest.head.root.slice() as typeof batch.manifest.head.root;
      root[0]! ^= 1;
      await rejected(resign(batch, { head: { ...batch.manifest.head, root } }), /does not match its records/);
    });

    test('a head signed by a stranger', async () => {
      const batch = device.seal(blocks([10]));
      await rejected(resign(batch, {}, key()), / signed the head/);
    });

    test('a head signed for another contract', async () => {
      const batch = device.seal(blocks([10]));
      const elsewhere = { ...DOMAIN, chainId: DOMAIN.chainId + 1 };
      const head = { dataset: device.dataset, ...batch.manifest.head };
      const signature = signHead(elsewhere, head, device.deviceKey);
      const car = batch.segment.car.slice();
      car.set(signature, indexOf(car, batch.manifest.signature));
      // The manifest has another hash then: rebuilt around the foreign signature.
      const stored = batch.manifest.blocks.map((block, i) =>
        car.subarray(endOf(batch, i) - block.size, endOf(batch, i)),
      );
      await rejected(buildSegment(nodePrimitives, { ...batch.manifest, signature }, stored), / signed the head/);
    });

    test('a sound segment under the name of another', async () => {
      const [batch, other] = [device.seal(blocks([10]), { stay: true }), device.seal(blocks([10]))];
      await rejected({ ...batch.segment, car: other.segment.car }, /stored bytes hash to/);
    });

    test('bytes that are no segment', async () => {
      const car = Buffer.from('no segment at all');
      const sha256 = nodePrimitives.sha256(car);
      const name = `${device.dataset.slice(2)}/${'0'.repeat(16)}/${Buffer.from(sha256).toString('hex')}.car`;
      await rejected({ key: name, car, sha256 }, /CARv1/);
    });

    test("another dataset's segment under a name of this one", async () => {
      const other = await TestDevice.open(stores);
      const { segment } = other.seal(blocks([10]));
      const name = segment.key.replace(other.dataset.slice(2), device.dataset.slice(2));
      await rejected({ ...segment, key: name }, /manifest is for/);
    });

    test('the segment of an owner who is not served', async () => {
      const batch = device.seal(blocks([10]));
      stores.owners.delete(device.owner);
      await rejected(batch.segment, /does not store data for owner/);
      stores.owners.set(device.owner, 2 ** 40);
      assert.equal(await ingest(batch.segment), 'placed', 'once the owner is served it is looked at again');
    });

    test('the segment of a dataset whose charter nobody has shown', async () => {
      const batch = device.seal(blocks([10]));
      await stores.table.delete(datasetPk(device.dataset), FIRST_CHARTER_SK, 'any');
      await rejected(batch.segment, /has a charter of this dataset/);
      await keepCharter(stores.table, device.dataset, { charter: device.charter, onChain: false });
      assert.equal(await ingest(batch.segment), 'placed', 'once it is shown the segment is looked at again');
    });

    test('a segment of another kind than its dataset is', async () => {
      const plain = await TestDevice.open(stores, { plain: true });
      const { manifest } = device.seal(blocks([10]), { stay: true });
      const stored = new Uint8Array(26);
      const other = plain.seal([{ content: stored, meta: { at: 1 } }]);
      await rejected(resign(other, { dataset: device.dataset, serial: manifest.serial }), /kind 1, .* kind 0/);
    });
  });

  test('racing segments never exceed the quota', async () => {
    const batches = Array.from({ length: 8 }, () => device.seal(blocks([1000]), { stay: true }));
    const each = batches[0]!.segment.car.length;
    stores.owners.set(device.owner, 3 * each + 10);
    for (const { segment } of batches) await put(segment);
    await Promise.all(batches.map(({ segment }) => ingest(segment)));
    assert.equal(await usage(), 3 * each);
    const { batches: lines } = await listBatches(stores.ports, { dataset: device.dataset, by: 'block' });
    assert.equal(lines.filter(({ reason }) => reason?.includes('quota')).length, 5);
  });

  test('datasets of one owner share its quota, and never write the same item', async () => {
    const other = await TestDevice.open(stores, { ownerKey: device.ownerKey });
    const sealed = [device, other].flatMap((writer) => [writer.seal(blocks([100])), writer.seal(blocks([100]))]);
    const sizes = sealed.map(({ segment }) => segment.car.length);
    stores.owners.set(device.owner, sizes[0]! + sizes[1]! + sizes[2]!);
    for (const { segment } of sealed) await put(segment);
    const contended: unknown[] = [];
    const table: Table = {
      ...stores.table,
      put: async (item, condition) => {
        const isWritten = await stores.table.put(item, condition);
        if (!isWritten && item.pk === ownerPk(device.owner)) contended.push(item.sk);
        return isWritten;
      },
    };
    const inProcess = (batches: readonly SealedBatch[]) => {
      const ports = { ...stores.ports, table, memory: new SegmentMemory() };
      return batches.reduce<Promise<string[]>>(async (before, { segment }) => {
        const outcomes = await before;
        return [...outcomes, await ingestSegment(ports, segment.key)];
      }, Promise.resolve([]));
    };
    // Far from the quota two processes work beside each other; then it is full.
    const both = await Promise.all([inProcess(sealed.slice(0, 1)), inProcess(sealed.slice(2, 3))]);
    assert.deepEqual(both.flat(), ['placed', 'placed']);
    assert.deepEqual(await inProcess(sealed.slice(1, 2)), ['placed']);
    assert.deepEqual(await inProcess(sealed.slice(3)), ['rejected']);
    assert.deepEqual(contended, []);
    const kept = await dump(stores.table, ownerPk(device.owner));
    const bySk = new Map(kept.map(({ sk, storedBytes }) => [sk, storedBytes]));
    assert.equal(bySk.get(usageSk(device.dataset)), sizes[0]! + sizes[1]!);
    assert.equal(bySk.get(usageSk(other.dataset)), sizes[2]);
  });

  test('tells a device early that the quota is used up, and why its segment was rejected', async () => {
    const batch = device.seal(blocks([1000]));
    const { car, sha256 } = batch.segment;
    const input = {
      dataset: device.dataset,
      owner: device.owner,
      device: device.charter.device,
      first: 0,
      sha256,
      sizeBytes: car.length,
      ...{ record: 'relayed' as const, look: false },
    };
    stores.owners.set(device.owner, car.length - 1);
    await assert.rejects(uploadSegment(stores.ports, input), { type: '/problems/quota' });
    await put(batch.segment);
    assert.equal(await ingest(batch.segment), 'rejected');
    await assert.rejects(uploadSegment(stores.ports, input), { type: '/problems/quota' });
    stores.owners.set(device.owner, car.length);
    stores.clock.offsetMs += 60_000;
    assert.equal((await uploadSegment(stores.ports, input)).put, null, 'with room for it, it is looked at again');
    assert.deepEqual(await logSizes(), [1]);
  });

  test('a predecessor that comes between the look for it and the word of waiting is not missed', async () => {
    const [first, second] = [device.seal(blocks([1])), device.seal(blocks([2]))];
    for (const { segment } of [first, second]) await put(segment);
    let came = false;
    const table: Table = {
      ...stores.table,
      put: async (item, ...rest) => {
        if (String(item.sk).startsWith('W#') && !came) {
          came = true;
          assert.equal(await ingest(first.segment), 'placed');
        }
        return stores.table.put(item, ...rest);
      },
    };
    assert.equal(
      await ingestSegment({ ...stores.ports, table, memory: new SegmentMemory() }, second.segment.key),
      'placed',
    );
    assert.ok(came);
    assert.deepEqual(await logSizes(), [1, 2]);
  });

  for (const where of ['this', 'another'] as const) {
    test(`a segment that ${where} process counted meanwhile, and forgot again, is not counted twice`, async () => {
      const [segment, later] = [device.seal(blocks([1])).segment, device.seal(blocks([2])).segment];
      for (const one of [segment, later]) await put(one);
      const other = where === 'this' ? stores.ports : { ...stores.ports, memory: new SegmentMemory() };
      let came = false;
      const objects: ServicePorts['objects'] = {
        ...stores.objects,
        read: async (...args) => {
          if (!came) {
            came = true;
            // Of the second one's counting the list of pending keys loses the first.
            for (const one of [segment, later]) await ingestSegment(other, one.key);
          }
          return stores.objects.read(...args);
        },
      };
      await ingestSegment({ ...stores.ports, objects }, segment.key);
      assert.ok(came);
      assert.equal(await usage(), segment.car.length + later.car.length);
    });
  }

  describe('dies at any call and is delivered again', () => {
    // Dying before a call leaves what dying after the one before it leaves.
    test('with the same state in the end', async () => {
      const reference = await settle(await TestDevice.open(stores), null);
      assert.equal(reference.stored, reference.expected);
      for (let k = 0; ; k++) {
        const crash = { left: k, happened: false };
        const { expected, ...seen } = await settle(await TestDevice.open(stores), crash);
        assert.deepEqual({ expected, ...seen }, { ...reference, expected, stored: expected }, `dying after call ${k}`);
        if (!crash.happened) {
          assert.ok(k > 30, `only ${k} calls`);
          break;
        }
      }
    });

    /** Delivers 2, 3, 1 with a crash somewhere; what fails is delivered again. What the state is, in comparable words. */
    async function settle(writer: TestDevice, crash: Crash | null) {
      const batches = [writer.seal(blocks([9])), writer.seal(blocks([7, 8])), writer.seal(blocks([5]))];
      for (const { segment } of batches) await put(segment);
      const ports = crash === null ? stores.ports : { ...mortal(stores.ports, crash), memory: new SegmentMemory() };
      const wokenBefore = stores.woken.times;
      for (const number of [1, 2, 0]) {
        const { segment } = batches[number]!;
        await ingestSegment(ports, segment.key).catch((error) => {
          assert.equal((error as Error).message, DEAD);
          return ingestSegment(stores.ports, segment.key);
        });
      }
      const items = await dump(stores.table, datasetPk(writer.dataset));
      const work = await stores.table.get(workPk(writer.dataset), writer.dataset);
      const words = (item: Item) => ({
        sk: item.sk.split('#').slice(0, 2).join('#'),
        state: item.state,
        counted: item.counted,
        size: item.size,
        toMs: item.toMs === undefined ? undefined : 'set',
      });
      return {
        items: items.map(words).map((item) => (item.sk.startsWith('T#') ? { ...item, sk: 'T#' } : item)),
        stored: (await stores.table.get(ownerPk(writer.owner), usageSk(writer.dataset)))?.storedBytes,
        expected: batches.reduce((sum, { segment }) => sum + segment.car.length, 0),
        work: work !== null,
        woken: stores.woken.times > wokenBefore,
      };
    }
  });

  test('a lost segment that comes back with the same bytes is whole again; other bytes do not make it so', async () => {
    const { segment } = device.seal(blocks([10]));
    await put(segment);
    await ingest(segment);
    const sk = segmentSk(0, Buffer.from(segment.sha256).toString('hex'));
    const item = (await stores.table.get(datasetPk(device.dataset), sk))!;
    await stores.table.put({ ...item, lostAtMs: 5 }, 'any');
    assert.equal((await line({ segment }))?.lost, true);
    assert.equal(await ingest(segment), 'placed');
    assert.equal((await line({ segment }))?.lost, false);
  });

  test('the log it keeps is the one that the device signs', async () => {
    const batches = Array.from({ length: 9 }, () => device.seal(blocks([3])));
    for (const { segment, manifest, end } of batches) {
      await put(segment);
      await ingest(segment);
      const entry = await stores.table.get(datasetPk(device.dataset), logSk(manifest.first));
      assert.deepEqual(entry?.root, manifest.head.root);
      assert.deepEqual(entry?.peaks, new Uint8Array(Buffer.concat(end.peaks)));
    }
  });

  test('what waits is taken in within bounds, and the next call goes on', async () => {
    const batches = Array.from({ length: 80 }, () => device.seal(blocks([1])));
    for (const { segment } of batches) await put(segment);
    for (const { segment } of batches.slice(1)) assert.equal(await ingest(segment), 'waiting');
    const extend = () => extendLog(stores.ports, device.dataset, undefined, { rounds: 1, mostMs: 5_000 });
    assert.deepEqual(await extend(), { more: false, moved: false }, 'nothing follows before the first one is there');
    await place(stores, device.dataset, batches[0]!);
    const sizes: number[] = [];
    for (let more = true; more; sizes.push((await logSizes()).length)) ({ more } = await extend());
    assert.deepEqual(sizes, [33, 65, 80, 80]);
    const left = (await dump(stores.table, datasetPk(device.dataset))).filter(({ sk }) => sk.startsWith('W#'));
    assert.deepEqual(left, []);
  });

  test('of rivals that wait for one place, those that do not fit are turned away and stop nobody', async () => {
    const first = device.seal(blocks([4]));
    const next = device.seal(blocks([5]), { stay: true });
    device.end = next.end;
    const last = device.seal(blocks([6]));
    const bad = Array.from({ length: 40 }, () => {
      const root = new Uint8Array(randomBytes(32)) as LogRoot;
      return resign(next, { head: { size: next.manifest.head.size, root } });
    });
    for (const segment of [...bad, next.segment, last.segment, first.segment]) await put(segment);
    for (const segment of [...bad, next.segment, last.segment]) assert.equal(await ingest(segment), 'waiting');
    assert.equal(await ingest(first.segment), 'placed');
    assert.deepEqual(await logSizes(), [1, 2, 3]);
    const reasons = await Promise.all(bad.map(async (segment) => (await line({ segment }))?.state));
    assert.ok(
      reasons.every((state) => state === 'rejected' || state === 'superseded'),
      reasons.join(),
    );
  });
});

/** Puts a batch into the log alone: what waits behind it is left. */
async function place(stores: Stores, dataset: DatasetId, { manifest, segment }: SealedBatch): Promise<void> {
  const sha256Hex = toHex(segment.sha256);
  await keepRecords(stores.ports, dataset, sha256Hex, manifest);
  const entry = appendSegment(nodePrimitives, null, { sha256Hex, signer: '0x' }, manifest);
  assert.ok(entry !== null && (await appendLogEntry(stores.table, dataset, entry)));
}

interface Crash {
  left: number;
  happened: boolean;
}

const DEAD = 'The process died here.';

/** Ports of a process that dies at one call, and does nothing from then on. */
function mortal<T extends object>(ports: T, crash: Crash): T {
  return new Proxy(ports, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (['table', 'objects', 'ledger', 'anchorQueue'].includes(String(name))) return mortal(value as object, crash);
      if (typeof value !== 'function' || name === 'settings' || name === 'nowMs') return value;
      return async (...args: unknown[]) => {
        if (crash.happened) throw new Error(DEAD);
        const here = crash.left-- === 0;
        if (here) crash.happened = true;
        const result = await Reflect.apply(value, target, args);
        if (here) throw new Error(DEAD);
        return result;
      };
    },
  });
}

function endOf(batch: SealedBatch, number: number): number {
  const { blocks: listed } = batch.manifest;
  let end = batch.segment.car.length;
  for (let i = listed.length - 1; i > number; i--) end -= frame(listed[i]!.size);
  return end;
}

function frame(dataBytes: number): number {
  const section = 36 + dataBytes;
  return (section < 0x80 ? 1 : section < 0x4000 ? 2 : 3) + section;
}

function indexOf(bytes: Uint8Array, part: Uint8Array): number {
  return Buffer.from(bytes).indexOf(part);
}
