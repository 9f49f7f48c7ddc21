import type { Address, DatasetId, PrivateKey } from '../../../core/ids.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import type { Observer } from '../../../functions/observe/observer.ts';
import { DEFAULT_GRANT_POLICY } from '../../../functions/ports.ts';
import { OWNERS_PK } from '../../../functions/state/entries.ts';
import { ModelChain } from '../chain/model-chain.ts';
import { createNode } from '../chain/model-node.ts';
import type { Fault } from '../faults/fault.ts';
import { watchFaults } from '../faults/fault-watch.ts';
import { createRandom } from '../time/seeded-random.ts';
import { VirtualTime } from '../time/virtual-time.ts';
import { charterFleet } from './build-fleet.ts';
import { Counting, type Counts, sumCounts } from './counts.ts';
import { FleetObjects } from './fleet-bucket.ts';
import { FleetItems } from './fleet-items.ts';
import type { FleetOptions } from './fleet-options.ts';
import { type FleetService, startFleetService } from './fleet-service.ts';
import { LightDevice } from './light-device.ts';
import { type Mined, RoundWatch } from './watch-rounds.ts';

/** What one minute has seen, and how it stood at its end. */
export interface FleetMinute extends Counts, Mined {
  readonly minute: number;
  readonly sealed: number;
  readonly stored: number;
  /** Batches sealed that no mined round holds, and those of them that are older than two rounds and two blocks. */
  readonly waiting: number;
  readonly backlog: number;
  /** Age of the oldest of them. */
  readonly oldestSeconds: number;
  /** Stored segments whose events wait for a machine. */
  readonly events: number;
}

