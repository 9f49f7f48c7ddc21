import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { type CapturedBlock, type SealedBatch, sealBatch } from '../../core/batch/seal-batch.ts';
import { toHex } from '../../core/bytes.ts';
import { datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { type DatasetKind, ENCRYPTED, PLAIN } from '../../core/charter/kind.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import {
  type Address,
  type DatasetId,
  type DatasetKey,
  type LogRoot,
  NO_ACCOUNT,
  type PrivateKey,
} from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { EMPTY_PEAKS, type Peaks } from '../../core/log/peaks.ts';
import type {
  Anchor,
  ChainCharter,
  ChainDevice,
  EventScanner,
  Ledger,
  RecordedEvent,
  Recorder,
} from '../../core/ports/ledger.ts';
import type { Table } from '../../core/ports/table.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import type { ServicePorts } from '../../functions/ports.ts';
import { AgreementTurns } from '../../functions/state/agreement-turns.ts';
import { keepCharter } from '../../functions/state/dataset-entry.ts';
import type { S3ObjectEvent } from '../../local/s3/s3-event.ts';
import { startS3 } from '../../local/s3/start-s3.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../local/stack/start-dynalite.ts';
import { MemoryTable } from './memory-table.ts';
import { serviceSettings } from './service-settings.ts';
import { statedOwners } from './stated-owners.ts';

export const REGION = 'us-east-1';
export const BUCKET = 'segments';
export const DOMAIN: DisscDomain = { chainId: 31337, dissc: `0x${'d1'.repeat(20)}` as Address };

/** A chain of which a test says what it holds; everything else about it is DISSC's word. */
export class StatedLedger implements Ledger, EventScanner {
  readonly domain = DOMAIN;
  /** By the newest charter on the chain; a dataset that is not here has none there. */
  readonly devices = new Map<DatasetId, ChainDevice>();
  readonly heads = { latest: new Map<DatasetId, Head>(), final: new Map<DatasetId, Head>() };
  readonly recorded: RecordedEvent[] = [];
  readonly chartered: ChainCharter[] = [];
  reads = 0;
  down = false;

  async readHeads(datasets: readonly DatasetId[], anchor: Anchor) {
    this.#answer();
    const empty = (dataset: DatasetId): Head => ({ dataset, size: 0, root: new Uint8Array(32) as LogRoot });
    return { point: POINT, heads: datasets.map((dataset) => this.heads[anchor].get(dataset) ?? empty(dataset)) };
  }

  async readDevices(datasets: readonly DatasetId[]) {
    this.#answer();
    return { point: POINT, devices: datasets.map((dataset) => this.devices.get(dataset) ?? null) };
  }

  async findRecorded(dataset: DatasetId) {
    this.#answer();
    return this.recorded.filter((event) => event.dataset === dataset);
  }

  async findAllRecorded() {
    this.#answer();
    return this.recorded;
  }

  async findAllChartered() {
    this.#answer();
    return this.chartered;
  }

  async findChartered(query: { readonly dataset: DatasetId } | { readonly owner: Address }) {
    this.#answer();
    return this.chartered.filter((event) =>
      'dataset' in query ? event.dataset === query.dataset : event.charter.owner === query.owner,
    );
  }

  #answer() {
    this.reads++;
    if (this.down) throw new LedgerUnavailableError('The chain does not answer.');
  }
}

const POINT = { blockNumber: 1, blockHash: `0x${'00'.repeat(32)}`, timestampMs: 0 };

/** With what handlers make for themselves, for tests that call the operations beneath them: one process. */
export type ProcessPorts = ServicePorts & { readonly memory: SegmentMemory; readonly turns: AgreementTurns };

export interface StoresOptions {
  /** `served`: behind DynamoDB's protocol, where other processes reach it and requests are counted. */
  readonly table?: 'memory' | 'served';
}

