import assert from 'node:assert/strict';
import { chmodSync, closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { DatasetWriter } from '../../core/batch/seal-batch.ts';
import { FileError, StateError } from '../../core/errors.ts';
import type { DeviceEvent } from '../../device/events.ts';
import { rebuildSegment } from '../../device/log/rebuild-segment.ts';
import { sealPlanned } from '../../device/log/seal-planned.ts';
import { appendBlocks } from '../../device/outbox/append-blocks.ts';
import {
  batchAt,
  moveBatch,
  type PlannedBatch,
  readLeafHashes,
  type SealedRow,
} from '../../device/outbox/batch-rows.ts';
import { createCaptureQueue } from '../../device/outbox/capture-queue.ts';
import {
  BatchDamagedError,
  BatchReplacedError,
  OutboxBusyError,
  OutboxDamagedError,
  OutboxMismatchError,
} from '../../device/outbox/errors.ts';
import { cutBatches, logEnd } from '../../device/outbox/log-end.ts';
import { type Outbox, openOutbox, openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { planBatch } from '../../device/outbox/plan-batch.ts';
import { readUnsealed } from '../../device/outbox/read-backlog.ts';
import { readBlocks } from '../../device/outbox/read-blocks.ts';
import { releaseBatch } from '../../device/outbox/release-blocks.ts';
import { createMutex } from '../../device/steps/mutex.ts';
import { newWriter, ownerOf, successorOf, temporaryFolder } from './fixture.ts';

const LIMITS = { maxBlocks: 4, maxBytes: 1000 };

function setUp(context: TestContext) {
  const path = join(temporaryFolder(context), 'o');
  const writer = newWriter();
  const owner = ownerOf(writer);
  return { path, writer, owner };
}

function append(outbox: Outbox, sizes: readonly number[]): void {
  const blocks = sizes.map((size, n) => ({ content: new Uint8Array(size).fill(n + 1), meta: { at: n } }));
  outbox.commit(() => appendBlocks(outbox, [{ blocks }], 0));
}

const sealing = (outbox: Outbox, writer: DatasetWriter) => ({
  ...{ primitives: nodePrimitives, runtime: nodeRuntime, outbox, writer, publishes: false, making: createMutex() },
});

test('one process at a time works on an outbox; others may look', (context) => {
  const { path, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  assert.throws(() => openOutbox(path, owner), OutboxBusyError);
  const look = openOutboxReadOnly(path);
  assert.deepEqual(readUnsealed(look), { blocks: 0, bytes: 0 });
  assert.throws(() => look.sql('DELETE FROM pieces').run(), /read-only/);
  look.close();
  outbox.close();
  openOutbox(path, owner).close();
});

test('what is captured can be read by nobody else', (context) => {
  const { path, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  append(outbox, [10]);
  for (const name of [path, `${path}-wal`, `${path}-shm`, `${path}.lock`]) {
    assert.equal(statSync(name).mode & 0o777, 0o600, name);
  }
  outbox.close();
  chmodSync(path, 0o644);
  assert.throws(
    () => openOutbox(path, owner),
    (error) => error instanceof FileError && /0644/.test(error.message),
  );
});

test('an outbox of another dataset, another kind, another program or another version is refused', (context) => {
  const { path, owner } = setUp(context);
  openOutbox(path, owner).close();
  assert.throws(() => openOutbox(path, { ...owner, dataset: newWriter().dataset }), OutboxMismatchError);
  assert.throws(() => openOutbox(path, { ...owner, kind: 1 }), OutboxMismatchError);
  const other = `${path}-other`;
  writeFileSync(other, '', { mode: 0o600 });
  const database = new DatabaseSync(other);
  database.exec('CREATE TABLE something (id INTEGER)');
  assert.throws(() => openOutbox(other, owner), OutboxMismatchError);
  database.exec('PRAGMA application_id = 1886146370; PRAGMA user_version = 99');
  assert.throws(
    () => openOutbox(other, owner),
    (error) => error instanceof OutboxMismatchError && /99/.test(error.message),
  );
  database.close();
  assert.throws(() => openOutboxReadOnly(`${path}-none`), OutboxMismatchError);
});

test('a file that is no database any more is a typed error that names the remedy', (context) => {
  const { path, owner } = setUp(context);
  writeFileSync(path, Buffer.alloc(20_000, 7), { mode: 0o600 });
  assert.throws(
    () => openOutbox(path, owner),
    (error) => error instanceof OutboxDamagedError && /plumb device salvage/.test(error.message),
  );
});

test('of a large outbox no content is read before capture begins; damage to it is found where it is read', (context) => {
  const { path, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  for (let piece = 0; piece < 24; piece++) append(outbox, [3 * 2 ** 20]);
  outbox.close();
  assert.ok(statSync(path).size > 64 * 2 ** 20);
  // A page of overflow, in the middle: SQLite finds the chain of pages cut when it reads the whole file.
  const file = openSync(path, 'r+');
  writeSync(file, new Uint8Array(4096), 0, 4096, Math.floor(statSync(path).size / 8192) * 4096);
  closeSync(file);
  const whole = new DatabaseSync(path, { readOnly: true });
  assert.notDeepEqual(Object.values(whole.prepare('PRAGMA quick_check(1)').get() ?? {}), ['ok']);
  whole.close();
  const opened = openOutbox(path, owner);
  append(opened, [10]);
  assert.deepEqual(readUnsealed(opened), { blocks: 25, bytes: 24 * 3 * 2 ** 20 + 10 });
  assert.throws(() => readBlocks(opened, 0, 24), OutboxDamagedError);
  opened.close();
});

test('a batch takes as many blocks as its bounds allow, one at least, and cuts through pieces', (context) => {
  const { path, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  append(outbox, [100, 100, 100]);
  append(outbox, [100, 100, 600, 400, 2000, 1]);
  const planned: [number, number][] = [];
  for (;;) {
    const next = planBatch(nodePrimitives, outbox, LIMITS, { serial: 1, after: null, nowMs: 0 });
    if (next === null) break;
    planned.push([next.planned.blocks, next.bytes]);
  }
  assert.deepEqual(planned, [
    [4, 400],
    [2, 700],
    [1, 400],
    [1, 2000],
    [1, 1],
  ]);
  assert.deepEqual(readUnsealed(outbox), { blocks: 0, bytes: 0 });
  assert.deepEqual(
    readBlocks(outbox, 2, 5).map(({ content }) => content.length),
    [100, 100, 100],
  );
  outbox.close();
});

test('a batch that is being sealed is not in the log yet', async (context) => {
  const { path, writer, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  append(outbox, [10, 20, 30, 40, 50, 60]);
  const plan = () =>
    planBatch(nodePrimitives, outbox, LIMITS, { serial: 1, after: null, nowMs: 0 })?.planned as PlannedBatch;
  const first = plan();
  assert.equal(logEnd(outbox).size, 0);
  await sealPlanned(sealing(outbox, writer), first);
  const sealed = logEnd(outbox);
  assert.equal(sealed.size, 4);
  plan();
  assert.deepEqual(logEnd(outbox), sealed);
  outbox.close();
});

test('when the dataset has a new device, what the former one had not stored is unsealed again, and what it had stored is kept', async (context) => {
  const { path, writer, owner } = setUp(context);
  const first = openOutbox(path, owner);
  append(first, [10, 20, 30, 40, 50, 60, 70, 80, 90]);
  const rows: SealedRow[] = [];
  for (;;) {
    const next = planBatch(nodePrimitives, first, LIMITS, { serial: 1, after: null, nowMs: 0 });
    if (next === null) break;
    rows.push((await sealPlanned(sealing(first, writer), next.planned)).row);
  }
  // The one in the middle is still on its way: what follows it cannot stand without it.
  for (const row of [rows[0], rows[2]]) assert.ok(moveBatch(first, row as SealedRow, 'sealed', 'stored', 0));
  first.close();
  const successor = successorOf(writer, 4);
  const second = openOutbox(path, ownerOf(successor));
  assert.deepEqual(logEnd(second), rows[0]?.end);
  assert.deepEqual(readUnsealed(second), { blocks: 5, bytes: 350 });
  const next = planBatch(nodePrimitives, second, LIMITS, { serial: 2, after: null, nowMs: 0 });
  assert.equal(next?.planned.beforeAtMs, null, 'another device begins a new stretch of time');
  const { row } = await sealPlanned(sealing(second, successor), next?.planned as PlannedBatch);
  assert.equal(row.first, 4);
  // An upload of the former segment that ends only now says nothing of this one.
  assert.equal(moveBatch(second, rows[1] as SealedRow, 'sealed', 'stored', 0), false);
  // What the former device has stored cannot be made again here.
  await assert.rejects(rebuildSegment(sealing(second, successor), rows[0] as SealedRow), StateError);
  second.close();
});

test('random16 is drawn with the blocks: kept while they are, another where they change', async (context) => {
  const { path, writer, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  append(outbox, [10, 20, 30, 40, 50]);
  const plan = () =>
    planBatch(nodePrimitives, outbox, LIMITS, { serial: 1, after: null, nowMs: 0 })?.planned as PlannedBatch;
  const first = plan();
  // On the disk before anything is made with it, and the same bytes whenever it is made.
  assert.deepEqual(batchAt(outbox, 0), first);
  const { sealed } = await sealPlanned(sealing(outbox, writer), first);
  const again = await sealPlanned(sealing(outbox, writer), batchAt(outbox, 0) as PlannedBatch);
  assert.deepEqual(again.sealed.segment.sha256, sealed.segment.sha256);
  // Its place goes to another batch: the blocks are planned anew.
  assert.equal(
    outbox.commit(() => cutBatches(outbox, 0)),
    4,
  );
  const second = plan();
  assert.deepEqual([second.first, second.fromSeq, second.toSeq], [first.first, first.fromSeq, first.toSeq]);
  assert.notDeepEqual(second.random16, first.random16);
  const other = await sealPlanned(sealing(outbox, writer), second);
  assert.notDeepEqual(other.sealed.manifest.nonce, sealed.manifest.nonce);
  outbox.close();
});

test('leaf hashes are kept until a batch is checked, and no longer', async (context) => {
  const { path, writer, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  append(outbox, [10, 20]);
  const planned = planBatch(nodePrimitives, outbox, LIMITS, { serial: 1, after: null, nowMs: 0 })?.planned;
  const { row, sealed } = await sealPlanned(sealing(outbox, writer), planned as PlannedBatch);
  const states = ['sealed', 'stored', 'recorded', 'final'] as const;
  for (const [at, state] of states.entries()) {
    assert.deepEqual(readLeafHashes(outbox, row).map(Buffer.from), sealed.leafHashes.map(Buffer.from), state);
    const next = states[at + 1];
    if (next !== undefined) assert.ok(moveBatch(outbox, row, state, next, 0));
  }
  releaseBatch(outbox, row, 0);
  assert.equal(batchAt(outbox, 0)?.state, 'checked');
  assert.throws(() => readLeafHashes(outbox, row), OutboxDamagedError);
  // Its peaks stay: the log goes on from them.
  assert.deepEqual(logEnd(outbox), sealed.end);
  outbox.close();
});

test('a disk that others have filled holds capture up, and nothing is lost or acknowledged meanwhile', async (context) => {
  const { path, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  const limits = { commitWithinMs: 1, maxPendingBytes: 2 ** 20, maxDiskBytes: 2 ** 30, whenFull: 'wait' as const };
  const held = Promise.withResolvers<DeviceEvent>();
  const report = (event: DeviceEvent): void => {
    if (event.event === 'retry') held.resolve(event);
  };
  const onFailure = (cause: unknown): void => held.reject(cause);
  const queue = createCaptureQueue(
    { runtime: nodeRuntime, outbox, report, nowMs: Date.now, onCommit() {}, onFailure },
    limits,
  );
  // As SQLite says it when the disk has no room.
  outbox.sql('PRAGMA max_page_count = 40').get();
  let acknowledged = false;
  const captured = queue.capture({ blocks: [{ content: new Uint8Array(500_000), meta: { at: 0 } }] }).then(() => {
    acknowledged = true;
  });
  const said = await held.promise;
  assert.ok(said.event === 'retry' && said.step === 'capture' && /The disk is full/.test(said.reason));
  assert.equal(acknowledged, false);
  outbox.sql('PRAGMA max_page_count = 4294967294').get();
  queue.retry();
  await captured;
  assert.equal(readUnsealed(outbox).bytes, 500_000);
  queue.close();
  outbox.close();
});

test('a batch that another has replaced meanwhile is no damage; one that comes out otherwise is', async (context) => {
  const { path, writer, owner } = setUp(context);
  const outbox = openOutbox(path, owner);
  append(outbox, [10, 20]);
  const planned = planBatch(nodePrimitives, outbox, LIMITS, { serial: 1, after: null, nowMs: 0 })
    ?.planned as PlannedBatch;
  const { row } = await sealPlanned(sealing(outbox, writer), planned);
  assert.deepEqual(await rebuildSegment(sealing(outbox, writer), row).then((made) => made.segment.sha256), row.sha256);
  const otherNonce = { ...row, random16: nodePrimitives.randomBytes(16) };
  await assert.rejects(rebuildSegment(sealing(outbox, writer), otherNonce), BatchDamagedError);
  outbox.sql('DELETE FROM batches').run();
  await assert.rejects(rebuildSegment(sealing(outbox, writer), otherNonce), BatchReplacedError);
  outbox.close();
});
