import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { segmentKey } from '../../core/batch/segment-key.ts';
import { charterKey, encodeCharter } from '../../core/charter/charter-file.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { markRemoved } from '../../functions/ingest/mark-removed.ts';
import { listBatches } from '../../functions/list-batches.ts';
import { adoptChainLog } from '../../functions/log/adopt-chain-log.ts';
import { proveChunks } from '../../functions/prove-chunks.ts';
import { type ReconcileBounds, type Reconciled, reconcileSegments } from '../../functions/reconcile-segments.ts';
import { datasetPk, logSk, recordsSk, segmentSk, WAITING_PK, WORK_PKS, workPk } from '../../functions/state/entries.ts';
import { queryLog } from '../../functions/state/log-entry.ts';
import { readSegmentEntry } from '../../functions/state/segment-entry.ts';
import { handlerOf } from './handler-of.ts';
import { BUCKET, blocks, dump, putObject, REGION, type Stores, startStores, TestDevice } from './start-service.ts';

describe('the reconciliation of bucket and table', () => {
  let stores: Stores;
  let device: TestDevice;
  let s3: S3Client;
  before(async () => {
    stores = await startStores();
    const { accessKey: accessKeyId, secretKey: secretAccessKey } = stores.s3Keys;
    s3 = new S3Client({
      ...{ region: REGION, endpoint: stores.s3.endpoint, forcePathStyle: true },
      credentials: { accessKeyId, secretAccessKey },
    });
  });
  after(async () => {
    s3.destroy();
    await stores.close();
  });
  beforeEach(async () => {
    // Each test has the bucket to itself.
    for await (const key of stores.objects.list('')) await remove(key);
    device = await TestDevice.open(stores);
    await stores.objects.put(charterKey(device.dataset, device.charter.serial), encodeCharter(device.charter));
    stores.lines.length = 0;
  });

  const put = ({ segment }: SealedBatch) => putObject(stores, segment.key, segment.car);
  const seal = (count = 3) => device.seal(blocks(Array(count).fill(50)));
  const store = async (count: number): Promise<SealedBatch[]> => {
    const batches = Array.from({ length: count }, () => seal());
    for (const batch of batches) await put(batch);
    return batches;
  };
  async function remove(key: string): Promise<void> {
    await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  }
  /** Runs until a round is over. */
  async function goRound(bounds?: Partial<ReconcileBounds>): Promise<Reconciled & { runs: number }> {
    const none = { keys: 0, found: 0, lost: 0, aside: 0, unchanged: 0, filled: 0, young: 0, failed: 0 };
    const sum = { ...none, waitingSeconds: 0, isRoundOver: true, runs: 0 };
    for (let isOver = false; !isOver; ) {
      const ran = await reconcileSegments(stores.ports, undefined, {
        ...{ mostKeys: 10_000, mostMended: 200, mostMs: 20_000, youngMs: 0 },
        ...bounds,
      });
      for (const name of ['keys', 'found', 'lost', 'aside', 'unchanged', 'young', 'failed'] as const)
        sum[name] += ran[name];
      sum.waitingSeconds = Math.max(sum.waitingSeconds, ran.waitingSeconds);
      sum.runs++;
      assert.ok(sum.runs < 100, 'a round comes to its end');
      isOver = ran.isRoundOver;
    }
    return sum;
  }
  async function assertProvable(size: number): Promise<void> {
    const challenges = Array.from({ length: size }, (_, index) => ({ index, random: 0 }));
    const { answers } = await proveChunks(stores.ports, { dataset: device.dataset, challenges });
    assert.deepEqual(
      answers.flatMap((answer, index) => ('chunk' in answer ? [] : [index])),
      [],
      'blocks that cannot be proven',
    );
  }
  async function loseTable(): Promise<void> {
    for (const pk of [datasetPk(device.dataset), ...WORK_PKS]) {
      for (const { sk } of await dump(stores.table, pk)) await stores.table.delete(pk, sk, 'any');
    }
  }

  test('checks in segments whose events were lost, in the order of their blocks, and nothing twice', async () => {
    await store(4);
    const { found, failed, lost } = await goRound();
    assert.deepEqual([found, failed, lost], [4, 0, 0]);
    await assertProvable(12);
    assert.ok((await stores.table.get(workPk(device.dataset), device.dataset)) !== null, 'the anchor is told');
    const again = await goRound();
    assert.deepEqual([again.found, again.unchanged], [0, 0]);
  });

  test('leaves what was stored just now to its event, and still marks lost what is gone', async () => {
    const batches = await store(3);
    for (const { segment } of batches.slice(0, 2)) await ingestSegment(stores.ports, segment.key);
    await remove(batches[1]!.segment.key);
    const { found, young, lost, failed } = await goRound({ youngMs: stores.clock.offsetMs + 3_600_000 });
    assert.deepEqual([found, young, lost, failed], [0, 1, 1, 0]);
    assert.equal((await goRound({ youngMs: 1 })).found, 1, 'its event has not come in its time');
  });

  test('makes everything of a dataset again whose items are lost, its charter first', async () => {
    await store(3);
    await goRound();
    await loseTable();
    assert.equal((await goRound()).found, 4);
    await assertProvable(9);
  });

  test('heals a table that was put back to an older copy, within bounded runs', async () => {
    const batches = await store(9);
    await goRound();
    for (const { manifest, segment } of batches.slice(3)) {
      const pk = datasetPk(device.dataset);
      const [, , name = ''] = segment.key.split('/');
      const sha256Hex = name.slice(0, 64);
      for (const sk of [segmentSk(manifest.first, sha256Hex), logSk(manifest.first)]) {
        assert.ok(await stores.table.delete(pk, sk, 'any'), sk);
      }
      await stores.table.delete(pk, recordsSk(manifest.first, sha256Hex), 'any');
    }
    const { found, runs } = await goRound({ mostMended: 2 });
    assert.equal(found, 6);
    assert.ok(runs >= 3, `in ${runs} runs`);
    await assertProvable(27);
  });

  test('puts segments into the log whose places in it were lost', async () => {
    const batches = await store(3);
    await goRound();
    for (const { manifest } of batches.slice(1)) {
      await stores.table.delete(datasetPk(device.dataset), logSk(manifest.first), 'any');
    }
    assert.equal((await goRound()).found, 2);
    await assertProvable(9);
  });

  test('puts segments where the log has only the chain’s word, however they were known and passed over', async () => {
    const batches = await store(4);
    await goRound();
    const pk = datasetPk(device.dataset);
    const known = (await dump(stores.table, pk)).filter(({ sk }) => sk.startsWith(segmentSk(0, '').slice(0, 2)));
    assert.equal(known.length, 4);
    for (const { sk } of known) await stores.table.delete(pk, sk, 'any');
    for (const { manifest } of batches) await stores.table.delete(pk, logSk(manifest.first), 'any');
    const { head } = batches.at(-1)!.manifest;
    const leaves = batches.flatMap(({ leafHashes }) => leafHashes);
    const appended = await subtreesOfLeaves(nodePrimitives, leaves)(appendedSubtrees(0, head.size));
    const event = { ...head, appended, signer: device.owner, final: true };
    assert.equal(await adoptChainLog(stores.ports, device.dataset, event, async () => [event]), 'adopted');
    for (const { pk: _, sk, version: __, ...item } of known) await stores.table.put({ pk, sk, ...item }, 'any');
    assert.equal((await queryLog(stores.table, device.dataset, { from: 0, to: 99, most: 99 })).length, 1);
    // Those of the log behind a gap are as they were: a round looks at one segment for all that lie in it.
    assert.equal((await goRound()).found, 1);
    await assertProvable(12);
    assert.deepEqual(await goRound().then(({ found, unchanged }) => [found, unchanged]), [0, 0]);
  });

  test('goes on where the last run stopped, a few keys at a time', async () => {
    await store(5);
    const one = { mostKeys: 2, mostMended: 200, mostMs: 20_000, youngMs: 0 };
    const first = await reconcileSegments(stores.ports, undefined, one);
    assert.deepEqual([first.keys, first.found, first.isRoundOver], [2, 2, false]);
    const second = await reconcileSegments(stores.ports, undefined, one);
    assert.deepEqual([second.keys, second.found, second.isRoundOver], [2, 2, false]);
    assert.equal((await goRound(one)).found, 1);
    await assertProvable(15);
  });

  test('marks segments lost whose objects are gone, once, and takes the mark away when they are back', async () => {
    const [, second] = await store(3);
    await goRound();
    assert.ok(second !== undefined);
    await remove(second.segment.key);
    assert.equal((await goRound()).lost, 1);
    const name = { first: 3, sha256Hex: String(second.segment.key.split('/')[2]).slice(0, 64) };
    assert.ok((await readSegmentEntry(stores.table, device.dataset, name))?.lostAtMs !== undefined);
    assert.equal((await goRound()).lost, 0);
    await put(second);
    await goRound();
    assert.equal((await readSegmentEntry(stores.table, device.dataset, name))?.lostAtMs, undefined);
  });

  test('one bad item stops none of the others', async () => {
    const [first, bad] = await store(4);
    const objects = {
      ...stores.objects,
      read: async (...args: Parameters<Stores['objects']['read']>) => {
        if (args[0] === bad?.segment.key) throw new StoreUnavailableError('This object cannot be read now.');
        return stores.objects.read(...args);
      },
    };
    const ran = await reconcileSegments({ ...stores.ports, objects }, undefined, {
      ...{ mostKeys: 100, mostMended: 100, mostMs: 20_000, youngMs: 0 },
    });
    assert.deepEqual([ran.found, ran.failed, ran.isRoundOver], [3, 1, true]);
    assert.ok(first !== undefined);
    assert.equal((await goRound()).found, 1);
    await assertProvable(12);
  });

  test('what always fails does not keep the cursor', async () => {
    await store(3);
    const objects = { ...stores.objects, read: () => Promise.reject(new StoreUnavailableError('Not now.')) };
    const bounds = { mostKeys: 100, mostMended: 1, mostMs: 20_000, youngMs: 0 };
    let runs = 0;
    for (let isOver = false; !isOver; runs++) {
      assert.ok(runs < 10);
      isOver = (await reconcileSegments({ ...stores.ports, objects }, undefined, bounds)).isRoundOver;
    }
  });

  test('junk that cannot be set aside leaves room in each run for segments', async () => {
    for (const byte of [1, 2, 3]) {
      const junk = Uint8Array.of(byte);
      await putObject(stores, segmentKey(device.dataset, 0, nodePrimitives.sha256(junk)), junk);
    }
    assert.equal((await goRound()).found, 3);
    await store(1);
    const objects = { ...stores.objects, remove: () => Promise.reject(new StoreUnavailableError('Not now.')) };
    const bounds = { mostKeys: 100, mostMended: 2, mostMs: 20_000, youngMs: 0 };
    let found = 0;
    let isOver = false;
    for (let runs = 0; !isOver; runs++) {
      assert.ok(runs < 10, 'a round comes to its end');
      const ran = await reconcileSegments({ ...stores.ports, objects }, undefined, bounds);
      found += ran.found;
      isOver = ran.isRoundOver;
    }
    assert.equal(found, 1);
    await assertProvable(3);
  });

  test('charters that count for nothing, however many, hold up no segment, their own dataset’s or another’s', async () => {
    await store(3);
    const foreign = `${'00'.repeat(31)}01` as const;
    for (let serial = 1; serial <= 40; serial++) {
      await stores.objects.put(`${foreign}/charter-${serial}`, Uint8Array.of(0xff));
      await stores.objects.put(`${device.dataset.slice(2)}/charter-${serial}`, Uint8Array.of(0xff));
    }
    const { found, failed } = await goRound({ mostMended: 2 });
    assert.deepEqual([found, failed], [3, 0]);
    await assertProvable(9);
  });

  test('a damaged item, and two that are swapped, are their own fault alone, and healed', async () => {
    const batches = await store(4);
    await goRound();
    const pk = datasetPk(device.dataset);
    const skOf = ({ manifest, segment }: SealedBatch) =>
      segmentSk(manifest.first, String(segment.key.split('/')[2]).slice(0, 64));
    const [one, two, three] = await Promise.all(
      batches.slice(0, 3).map(async (batch) => (await stores.table.get(pk, skOf(batch)))!),
    );
    assert.ok(one && two && three);
    await stores.table.put({ ...two, sk: one.sk }, 'any');
    await stores.table.put({ ...one, sk: two.sk }, 'any');
    await stores.table.put({ ...three, sizeBytes: 'many' }, 'any');
    const last = [9, 10, 11].map((index) => ({ index, random: 0 }));
    const { answers } = await proveChunks(stores.ports, { dataset: device.dataset, challenges: last });
    assert.ok(
      answers.every((answer) => 'chunk' in answer),
      'the others are proven meanwhile',
    );
    assert.equal((await goRound()).found, 3);
    await assertProvable(12);
  });

  test('an object that is no segment is looked at once, is moved from among the segments, named, and removed in the end', async () => {
    const junk = new Uint8Array([1, 2, 3]);
    const key = segmentKey(device.dataset, 0, nodePrimitives.sha256(junk));
    await putObject(stores, key, junk);
    await putObject(stores, 'something/else', junk);
    assert.equal((await goRound()).found, 1);
    const { keys: _, runs: __, waitingSeconds: _____, ...second } = await goRound();
    assert.deepEqual(second, {
      found: 0,
      lost: 0,
      aside: 1,
      unchanged: 0,
      filled: 0,
      young: 0,
      failed: 0,
      isRoundOver: true,
    });
    const { keys: ___, runs: ____, waitingSeconds: ______, ...third } = await goRound();
    assert.deepEqual(third, {
      found: 0,
      lost: 0,
      aside: 0,
      unchanged: 0,
      filled: 0,
      young: 0,
      failed: 0,
      isRoundOver: true,
    });
    const listed = async (prefix: string) => {
      const keys: string[] = [];
      for await (const key of stores.objects.list(prefix)) keys.push(key);
      return keys;
    };
    assert.deepEqual(await listed(`${device.dataset.slice(2)}/0`), []);
    const [kept] = await listed('rejected/');
    assert.deepEqual(await stores.objects.read(kept!, { start: 0, end: 9 }), junk);
    assert.equal(await markRemoved(stores.ports, key), 'unknown', 'nothing is lost by that');
    const { batches } = await listBatches(stores.ports, { dataset: device.dataset, by: 'block' });
    assert.deepEqual(
      batches.map(({ state, lost, reason }) => [state, lost, reason !== null]),
      [['rejected', false, true]],
    );
    stores.clock.offsetMs += 32 * 86_400_000;
    await goRound();
    assert.deepEqual(await listed('rejected/'), []);
  });

  test('says which segment waits for a batch before it, for which block and since when, until that comes', async () => {
    const [first, second] = [seal(), seal()];
    await put(second);
    const receivedAtMs = stores.ports.runtime.nowMs();
    assert.equal(await ingestSegment(stores.ports, second.segment.key), 'waiting');
    assert.equal((await goRound()).waitingSeconds, 0, 'for some seconds it is nothing to speak of');
    stores.clock.offsetMs += 3_600_000;
    const { waitingSeconds } = await goRound();
    assert.ok(waitingSeconds >= 3_600 && waitingSeconds < 3_700, `${waitingSeconds}`);
    const said = stores.lines.findLast(({ waitsFor }) => waitsFor !== undefined);
    assert.deepEqual([said?.key, said?.waitsFor], [second.segment.key, 0]);
    assert.ok(Math.abs(Date.parse(String(said?.since)) - receivedAtMs) < 60_000);
    await put(first);
    assert.equal((await goRound()).found, 1);
    await assertProvable(6);
    assert.equal((await goRound()).waitingSeconds, 0);
    const marks = await dump(stores.table, WAITING_PK);
    assert.equal(marks.filter(({ sk }) => sk === device.dataset).length, 0);
  });

  test('an entry that came between listing and looking is not lost', async () => {
    const [batch] = await store(1);
    await goRound();
    assert.ok(batch !== undefined);
    async function* listDated() {
      yield { key: charterKey(device.dataset, device.charter.serial), storedAtMs: 0 };
    }
    const objects = { ...stores.objects, listDated };
    const { lost, unchanged } = await reconcileSegments({ ...stores.ports, objects });
    assert.deepEqual([lost, unchanged], [0, 1]);
    assert.equal(await markRemoved(stores.ports, batch.segment.key), 'present');
  });

  test('counts what it found for an alarm, and runs as its handler', async () => {
    await store(2);
    const handler = await handlerOf<Reconciled>('reconcile-segments', stores.ports);
    let found = 0;
    for (let isOver = false; !isOver; ) {
      // As a host that begins.
      const Records = [{ messageId: 'start', body: '{"reason":"start"}' }];
      const ran = await handler({ Records }, { getRemainingTimeInMillis: () => 20_000 });
      found += ran.found;
      isOver = ran.isRoundOver;
    }
    assert.equal(found, 2);
    assert.ok(stores.lines.some(({ metric, value }) => metric === 'Reconcile.found' && value === 2));
  });
});
