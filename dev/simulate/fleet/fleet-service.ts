import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import type { Address } from '../../../core/ids.ts';
import type { Recorder } from '../../../core/ports/ledger.ts';
import type { RoundRecorder } from '../../../core/ports/rounds.ts';
import type { Observer } from '../../../functions/observe/observer.ts';
import { portsOf, type ServicePorts, type ServiceSettings, type WakeReason } from '../../../functions/ports.ts';
import type { FunctionRow } from '../../../functions/row.ts';
import { createTableOwners } from '../../../functions/state/table-owners.ts';
import {
  anchorRow,
  type EventName,
  getAnchorRow,
  ingestSegmentRow,
  reconcileSegmentsRow,
  uploadSegmentRow,
} from '../../../functions/table.ts';
import { loadHandler } from '../../../local/host/invoke-function.ts';
import type { ModelChain } from '../chain/model-chain.ts';
import { createNode } from '../chain/model-node.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Counting } from './counts.ts';
import { createAnchorCall, createUploadCall } from './device-calls.ts';
import { createFleetBucket, type FleetObjects } from './fleet-bucket.ts';
import type { FleetItems } from './fleet-items.ts';
import { createFleetTable } from './fleet-table.ts';
import { type Account, FunctionPool, type Invocation } from './function-pool.ts';
import type { Latencies } from './latencies.ts';
import type { Processor } from './processor.ts';
import { EventQueue, type QueueRules, slotOf, WakeQueue } from './queues.ts';

export interface FleetServiceParts {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly faults: FaultWatch;
  readonly chain: ModelChain;
  readonly items: FleetItems;
  readonly objects: FleetObjects;
  readonly counting: Counting;
  readonly latencies: Latencies;
  readonly settings: ServiceSettings;
  readonly relayer: Address;
  readonly observer: Observer;
  readonly account: Account;
  readonly ingestAtOnce: number;
}

type Handler = Invocation<unknown, unknown>;

/** How long a failed message stays away, in times of its function's time-out (cdk/event-queue.ts). */
const HIDDEN = { standard: 6, fifo: 2 } as const;

/** The functions that a fleet needs, each on machines of its own, behind the queues that the deployment puts before them. */
export async function startFleetService(parts: FleetServiceParts) {
  const { time, counting, latencies, account, ingestAtOnce, faults } = parts;
  const isAway = (): boolean => faults.under('service-down') !== null;
  const wakers = new Map<EventName, (reason: WakeReason) => void>();
  const portsFor = (party: string, processor: Processor): ServicePorts =>
    portsOnMachine(parts, party, processor, (reason) => wakers.get('anchor')?.(reason));
  const poolOf = <Event, Answer>(
    row: FunctionRow & { readonly name: string },
    most: number | null,
    make: (ports: ServicePorts, processor: Processor) => Invocation<Event, Answer>,
  ) =>
    new FunctionPool<Event, Answer>({
      ...{ time, name: row.name, timeoutMs: row.limits.timeoutMs, memoryMb: row.limits.memoryMb, most },
      ...{ account, latencies, counting },
      make: (processor) => make(portsFor(row.name, processor), processor),
    });
  const eventPool = async (row: FunctionRow & { readonly name: EventName }, most: number | null, cpuMs: number) => {
    const handlerFor = (await loadHandler(row)) as unknown as (
      ports: never,
    ) => (event: unknown, context: unknown) => Promise<unknown>;
    return poolOf(row, most, (ports, processor): Handler => {
      const handler = handlerFor(portsOf(row, ports) as never);
      return async (event) => {
        const { Records } = event as { readonly Records: readonly unknown[] };
        await processor.spend({ cpuMs: cpuMs * Records.length, waitMs: 0 });
        // Without what Lambda says of the time that is left: middy would set timers of the machine by it.
        return handler(event, {});
      };
    });
  };
  const rulesOf = (
    row: { readonly name: string; readonly limits: { readonly timeoutMs: number } },
    queue: { readonly batch: number; readonly receives: number; readonly atOnce: number | null },
  ): QueueRules => {
    const times = queue.atOnce === null ? HIDDEN.fifo : HIDDEN.standard;
    return { name: row.name, batch: queue.batch, receives: queue.receives, hiddenMs: times * row.limits.timeoutMs };
  };

  const ingest = new EventQueue(
    time,
    rulesOf(ingestSegmentRow, ingestSegmentRow.trigger.queue),
    await eventPool(ingestSegmentRow, ingestAtOnce, latencies.segmentCpu),
    counting,
  );
  const wakeQueue = async (row: typeof anchorRow | typeof reconcileSegmentsRow): Promise<WakeQueue> => {
    const queue = new WakeQueue(time, rulesOf(row, row.trigger.queue), await eventPool(row, null, 0), counting);
    wakers.set(row.name, (reason) => queue.wake(reason));
    queue.startSchedule(row.trigger.everyMs);
    return queue;
  };
  const anchor = await wakeQueue(anchorRow);
  const reconcile = await wakeQueue(reconcileSegmentsRow);
  for (const queue of [ingest, anchor, reconcile]) queue.shutWhile(isAway);

  const upload = poolOf(uploadSegmentRow, null, createUploadCall(latencies));
  const getAnchor = poolOf(getAnchorRow, null, createAnchorCall);
  return { ingest, anchor, reconcile, upload, getAnchor, isAway };
}

