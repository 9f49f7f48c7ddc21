/**
 * What checking in takes where much comes at once, counted: 2,000 segments of one dataset that come in the wrong order, the last one
 * first; and 50 instances of ingest-segment at work on the datasets of one owner. The table is one of this process, which answers
 * after 2 ms.
 *
 *     node dev/bench/ingest-load.ts [--json]
 */
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { Address } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { type IngestPorts, ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { extendLog } from '../../functions/log/extend-log.ts';
import { ownerPk } from '../../functions/state/entries.ts';
import { readLogEnd } from '../../functions/state/log-entry.ts';
import { MemoryTable } from '../../test/functions/memory-table.ts';
import { serviceSettings } from '../../test/functions/service-settings.ts';
import { blocks, DOMAIN, StatedLedger, TestDevice } from '../../test/functions/start-service.ts';
import { statedOwners } from '../../test/functions/stated-owners.ts';

const SEGMENTS = 2_000;
const INSTANCES = 50;
const SEGMENTS_EACH = 20;
const TABLE_MS = 2;

/** Requests to the table. */
interface Counted {
  reads: number;
  writes: number;
  /** Writes whose condition did not hold, of the owner's items. */
  contended: number;
}

function openService(ownersOf: ReadonlyMap<Address, number>, delayMs: number) {
  const counted: Counted = { reads: 0, writes: 0, contended: 0 };
  const memory = new MemoryTable();
  const wait = async () => (delayMs === 0 ? undefined : nodeRuntime.sleep(delayMs));
  const table: Table = {
    async get(...asked) {
      counted.reads++;
      await wait();
      return memory.get(...(asked as [string, string]));
    },
    async query(pk, range) {
      counted.reads++;
      await wait();
      return memory.query(pk, range);
    },
    async put(item, condition) {
      counted.writes++;
      await wait();
      const isWritten = await memory.put(item, condition);
      const isOwners = [...ownersOf.keys()].some((owner) => item.pk === ownerPk(owner));
      if (!isWritten && isOwners) counted.contended++;
      return isWritten;
    },
    async delete(pk, sk, condition) {
      counted.writes++;
      await wait();
      return memory.delete(pk, sk, condition);
    },
    async getMany(keys) {
      counted.reads++;
      await wait();
      return memory.getMany(keys);
    },
    async putMany(items) {
      counted.writes++;
      await wait();
      return memory.putMany(items);
    },
    async deleteMany(keys) {
      counted.writes++;
      await wait();
      return memory.deleteMany(keys);
    },
  };
  const stored = new Map<string, Uint8Array>();
  const settings = serviceSettings({ authorities: [], chainId: DOMAIN.chainId });
  const ports = (): IngestPorts => ({
    ...{ primitives: nodePrimitives, table, ledger: new StatedLedger(), grants: null, runtime: nodeRuntime },
    owners: statedOwners(ownersOf),
    objects: {
      read: async (key, { start, end }) => stored.get(key)?.slice(start, end) ?? null,
      size: async (key) => stored.get(key)?.length ?? null,
      stream: () => Promise.reject(new Error('Nothing streams here.')),
    },
    anchorQueue: { wake: async () => undefined },
    settings: () => settings,
    memory: new SegmentMemory(),
  });
  return { table, stored, counted, ports };
}

async function outOfOrder() {
  const owners = new Map<Address, number>();
  const { table, stored, counted, ports } = openService(owners, 0);
  const device = await TestDevice.open({ table, owners });
  const keys = Array.from({ length: SEGMENTS }, () => {
    const { segment } = device.seal(blocks([8]));
    stored.set(segment.key, segment.car);
    return segment.key;
  });
  const service = ports();
  const before = { ...counted };
  let mostReads = 0;
  for (const key of keys.toReversed()) {
    const { reads } = counted;
    await ingestSegment(service, key);
    mostReads = Math.max(mostReads, counted.reads - reads);
  }
  let runs = 0;
  for (let more = true; more; runs++) ({ more } = await extendLog(service, device.dataset));
  const size = (await readLogEnd(table, device.dataset))?.size;
  if (size !== SEGMENTS) throw new Error(`The log has ${size} blocks.`);
  const reads = (counted.reads - before.reads) / SEGMENTS;
  return { reads, writes: (counted.writes - before.writes) / SEGMENTS, mostReads, runs };
}

async function oneOwner() {
  const owners = new Map<Address, number>();
  const { table, stored, counted, ports } = openService(owners, TABLE_MS);
  const first = await TestDevice.open({ table, owners });
  const devices = [first];
  while (devices.length < INSTANCES)
    devices.push(await TestDevice.open({ table, owners }, { ownerKey: first.ownerKey }));
  const work = devices.map((device) =>
    Array.from({ length: SEGMENTS_EACH }, () => {
      const { segment } = device.seal(blocks([8]));
      stored.set(segment.key, segment.car);
      return segment.key;
    }),
  );
  let failed = 0;
  const before = { ...counted };
  const startedMs = performance.now();
  await Promise.all(
    work.map(async (keys) => {
      const service = ports();
      for (const key of keys) await ingestSegment(service, key).catch(() => failed++);
    }),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  const total = INSTANCES * SEGMENTS_EACH;
  return {
    ...{ segments: total, failed, contended: counted.contended, seconds },
    reads: (counted.reads - before.reads) / total,
    writes: (counted.writes - before.writes) / total,
  };
}

const order = await outOfOrder();
const owner = await oneOwner();
if (process.argv.includes('--json')) console.log(JSON.stringify({ order, owner }));
else {
  const { reads, writes, mostReads, runs } = order;
  console.log(
    `${SEGMENTS} segments, the last one first: ${reads.toFixed(1)} reads and ${writes.toFixed(1)} writes each,`,
  );
  console.log(`  at most ${mostReads} reads in one run; ${runs} more runs took in what was left`);
  console.log(`${INSTANCES} instances, ${owner.segments} segments of one owner in ${owner.seconds.toFixed(1)} s:`);
  console.log(
    `  ${owner.contended} writes of usage met another, ${owner.failed} segments failed; ${owner.reads.toFixed(1)} reads and ${owner.writes.toFixed(1)} writes each`,
  );
}
process.exit();