export interface FleetResult {
  readonly options: FleetOptions;
  readonly minutes: readonly FleetMinute[];
  /** The sums, and backlog and age as they were in the end. */
  readonly all: Omit<FleetMinute, 'minute'>;
  readonly byParty: Readonly<Record<string, Counts>>;
  /** How many of them lay there, and how long it took from the first event until all were checked in. Null where none did. */
  readonly burst: { readonly batches: number; readonly seconds: number; readonly perSecond: number } | null;
  /** After the devices had stopped: how long it took until every head was final, and what was not by then. */
  readonly settled: {
    readonly minutes: number;
    readonly notAnchored: number;
    readonly notFinal: number;
    readonly notStored: number;
  };
  /** What the functions have counted and said: alarms hang on these. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly warnings: Readonly<Record<string, number>>;
  readonly failedEvents: number;
  readonly deadLetters: number;
}

const START_MS = Date.UTC(2026, 10, 30);
const DOMAIN = { chainId: 1, dissc: `0x${'d1'.repeat(20)}` as Address };
const AUTHORITY = 'api.simulated';
const QUOTA_BYTES = 2 ** 50;
const MINUTE_MS = 60_000;

/** Runs a fleet for so many minutes of virtual time, and on until all is final. The same options give the same run. */
export async function simulateFleet(
  options: FleetOptions,
  onMinute: (minute: FleetMinute) => void = () => {},
): Promise<FleetResult> {
  const { devices: number, minutes: most, seed, latencies, roundEveryMs, blockMs, finalDepth } = options;
  const random = createRandom(seed);
  const time = new VirtualTime(START_MS - (finalDepth + 1) * blockMs);
  const faults = watchFaults(time, START_MS, seed, faultsOf(options));
  const chain = new ModelChain(time, faults, { domain: DOMAIN, blockMs, finalDepth });
  // A chain that has final blocks.
  await time.passUntil(START_MS);
  const counting = new Counting();
  const items = new FleetItems();
  const said = createCountingObserver();
  const keyOf = (name: string): PrivateKey => random.fork(name).bytes(32) as PrivateKey;
  const relayer = accountOfKey(keyOf('relayer'));
  const ownerKeys = Array.from({ length: options.owners }, (_, place) => keyOf(`owner ${place}`));
  for (const key of ownerKeys) items.put({ pk: OWNERS_PK, sk: accountOfKey(key), quotaBytes: QUOTA_BYTES }, 'any');
  const tell = (key: string): void => {
    service.ingest.add(key, JSON.stringify({ Records: [{ s3: { object: { key: encodeURIComponent(key) } } }] }));
  };
  const objects = new FleetObjects((key) => {
    time.after(latencies.event * (0.5 + random.next()), () => tell(key));
  });
  const seats = charterFleet(
    random.fork('fleet'),
    { domain: DOMAIN, devices: number, ownerKeys, anchorer: relayer, serial: START_MS / 1000 },
    { items, objects },
  );
  const service = await startFleetService({
    ...{ time, random: random.fork('service'), faults, chain, items, objects, counting, latencies, relayer },
    settings: {
      ...{ chainId: DOMAIN.chainId, authorities: [AUTHORITY], cssAccount: relayer, grants: DEFAULT_GRANT_POLICY },
      ...{ fromBlock: 0, recordEveryMs: 0, roundEveryMs },
    },
    observer: said.observer,
    ...{ account: { atOnce: options.accountAtOnce, running: 0 }, ingestAtOnce: options.ingestAtOnce },
  });
  const deviceNode = createNode({
    ...{ time, chain, faults, random: random.fork('node'), of: 'device' },
    reach: async (trips) => {
      for (const requests of trips) {
        counting.add('device', 'deviceRpcRequests', requests);
        await time.sleep(latencies.rpc);
      }
    },
  });
  const devices = new Map<DatasetId, LightDevice>(
    seats.map(({ writer, account }, place) => {
      const parts = { time, latencies, counting, service, objects, writer, account, anchorer: relayer };
      const made = { ...parts, rounds: deviceNode.rounds, random: random.fork(`device ${place}`), everyMs: MINUTE_MS };
      return [writer.dataset, new LightDevice(made)];
    }),
  );
  const watch = new RoundWatch(chain, items, relayer);
  const all = [...devices.values()];
  const burst = await checkInBurst(time, service, all, options.burst, tell);
  for (const device of all) device.start(random.between(0, MINUTE_MS - 1));

  // What came at once has taken its time before.
  const beganMs = time.nowMs();
  const lateMs = 2 * (roundEveryMs + blockMs);
  const lookAt = async (minute: number): Promise<FleetMinute> => {
    await time.passUntil(beganMs + minute * MINUTE_MS);
    items.forgetExpired(time.nowMs() / 1000);
    for (const queue of [service.ingest]) queue.pump();
    const mined = await watch.look(devices);
    const now = time.nowMs();
    const waiting = all.flatMap(({ unanchored }) => unanchored.map(({ sealedAtMs }) => now - sealedAtMs));
    return {
      minute,
      ...mined,
      ...counting.takeMinute(),
      sealed: all.reduce((sum, { sealedSize }) => sum + sealedSize, 0),
      stored: all.reduce((sum, { stored }) => sum + stored, 0),
      waiting: waiting.length,
      backlog: waiting.filter((ageMs) => ageMs > lateMs).length,
      oldestSeconds: Math.round(waiting.reduce((most_, ageMs) => Math.max(most_, ageMs), 0) / 1000),
      events: service.ingest.size,
    };
  };
  const minutes: FleetMinute[] = [];
  for (let minute = 1; minute <= most; minute++) {
    const seen = await lookAt(minute);
    minutes.push(seen);
    onMinute(seen);
  }

  const byParty = structuredClone(Object.fromEntries(counting.byParty));
  for (const device of all) device.stopSealing();
  const isOver = (): boolean => all.every(({ finalSize, sealedSize }) => finalSize === sealedSize);
  let settling = 0;
  while (!isOver() && settling < options.settleMinutes) await lookAt(most + ++settling);
  const last = minutes.at(-1) as FleetMinute;
  const { sealed, stored, waiting, backlog, oldestSeconds, events } = last;
  return {
    options,
    minutes,
    all: {
      ...sumCounts(minutes),
      ...sumMined(minutes),
      ...{ sealed, stored, waiting, backlog, oldestSeconds, events },
    },
    ...{ byParty, burst },
    settled: {
      minutes: settling,
      notAnchored: all.reduce((sum, { unanchored }) => sum + unanchored.length, 0),
      notFinal: all.reduce((sum, { finalSize, sealedSize }) => sum + sealedSize - finalSize, 0),
      notStored: all.reduce((sum, device) => sum + device.sealedSize - device.stored, 0),
    },
    ...{ metrics: said.metrics, errors: said.errors, warnings: said.warnings },
    failedEvents: service.ingest.failures,
    deadLetters: service.ingest.deadLetters,
  };
}

/** What lies in the bucket is checked in, as fast as the functions do. Each device's batches come in their order, all devices at once. */
async function checkInBurst(
  time: VirtualTime,
  service: FleetService,
  devices: readonly LightDevice[],
  each: number,
  tell: (key: string) => void,
): Promise<FleetResult['burst']> {
  if (each === 0) return null;
  const beganMs = time.nowMs();
  for (let number = 0; number < each; number++) for (const device of devices) tell(device.store());
  await time.passUntil(Number.MAX_SAFE_INTEGER, () => service.ingest.isIdle());
  const seconds = (time.nowMs() - beganMs) / 1000;
  const batches = each * devices.length;
  return { batches, seconds, perSecond: batches / seconds };
}

function faultsOf({ outage, outageOf, spike }: FleetOptions): Fault[] {
  const faults: Fault[] = [];
  if (outage !== null) {
    const span = { fromMs: outage.fromMinute * MINUTE_MS, untilMs: outage.untilMinute * MINUTE_MS, size: 1 };
    const ofChain = [{ kind: 'node-down' as const, id: 1, ...span, where: 'service' }];
    faults.push(...(outageOf === 'chain' ? ofChain : [{ kind: 'service-down' as const, id: 2, ...span, where: '' }]));
  }
  if (spike !== null) {
    const { fromMinute, untilMinute, factor } = spike;
    const span = { fromMs: fromMinute * MINUTE_MS, untilMs: untilMinute * MINUTE_MS };
    faults.push({ kind: 'fee-spike', id: 3, ...span, size: factor, where: '' });
  }
  return faults;
}

function sumMined(minutes: readonly FleetMinute[]): Mined {
  const sum = { rounds: 0, transactions: 0, gas: 0, feesGwei: 0 };
  for (const minute of minutes) for (const name of Object.keys(sum) as (keyof Mined)[]) sum[name] += minute[name];
  return sum;
}

/** Keeps how often what was said. */
function createCountingObserver() {
  const metrics: Record<string, number> = {};
  const errors: Record<string, number> = {};
  const warnings: Record<string, number> = {};
  const noteIn =
    (kept: Record<string, number>) =>
    (message: string, { error }: { readonly error?: unknown } = {}): void => {
      const what = error instanceof Error ? `${message}: ${error.name}: ${error.message}` : message;
      const known = what.slice(0, 200).replaceAll(/0x[0-9a-f]{64}/g, '0x…');
      kept[known] = (kept[known] ?? 0) + 1;
    };
  const observer: Observer = {
    info: () => undefined,
    warn: noteIn(warnings),
    error: noteIn(errors),
    count: (metric, value = 1) => {
      metrics[metric] = (metrics[metric] ?? 0) + value;
    },
    middleware: [],
  };
  return { metrics, errors, warnings, observer };
}