export type FleetService = Awaited<ReturnType<typeof startFleetService>>;

/** The ports as one machine of a function has them: its processor does the work, and what it asks is counted as its own. */
function portsOnMachine(
  parts: FleetServiceParts,
  party: string,
  processor: Processor,
  wakeAnchor: (reason: WakeReason) => void,
): ServicePorts {
  const { time, random, faults, chain, items, objects, counting, latencies, settings, relayer, observer } = parts;
  const { requestCpu, itemCpu } = latencies;
  const lastSlots = new Map<WakeReason, number>();
  const count = (name: Parameters<Counting['add']>[1], by: number): void => counting.add(party, name, by);
  const node = createNode({
    ...{ time, chain, faults, random, of: 'service' },
    reach: async (trips) => {
      for (const requests of trips) {
        count('rpcTrips', 1);
        count('rpcRequests', requests);
        await processor.spend({ cpuMs: requestCpu + itemCpu * requests, waitMs: latencies.rpc });
      }
    },
  });
  const sign = async (): Promise<void> => {
    count('kmsRequests', 1);
    await processor.spend({ cpuMs: requestCpu, waitMs: latencies.kms });
  };
  const table = createFleetTable(items, {
    request: (read) => processor.spend({ cpuMs: requestCpu + itemCpu * read, waitMs: latencies.table }),
    count,
  });
  const bucket = createFleetBucket(objects, {
    request: () => processor.spend({ cpuMs: requestCpu, waitMs: latencies.objects }),
    count,
    nowMs: () => Math.floor(time.nowMs()),
  });
  // Work takes fractions of a ms; clocks show whole ones.
  const runtime = { ...time.runtimeOf({ random: random.next }), nowMs: () => Math.floor(time.nowMs()) };
  return {
    ...{ table, objects: bucket, ledger: node.ledger, rounds: node.rounds },
    recorder: signing(node.recorderOf(relayer), 'prepare', sign),
    roundRecorder: signing(node.roundRecorderOf(relayer), 'prepareRound', sign),
    ...{ agreements: null, grants: null, grantRecorder: null, p2pfs: null, settings: () => settings, observer },
    primitives: nodePrimitives,
    runtime,
    owners: createTableOwners({ table, runtime }),
    anchorQueue: {
      async wake(reason) {
        const slot = slotOf(time.nowMs());
        if (slot === lastSlots.get(reason)) return;
        count('queueRequests', 1);
        await processor.spend({ cpuMs: requestCpu, waitMs: latencies.queue });
        lastSlots.set(reason, slot);
        wakeAnchor(reason);
      },
    },
  };
}

/** The same port, whose method signs with the key that KMS keeps. */
function signing<Port extends Recorder | RoundRecorder>(
  port: Port,
  method: keyof Port,
  sign: () => Promise<void>,
): Port {
  const prepare = port[method] as (...given: unknown[]) => Promise<unknown>;
  return {
    ...port,
    [method]: async (...given: unknown[]) => {
      const prepared = await prepare.apply(port, given);
      await sign();
      return prepared;
    },
  };
}