/** A real object store on this machine, a table, a stated chain, and a clock that tests may move. */
export async function startStores(
  onEvent?: (event: S3ObjectEvent) => Promise<void>,
  { table: kind = 'memory' }: StoresOptions = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-functions-'));
  const s3Keys = { accessKey: 'PLTESTACCESSKEY0', secretKey: randomBytes(30).toString('base64url') };
  const events: S3ObjectEvent[] = [];
  const s3 = await startS3({
    dataDir: join(folder, 's3'),
    ...s3Keys,
    region: REGION,
    buckets: [BUCKET],
    onEvent: async (event) => {
      events.push(event);
      await onEvent?.(event);
    },
  });
  const served = kind === 'served' ? await serveTable() : null;
  const table = served?.table ?? new MemoryTable();
  const objects = createS3ObjectStore({
    region: REGION,
    bucket: BUCKET,
    endpoint: s3.endpoint,
    credentials: { accessKeyId: s3Keys.accessKey, secretAccessKey: s3Keys.secretKey },
  });
  const ledger = new StatedLedger();
  const owners = new Map<Address, number>();
  const lines: Record<string, unknown>[] = [];
  const woken = { times: 0 };
  // Stands still at `stoppedAtMs` where that is given.
  const clock = { offsetMs: 0, stoppedAtMs: null as number | null };
  const settings = serviceSettings({ authorities: ['api.plumbline.example'], chainId: DOMAIN.chainId });
  const nowMs = () => (clock.stoppedAtMs ?? Date.now()) + clock.offsetMs;
  const ports: ProcessPorts = {
    primitives: nodePrimitives,
    objects,
    table,
    owners: statedOwners(owners),
    ledger,
    // None of these functions records.
    recorder: null as unknown as Recorder,
    rounds: null as unknown as ServicePorts['rounds'],
    roundRecorder: null as unknown as ServicePorts['roundRecorder'],
    ...{ agreements: null, grants: null, grantRecorder: null, p2pfs: null },
    anchorQueue: {
      wake: async () => {
        woken.times++;
      },
    },
    settings: () => settings,
    runtime: { ...nodeRuntime, nowMs },
    ...{ memory: new SegmentMemory(), turns: new AgreementTurns() },
    observer: createLineObserver((line) => lines.push(line)),
  };
  return {
    ...{ folder, s3, s3Keys, events, table, objects, ledger, owners, lines, woken, clock, ports },
    /** Of a served table. */
    get dynaliteEndpoint(): string {
      if (served === null) throw new Error('The table is one of this process: start the stores with a served one.');
      return served.endpoint;
    },
    async close() {
      objects.close();
      await s3.close();
      await served?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Stores = Awaited<ReturnType<typeof startStores>>;

async function serveTable() {
  const { endpoint, stop } = await startDynalite({ folder: null });
  const client = createDynamoClient({ region: REGION, endpoint, credentials: DYNALITE_CREDENTIALS });
  await createTable(client, 'plumbline');
  return {
    endpoint,
    table: createDynamoTable({ client, tableName: 'plumbline' }) as Table,
    async stop(): Promise<void> {
      client.destroy();
      await stop();
    },
  };
}

interface TestDeviceOptions {
  readonly quotaBytes?: number;
  readonly plain?: boolean;
  /** Of an owner who has other datasets; else a new one. */
  readonly ownerKey?: PrivateKey;
}

let lastSerial = 1_790_000_000;

/** A dataset of an owner, with the device that writes it. */
export class TestDevice {
  readonly dataset: DatasetId;
  readonly ownerKey: PrivateKey;
  readonly owner: Address;
  deviceKey: PrivateKey;
  readonly datasetKey = new Uint8Array(randomBytes(32)) as DatasetKey;
  readonly kind: DatasetKind;
  /** The first: the chain does not have it. */
  readonly charter: SignedCharter;
  /** Of the device that writes. */
  serial: number;
  end: Peaks = EMPTY_PEAKS;

  private constructor(kind: DatasetKind, ownerKey: PrivateKey) {
    this.kind = kind;
    this.ownerKey = ownerKey;
    this.owner = accountOfKey(ownerKey);
    this.deviceKey = key();
    this.serial = ++lastSerial;
    const charter = {
      ...{ owner: this.owner, name: encodeDatasetName(toHex(new Uint8Array(randomBytes(8)))), kind },
      ...{ device: accountOfKey(this.deviceKey), anchorer: NO_ACCOUNT, serial: this.serial, from: 0 },
    };
    this.charter = { ...charter, signature: signCharter(DOMAIN, charter, this.ownerKey) };
    this.dataset = datasetOfCharter(DOMAIN, charter);
  }

  /** One whose owner is served, and has shown its charter. */
  static async open(
    stores: Pick<Stores, 'table' | 'owners'>,
    { quotaBytes = 2 ** 40, plain = false, ownerKey = key() }: TestDeviceOptions = {},
  ): Promise<TestDevice> {
    const device = new TestDevice(plain ? PLAIN : ENCRYPTED, ownerKey);
    stores.owners.set(device.owner, quotaBytes);
    await keepCharter(stores.table, device.dataset, { charter: device.charter, onChain: false });
    return device;
  }

  /** The owner names another device, on the chain, which writes from a block on. */
  replace(stores: Pick<Stores, 'ledger'>, { deviceKey = key(), from = this.end.size } = {}): void {
    this.deviceKey = deviceKey;
    this.serial = ++lastSerial;
    const device = accountOfKey(deviceKey);
    const { signature: _, ...first } = this.charter;
    const charter = { ...first, device, serial: this.serial, from };
    const place = { blockNumber: 1, logIndex: stores.ledger.chartered.length, txHash: `0x${'cc'.repeat(32)}` };
    stores.ledger.devices.set(this.dataset, { device, serial: this.serial });
    stores.ledger.chartered.push({ dataset: this.dataset, charter, ...place });
  }

  /** Seals the next batch; with `stay`, the log's end stays, so that the next one is a rival. */
  seal(captured: readonly CapturedBlock[], options: { stay?: boolean; deviceKey?: PrivateKey } = {}): SealedBatch {
    const writer = {
      ...{ dataset: this.dataset, datasetKey: this.datasetKey, deviceKey: options.deviceKey ?? this.deviceKey },
      ...{ domain: DOMAIN, kind: this.kind, serial: this.serial },
    };
    const sealed = sealBatch(nodePrimitives, writer, this.end, captured, new Uint8Array(randomBytes(16)));
    if (options.stay !== true) this.end = sealed.end;
    return sealed;
  }
}

export function key(): PrivateKey {
  return new Uint8Array(randomBytes(32)) as PrivateKey;
}

/** Blocks of these sizes, random bytes, captured a second apart. */
export function blocks(sizes: readonly number[], fromMs = 1_700_000_000_000): CapturedBlock[] {
  return sizes.map((size, i) => ({ content: new Uint8Array(randomBytes(size)), meta: { at: fromMs + 1000 * i } }));
}

/** Puts bytes where the service would have them put, past the service. */
export async function putObject(stores: Pick<Stores, 'objects' | 'ports'>, key: string, bytes: Uint8Array) {
  const sha256 = nodePrimitives.sha256(bytes);
  const { url, headers } = await stores.objects.presignPut({ key, sizeBytes: bytes.length, sha256 }, 60);
  const response = await fetch(url, { method: 'PUT', headers, body: bytes as Uint8Array<ArrayBuffer> });
  if (!response.ok) throw new Error(`PUT ${response.status}: ${await response.text()}`);
}

/** Everything of one partition, as the table has it. */
export async function dump(table: Table, pk: string) {
  const { items } = await table.query(pk, { from: ' ', to: '~', limit: 10_000 });
  return items;
}
