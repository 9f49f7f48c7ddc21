import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { equalBytes } from '../../core/bytes.ts';
import { type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { type Address, type LogRoot, NO_ACCOUNT, type RoundRoot } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import type { FinalityReader } from '../../core/ports/finality.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { RoundReader } from '../../core/ports/rounds.ts';
import type { ServiceRound } from '../../core/ports/service.ts';
import { leafOfHead, mapLeafHash } from '../../core/rounds/map-leaf.ts';
import { NO_ROUND, roundBody, roundRoot } from '../../core/rounds/round.ts';
import { RPC_TRIPS, type RpcTrips } from '../../dev/simulate/chain/rpc-trips.ts';
import { createDeviceClock } from '../../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../../device/device-options.ts';
import { openOutboxReadOnly } from '../../device/outbox/open-outbox.ts';
import { readStatus } from '../../device/outbox/read-status.ts';
import { watchDirectory } from '../../device/sources/watch-directory.ts';
import { newWriter, startDevice, temporaryFolder } from './fixture.ts';
import { MemoryDirectories } from './memory-directories.ts';
import { memoryTransfer } from './memory-transfer.ts';
import { type Remote, startRemote } from './remote.ts';
import { VirtualRuntime } from './virtual-runtime.ts';

/*
 * What a device with its default options asks the chain, hour by hour: the requests that the adapters make for each call, as
 * test/dev/simulate/rpc-trips.test.ts counts them at a proxy.
 */

const MINUTE_MS = 60_000;
const FINAL_AFTER = 13;
const ANCHORER = `0x${'a4'.repeat(20)}` as Address;

interface MadeRound {
  readonly root: RoundRoot;
  readonly shown: ServiceRound;
}

async function setUp(context: TestContext, anchorer: Address | undefined, chartered = anchorer) {
  const runtime = new VirtualRuntime(Date.UTC(2026, 0, 1));
  const directories = new MemoryDirectories(() => runtime.nowMs());
  directories.makeDirectory('/in');
  const writer = newWriter(chartered === undefined ? {} : { anchorer: chartered });
  const remote = await startRemote(writer);
  context.after(() => remote.close());
  remote.relaying = anchorer === undefined;
  let requests = 0;
  const asked = (trips: RpcTrips): void => {
    requests += trips.reduce((sum, trip) => sum + trip, 0);
  };
  const counted =
    <A extends readonly unknown[], T>(trips: RpcTrips, call: (...args: A) => T) =>
    (...args: A): T => {
      asked(trips);
      return call(...args);
    };
  const real = remote.ledger;
  const ledger: Ledger = {
    ...real,
    readHeads: counted(RPC_TRIPS.readHeads(1), real.readHeads.bind(real)),
    readDevices: counted(RPC_TRIPS.readDevices(1), real.readDevices.bind(real)),
    findRecorded: counted(RPC_TRIPS.findEvents(0, 1), real.findRecorded.bind(real)),
    findChartered: counted(RPC_TRIPS.findEvents(0, 1), real.findChartered.bind(real)),
  };
  const made: MadeRound[] = [];
  /** How many of them are final. */
  const finalRound = (): MadeRound | undefined => made.at(-1 - FINAL_AFTER);
  const chain: { isHiding: boolean; isSilent: boolean; charter?: SignedCharter } = { isHiding: false, isSilent: false };
  const chainRound = (of: Address): RoundRoot | null =>
    chain.isHiding || of !== anchorer ? null : (finalRound()?.root ?? null);
  const rounds = {
    async readRound(of: Address) {
      asked(RPC_TRIPS.readRound());
      return { round: chainRound(of), point: (await remote.ledger.readHeads([], 'final')).point };
    },
  } as unknown as RoundReader;
  const finality: FinalityReader = {
    async readFinalRound(of) {
      asked(RPC_TRIPS.readFinal());
      return chainRound(of);
    },
    async readFinalHead(dataset) {
      asked(RPC_TRIPS.readFinal());
      return (await remote.ledger.readHeads([dataset], 'final')).heads[0] as never;
    },
  };
  const service = {
    ...remote.service,
    async getAnchor(dataset: typeof writer.dataset, { round }: { readonly round?: RoundRoot } = {}) {
      const shown = await remote.service.getAnchor(dataset);
      const newest = chain.isSilent ? undefined : finalRound();
      const found = round === undefined ? newest : made.find(({ root }) => equalBytes(root, round));
      const head = (await remote.ledger.readHeads([dataset], 'final')).heads[0];
      const { charter = shown.charter } = chain;
      return { ...shown, charter, round: found?.shown ?? null, final: anchorer === undefined ? (head ?? null) : null };
    },
  };
  const outboxPath = join(temporaryFolder(context), 'o');
  const device = startDevice(
    {
      ...{ writer, runtime, rounds, finality, transfer: memoryTransfer(runtime, remote, 20) },
      remote: { ...remote, ledger, service } as Remote,
      outboxPath,
      clock: createDeviceClock(runtime),
      source: watchDirectory(directories, '/in', {
        ...{ blockBytes: 1000, scanEveryMs: 1000, settleMs: 1000, deleteAfterChecked: false, keepOut: [] },
      }),
    },
    DEFAULT_DEVICE_OPTIONS,
  );
  /** The newest stored head, as an anchorer puts it into its next round. */
  const anchor = (): void => {
    const { stored } = remote.log.at(-1) ?? {};
    if (stored == null) return;
    const { manifest } = readSegment(nodePrimitives, stored.car);
    const { dataset, serial, signature } = manifest;
    const head: SignedHead = { dataset, ...manifest.head, serial, signature };
    const front = {
      ...{ number: made.length + 1, timeSeconds: Math.floor(runtime.nowMs() / 1000) },
      ...{ previous: made.at(-1)?.root ?? NO_ROUND, history: new Uint8Array(32) as LogRoot },
    };
    const map = mapLeafHash(nodePrimitives, leafOfHead(nodePrimitives, head));
    const body = roundBody(nodePrimitives, front.number, front.history, map);
    const root = roundRoot(nodePrimitives, front.timeSeconds, front.previous, body);
    made.push({ root, shown: { ...front, path: [], head, end: null, txHash: `0x${'00'.repeat(32)}` } });
  };
  const takeRequests = (): number => {
    const taken = requests;
    requests = 0;
    return taken;
  };
  const checked = () => device.events.filter(({ event }) => event === 'checked').length;
  let minute = 0;
  /** A batch a minute, and a round. */
  const pass = async (minutes: number): Promise<void> => {
    for (let i = 0; i < minutes; i++) {
      directories.write(`/in/${minute}`, `minute ${minute++}`);
      await runtime.pass(MINUTE_MS);
      if (anchorer !== undefined) anchor();
    }
  };
  return { runtime, remote, device, chain, writer, outboxPath, pass, takeRequests, checked };
}

test('a device that always waits asks the chain less than once a minute, and releases what a final round holds', async (context) => {
  const { runtime, device, chain, pass, takeRequests, checked } = await setUp(context, ANCHORER);
  await pass(FINAL_AFTER + 5);
  takeRequests();
  const before = checked();
  await pass(60);
  const requests = takeRequests();
  context.diagnostic(`${requests} requests in an hour`);
  assert.ok(requests <= 60, `${requests} requests in an hour, at a batch and a round a minute`);
  assert.ok(checked() - before >= 55, `${checked() - before} of 60 batches were checked`);

  // A service that tells of rounds which the chain does not have gets nothing released, and no more asked.
  chain.isHiding = true;
  await pass(5);
  takeRequests();
  const hidden = checked();
  await pass(20);
  assert.equal(checked(), hidden, 'nothing is released before the chain has confirmed it');
  const misled = takeRequests();
  assert.ok(misled <= 20, `${misled} requests in twenty minutes`);
  chain.isHiding = false;
  await pass(5);
  assert.ok(checked() >= hidden + 20);
  await runtime.until(device.stop());
});

test('where the service tells of nothing new, rare looks at the chain find it all the same', async (context) => {
  const { runtime, device, chain, pass, takeRequests, checked } = await setUp(context, ANCHORER);
  await pass(FINAL_AFTER + 5);
  chain.isSilent = true;
  takeRequests();
  const before = checked();
  await pass(25);
  assert.ok(takeRequests() <= 25);
  assert.ok(checked() - before >= 5, `${checked() - before} batches were checked`);
  await runtime.until(device.stop());
});

test('of what DISSC alone records, it asks as rarely in the long run', async (context) => {
  const { runtime, device, pass, takeRequests, checked } = await setUp(context, undefined);
  await pass(40);
  takeRequests();
  const before = checked();
  await pass(60);
  const requests = takeRequests();
  context.diagnostic(`${requests} requests in an hour`);
  assert.ok(requests <= 60, `${requests} requests in an hour`);
  assert.ok(checked() - before >= 55);
  await runtime.until(device.stop());
});

test('a device whose owner charters it to another anchorer goes on in that one’s rounds, once the chain has the charter', async (context) => {
  const former = `0x${'f0'.repeat(20)}` as Address;
  const { runtime, remote, device, chain, writer, outboxPath, pass, takeRequests, checked } = await setUp(
    context,
    ANCHORER,
    former,
  );
  const signed = (change: Partial<SignedCharter>, by = writer.ownerKey): SignedCharter => {
    const charter = { ...writer.charter, anchorer: ANCHORER, serial: 2, ...change };
    return { ...charter, signature: signCharter(writer.domain, charter, by) };
  };
  await pass(FINAL_AFTER + 5);
  assert.equal(checked(), 0, 'its charter names somebody who anchors nothing');
  const waitsForRecord = () => {
    const outbox = openOutboxReadOnly(outboxPath);
    const found = readStatus(outbox, runtime.nowMs()).waits.find((wait) => wait.for === 'record');
    outbox.close();
    return found;
  };
  assert.equal(waitsForRecord()?.reason, null, 'a first round may take so long');
  chain.isSilent = true;
  await pass(30);
  const { reason, turn, sinceMs = 0 } = waitsForRecord() ?? {};
  assert.match(`${reason}`, new RegExp(`names the anchorer ${former}.*plumb dataset anchor NAME`));
  assert.deepEqual([turn, sinceMs > 0], ['owner', true]);
  chain.isSilent = false;

  // The service's word alone, the owner's without the chain, and another owner's: each costs next to nothing, and moves nothing.
  takeRequests();
  for (const shown of [signed({}), signed({ serial: 3 }, writer.deviceKey), { ...signed({}), signature: null }]) {
    chain.charter = shown;
    if (shown.serial === 3) remote.charters.push(shown);
    await pass(5);
  }
  remote.charters.pop();
  assert.ok(takeRequests() <= 40);
  assert.equal(device.events.filter(({ event }) => event === 'anchorer').length, 0);

  chain.charter = signed({});
  remote.charters.push(writer.charter, chain.charter);
  await pass(8);
  const told = device.events.filter(({ event }) => event === 'anchorer');
  assert.deepEqual(told, [{ event: 'anchorer', anchorer: ANCHORER, serial: 2 }]);
  assert.ok(checked() > 0, 'what had waited is released');
  assert.equal(waitsForRecord()?.reason ?? null, null);
  takeRequests();
  const before = checked();
  await pass(60);
  assert.ok(takeRequests() <= 60 && checked() - before >= 55);

  // To direct records: DISSC's head counts, and no round. A contract account signs no charter: the chain's event says it.
  const unsigned = { ...signed({ anchorer: NO_ACCOUNT, serial: 4 }), signature: null };
  chain.charter = { ...unsigned, anchorer: former };
  remote.charters.push(unsigned);
  await pass(8);
  assert.equal(device.events.filter(({ event }) => event === 'anchorer').length, 1, 'the event names another');
  chain.charter = unsigned;
  await pass(8);
  assert.deepEqual(
    device.events.findLast(({ event }) => event === 'anchorer'),
    {
      ...{ event: 'anchorer', anchorer: null, serial: 4 },
    },
  );
  const anchored = checked();
  await pass(5);
  assert.ok(checked() - anchored <= 1, 'a round counts for nothing now');
  await runtime.until(device.stop());
});
