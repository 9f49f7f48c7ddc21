import { join } from 'node:path';
import type { DatasetWriter } from '../../../core/batch/seal-batch.ts';
import { datasetOfCharter, signCharter } from '../../../core/charter/charter.ts';
import { encodeDatasetName } from '../../../core/charter/dataset-name.ts';
import { type DatasetKind, ENCRYPTED, PLAIN } from '../../../core/charter/kind.ts';
import { type Address, type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../../core/ids.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import { DEFAULT_DEVICE_OPTIONS, type DeviceOptions } from '../../../device/device-options.ts';
import { createLineObserver } from '../../../functions/observe/line-observer.ts';
import { DEFAULT_GRANT_POLICY } from '../../../functions/ports.ts';
import { ModelChain } from '../chain/model-chain.ts';
import { createNode } from '../chain/model-node.ts';
import { createFileWriter } from '../device/file-folder.ts';
import { createLineWriter, faultsOfBoth, type LineWriting } from '../device/line-stream.ts';
import { runLives, type SimulatedDevice } from '../device/run-lives.ts';
import type { Restored, Writing } from '../device/writing.ts';
import type { Fault } from '../faults/fault.ts';
import { type FaultWatch, watchFaults } from '../faults/fault-watch.ts';
import type { OwnerWorld } from '../owner/judge-log.ts';
import { openOcasc, PURSE_WEI, SALE_SETTINGS } from '../sale/sale-world.ts';
import { type SimulatedSale, startSale } from '../sale/start-sale.ts';
import { createMemoryBucket, type MemoryBucket } from '../service/memory-bucket.ts';
import { createMemoryTable, type MemoryTable } from '../service/memory-table.ts';
import { AUTHORITY, reachService } from '../service/reach-service.ts';
import { runService, type SimulatedService } from '../service/run-service.ts';
import { createStandingGrant } from '../service/standing-grant.ts';
import { holdForWebCrypto } from '../time/hold-webcrypto.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import { VirtualTime } from '../time/virtual-time.ts';

/** Everything that one seed makes. */
export interface World {
  readonly time: VirtualTime;
  readonly startMs: number;
  readonly random: SeededRandom;
  readonly faults: FaultWatch;
  readonly chain: ModelChain;
  readonly table: MemoryTable;
  readonly bucket: MemoryBucket;
  readonly service: SimulatedService;
  /** The device, and where its card was copied the other one. */
  readonly devices: readonly SimulatedDevice[];
  /** Has another device begin with a copy of the card; false where that cannot be now. */
  clone(random: SeededRandom): boolean;
  /** What is wrong with what came back of everything that was written. */
  faultsOf(blocks: readonly Restored[], isWhole: boolean): string[];
  readonly owner: OwnerWorld;
  /** Null in seeds without one. */
  readonly sale: SimulatedSale | null;
}

const START_MS = Date.UTC(2026, 10, 29);
const DOMAIN = { chainId: 31_337, dissc: `0x${'d1'.repeat(20)}` as Address };
const LAST_LINE_MS = 30 * 60_000;
/**
 * Two with one key write in turn when all has long been well, too: each must have noticed the other then. One that has nothing to
 * seal does not look.
 */
const LATE_MS = { original: [55, 69], clone: [62, 76] } as const;
const atMinute = (minute: number): number => START_MS + minute * 60_000;
const QUOTA_BYTES = 2 ** 40;

export function buildWorld(made: {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly plan: readonly Fault[];
  readonly folder: string;
  readonly trace: string[];
  readonly fail: (what: string) => void;
  readonly hasSale: boolean;
}): World {
  const { seed, random, plan, folder, trace, fail, hasSale } = made;
  const time = new VirtualTime(START_MS);
  const faults = watchFaults(time, START_MS, seed, plan);
  const note = (who: string, what: object): void => {
    // Errors name the outbox's folder, which every run has another of.
    trace.push(`${time.nowMs() - START_MS} ${who} ${JSON.stringify(what).replaceAll(folder, '')}`);
  };
  const key = (name: string): PrivateKey => random.fork(`key of ${name}`).bytes(32) as PrivateKey;

  const saleKeys = { owner: key('owner'), agent: key('agent'), consumer: key('consumer') };
  const purses = Object.values(saleKeys).map((one) => [accountOfKey(one), PURSE_WEI] as const);

  const chain = new ModelChain(time, faults, {
    domain: DOMAIN,
    blockMs: random.pick([2_000, 12_000]),
    finalDepth: random.between(2, 40),
    ...(hasSale ? { sales: { settings: SALE_SETTINGS, balances: new Map(purses) } } : {}),
  });
  const nodeOf = (of: string) => createNode({ time, chain, faults, random: random.fork(`node of ${of}`), of });
  const [deviceNode, serviceNode, ownerNode] = ['device', 'service', 'owner'].map(nodeOf) as [Node, Node, Node];

  const table = createMemoryTable(time, faults, random.fork('table'));
  const bucket = createMemoryBucket(time, faults, random.fork('bucket'), (stored) => service.noteStored(stored));
  const [ownerKey, deviceKey, relayerKey] = [key('owner'), key('device'), key('relayer')];
  const [owner, relayer] = [accountOfKey(ownerKey), accountOfKey(relayerKey)];
  const kind = random.pick<DatasetKind>([ENCRYPTED, PLAIN]);
  const datasetKey = random.fork('dataset key').bytes(32) as DatasetKey;
  const serial = START_MS / 1000;
  const unsigned = {
    ...{ owner, name: encodeDatasetName('readings'), kind, device: accountOfKey(deviceKey) },
    ...{ anchorer: NO_ACCOUNT, serial, from: 0 },
  };
  const charter = { ...unsigned, signature: signCharter(DOMAIN, unsigned, ownerKey) };
  const dataset = datasetOfCharter(DOMAIN, charter);
  const writer: DatasetWriter = { dataset, kind, serial, datasetKey, deviceKey, domain: DOMAIN };

  const settings = {
    ...{ chainId: DOMAIN.chainId, authorities: [AUTHORITY] },
    ...{ cssAccount: relayer, grants: DEFAULT_GRANT_POLICY, fromBlock: 0 },
    recordEveryMs: random.pick([0, 60_000]),
    roundEveryMs: 60_000,
  };
  const saleParts = { time, chain, faults, settings: SALE_SETTINGS, random: random.fork('sale') };
  const sales = hasSale ? openOcasc(saleParts, 'service') : null;
  const service = runService(
    {
      ...{ objects: bucket.objects, table, ledger: serviceNode.ledger, recorder: serviceNode.recorderOf(relayer) },
      ...{ rounds: serviceNode.rounds, roundRecorder: serviceNode.roundRecorderOf(relayer) },
      ...{ agreements: sales?.market ?? null, p2pfs: null, settings: () => settings },
      ...(hasSale
        ? createStandingGrant(serviceNode.ledger, { owner, css: relayer, dataset })
        : { grants: null, grantRecorder: null }),
      // Not in the table, which the plan may lose: the operator would name them again.
      owners: { quotasOf: async (asked) => asked.map((one) => (one === owner ? QUOTA_BYTES : null)) },
      observer: createLineObserver(({ level, message, error: _, ...rest }) => {
        if (level !== 'metric' && message !== 'request') note('service', { message, ...rest });
      }),
    },
    { time, faults, random: random.fork('service') },
  );
  const network = { time, faults, random: random.fork('network'), service };

  const lastMs = START_MS + LAST_LINE_MS;
  const files = random.chance(0.3)
    ? createFileWriter(time, random.fork('files'), faults, { files: random.between(2, 8), lastMs })
    : null;
  const lines: LineWriting | null =
    files === null
      ? createLineWriter(time, random.fork('lines'), {
          ...{ lines: random.between(4, 24), lastMs },
          lateMs: plan.some(({ kind: one }) => one === 'clone') ? LATE_MS.original.map(atMinute) : [],
        })
      : null;
  const device = runLives({
    ...{ time, startMs: START_MS, faults, random: random.fork('device'), folder, fail },
    ...{ writer, account: charter.device, charter, options: drawOptions(random.fork('options')) },
    ...{ writing: (files ?? lines) as Writing, losesPower: true },
    ledger: deviceNode.ledger,
    recorder: random.chance(0.5) ? deviceNode.recorderOf(charter.device) : null,
    transfer: bucket.transfer,
    serviceFor: (runtime) => reachService(network, { key: deviceKey, chainId: DOMAIN.chainId, runtime }),
    onEvent: (event) => note('device', event),
  });
  const devices = [device];
  let copied: { readonly writing: LineWriting; readonly commonBytes: number } | null = null;
  const ownerRuntime = time.runtimeOf({ random: random.fork('owner').next });
  const ownerWorld: OwnerWorld = {
    ...{ dataset, datasetKey, ledger: ownerNode.ledger, transfer: bucket.transfer, random: random.fork('owner') },
    service: reachService(network, { key: ownerKey, chainId: DOMAIN.chainId, runtime: ownerRuntime }),
  };
  if (hasSale) holdForWebCrypto(time);
  const sale = hasSale
    ? startSale(
        {
          ...{
            ...saleParts,
            startMs: START_MS,
            folder,
            dataset,
            name: unsigned.name,
            kind,
            serial,
            datasetKey,
            ownerKey,
          },
          ...{ transfer: bucket.transfer, note, fail },
          ledgerOf: (of) => nodeOf(of).ledger,
          serviceFor: (by, runtime, agreement) =>
            reachService(network, { key: by, chainId: DOMAIN.chainId, runtime, agreement }),
        },
        saleKeys,
      )
    : null;
  return {
    ...{ time, startMs: START_MS, random, faults, chain, table, bucket, service, devices, owner: ownerWorld, sale },
    clone(cloneRandom) {
      // What is damaged on one card would be missing on both.
      if (lines === null || copied !== null || faults.counts['outbox-rots'] !== undefined) return false;
      let writing: LineWriting | null = null;
      let commonBytes = 0;
      const clone = device.clone(join(folder, 'clone'), ({ streamBytes }) => {
        commonBytes = streamBytes;
        const before = lines.text.subarray(0, commonBytes);
        const lateMs = LATE_MS.clone.map(atMinute);
        const more = { lines: cloneRandom.between(1, 6), lastMs, lateMs, name: 'clone ', before };
        writing = createLineWriter(time, cloneRandom.fork('lines'), more);
        return writing;
      });
      if (clone === null || writing === null) return false;
      copied = { writing, commonBytes };
      devices.push(clone);
      return true;
    },
    faultsOf(blocks, isWhole) {
      if (lines === null || copied === null) return device.writing.faultsOf(blocks, isWhole);
      return isWhole ? faultsOfBoth(lines, copied.writing, copied.commonBytes, blocks) : [];
    },
  };
}

type Node = ReturnType<typeof createNode>;

/** As a person would set it, but polling more rarely: each look is a request that is signed and verified. */
function drawOptions(random: SeededRandom): DeviceOptions {
  const maxAgeMs = random.pick([10_000, 120_000, 300_000]);
  return {
    ...DEFAULT_DEVICE_OPTIONS,
    batch: { maxBlocks: random.pick([2, 8, 1024]), maxBytes: 2 ** 20, maxAgeMs },
    followEveryMs: 10_000,
    uploadsAtOnce: random.between(1, 3),
    recordEveryMs: random.pick([10_000, 120_000]),
  };
}
