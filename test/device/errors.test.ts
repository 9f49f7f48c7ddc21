import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeDirectories } from '../../adapters/files/node-directories.ts';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { AnswerError, ArgumentError, ChainAnswerError, FileError, PlumblineError } from '../../core/errors.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { compareLog } from '../../device/log/compare-log.ts';
import { BrokerError } from '../../device/mqtt/broker-error.ts';
import { holdSession } from '../../device/mqtt/hold-session.ts';
import { OutboxDamagedError } from '../../device/outbox/errors.ts';
import { logEnd } from '../../device/outbox/log-end.ts';
import { openOutbox, openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { metaOf } from '../../device/outbox/piece-lines.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { readProvision } from '../../device/provision/read-provision.ts';
import { parseSource } from '../../device/sources/parse-source.ts';
import { type DirectoryOptions, watchDirectory } from '../../device/sources/watch-directory.ts';
import { comparing, newWriter, ownerOf, startDevice, temporaryFolder } from './fixture.ts';
import { TestBroker } from './mqtt-broker.ts';
import { startRemote } from './remote.ts';

/* Whose turn it is, for what a device meets: arguments, files, answers; and which of them end it. */

const WATCH: DirectoryOptions = {
  ...{ blockBytes: 1000, scanEveryMs: 10, settleMs: 20, deleteAfterChecked: false, keepOut: [] },
};

async function setUp(context: TestContext) {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  return { folder, writer, remote, outboxPath: join(folder, 'o') };
}

const isA =
  (kind: PlumblineError['kind'], type: abstract new (...args: never[]) => PlumblineError, says: RegExp) =>
  (error: unknown): boolean =>
    error instanceof type && error.kind === kind && says.test(error.message);

test("a file where a directory should be is its keeper's turn and ends the device", async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  writeFileSync(join(folder, 'file'), 'x');
  const source = watchDirectory(nodeDirectories, join(folder, 'file'), WATCH);
  const device = startDevice({ remote, writer, outboxPath, source });
  await assert.rejects(device.ended, isA('file', FileError, /file is not a directory/));
});

test('a directory that is not there yet, or goes away, is waited for, and uploads go on', async (context) => {
  const { folder, writer, remote, outboxPath } = await setUp(context);
  const directory = join(folder, 'readings');
  const device = startDevice({ remote, writer, outboxPath, source: watchDirectory(nodeDirectories, directory, WATCH) });
  const isWaiting = (says: RegExp) =>
    device.event('retry', ({ step, reason }) => step === 'source' && says.test(reason));
  await isWaiting(/does not exist; waiting/);
  mkdirSync(directory);
  remote.storeDown = true;
  writeFileSync(join(directory, 'a'), 'a');
  await device.event('captured');
  const { length } = device.events;
  rmSync(directory, { recursive: true });
  while (!device.events.slice(length).some((event) => event.event === 'retry' && event.step === 'source'))
    await new Promise((resolve) => setTimeout(resolve, 5));
  const outbox = openOutboxReadOnly(outboxPath);
  assert.match(JSON.stringify(readStatus(outbox, Date.now()).failures), /waiting for it to/);
  outbox.close();
  remote.storeDown = false;
  await device.event('checked');
  mkdirSync(directory);
  writeFileSync(join(directory, 'b'), 'b');
  await device.event('captured', ({ totalBlocks }) => totalBlocks === 2);
  await device.stop();
});

test("a source that cannot be is the caller's turn", () => {
  assert.throws(() => parseSource('nowhere'), isA('arguments', ArgumentError, /nowhere/));
  assert.throws(() => parseSource('mqtt:mqtt://h:0/t'), isA('arguments', ArgumentError, /port/));
});

test('files that a device is started with are named with their path', (context) => {
  const folder = temporaryFolder(context);
  const writer = newWriter();
  const owner = ownerOf(writer);
  const nowhere = join(folder, 'nowhere', 'device.outbox');
  assert.throws(() => openOutbox(nowhere, owner), isA('file', FileError, new RegExp(`${nowhere}.*ENOENT`)));
  const provision = join(folder, 'device.json');
  writeFileSync(provision, '{"chainId": 1}', { mode: 0o600 });
  assert.throws(() => readProvision(provision), isA('file', PlumblineError, new RegExp(provision)));
  chmodSync(provision, 0o644);
  assert.throws(() => readProvision(provision), isA('file', PlumblineError, new RegExp(provision)));
});

test('a block whose meta cannot be read is damage to the outbox, not a wrong argument', () => {
  // A meta that is no map.
  assert.throws(() => metaOf({ size: 1, crc: 0, meta: Uint8Array.of(1) }), isA('file', OutboxDamagedError, /meta/));
});

test('a storage whose proof of the log is cut short is not believed: the chain itself says how the log goes on', async (context) => {
  const { folder, writer, remote } = await setUp(context);
  remote.charterOnChain(writer.charter);
  let end = EMPTY_PEAKS;
  for (const text of ['one', 'two', 'three']) {
    const blocks = [{ content: Buffer.from(text), meta: { at: 1 } }];
    const sealed = sealBatch(nodePrimitives, writer, end, blocks, nodePrimitives.randomBytes(16));
    remote.ingest(sealed.segment.car);
    end = sealed.end;
  }
  const outbox = openOutbox(join(folder, 'o'), ownerOf(writer));
  context.after(() => outbox.close());
  const getRecords: typeof remote.service.getRecords = async (...call) => ({
    ...(await remote.service.getRecords(...call)),
    proof: [],
  });
  const ledger = { ...remote.ledger };
  const parts = { ...comparing(writer, remote, outbox), ledger, service: { ...remote.service, getRecords } };
  ledger.findRecorded = async (...call) => (await remote.ledger.findRecorded(...call)).slice(1);
  const compare = () => compareLog(parts, new AbortController().signal);
  await assert.rejects(compare(), isA('chain', ChainAnswerError, /does not continue|missing/));
  assert.equal(logEnd(outbox).size, 0);
  ledger.findRecorded = remote.ledger.findRecorded;
  assert.equal((await compare()).held, null);
  assert.deepEqual(logEnd(outbox), end);
});

test('a service that presigns something else than HTTP has answered wrongly', async () => {
  const never = new AbortController().signal;
  for (const url of ['file:///etc/passwd', 'nonsense']) {
    const presigned = { url, headers: {}, expiresAtMs: 0 };
    const put = nodeTransfer.put({ ...presigned, method: 'PUT' }, new Uint8Array(1), { stallMs: 1000 }, never);
    await assert.rejects(put, isA('answer', AnswerError, /not http or https/));
    await assert.rejects(
      nodeTransfer.get({ ...presigned, method: 'GET' }, never),
      isA('answer', AnswerError, /not http or https/),
    );
  }
});

test('a broker that is away, one that refuses and one that speaks wrongly are told apart', async (context) => {
  const broker = new TestBroker({
    answerConnect: (_, nth) => {
      if (nth === 1) return { cmd: 'connack', reasonCode: 134, sessionPresent: false };
      return nth === 2 ? null : { cmd: 'pingresp' };
    },
  });
  const port = await broker.listen();
  context.after(() => broker.close());
  const hold = (at: number) =>
    holdSession(
      nodeRuntime,
      {
        broker: { host: '127.0.0.1', port: at, tls: false, topicFilter: 'plant/#' },
        ...{ secrets: {}, clientId: 'device', maxPacketBytes: 2 ** 20, receiveMaximum: 16 },
      },
      {
        ...{ onConnected() {}, onSubscribed() {}, onSettled() {} },
        ...{ onMessage: () => Promise.resolve(), room: () => Promise.resolve() },
      },
      false,
      new AbortController().signal,
    );
  await assert.rejects(hold(port), isA('refused', BrokerError, /password is wrong/));
  await assert.rejects(hold(port), isA('unavailable', BrokerError, /closed the connection/));
  await assert.rejects(hold(port), isA('answer', BrokerError, /first packet is/));
  await assert.rejects(hold(1), isA('unavailable', BrokerError, /cannot be reached: ECONNREFUSED/));
});
