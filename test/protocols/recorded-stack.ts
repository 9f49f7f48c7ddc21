import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscParty } from '../../adapters/ethereum/asc-party.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { createOcascLedger } from '../../adapters/ethereum/ocasc-ledger.ts';
import { createOcascParty } from '../../adapters/ethereum/ocasc-party.ts';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { authoriseCss } from '../../client/sale/authorise-css.ts';
import type { ServiceTarget } from '../../client/service/call-service.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import {
  type Charter,
  datasetOfCharter,
  nextSerial,
  type SignedCharter,
  signCharter,
} from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import { type Address, address, type DatasetId, type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import type { StackFile } from '../../core/wire/stack-file.ts';
import { createDeviceClock } from '../../device/clock.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../../device/device-options.ts';
import { openOutbox } from '../../device/outbox/open-outbox.ts';
import { runDevice } from '../../device/run-device.ts';
import { readLines } from '../../device/sources/read-lines.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { createTableOwners } from '../../functions/state/table-owners.ts';
import { admitToStack } from '../../local/admit-to-stack.ts';
import { startHost } from '../../local/host/start-host.ts';
import { fund, keeperOf } from '../../local/stack/fund.ts';
import { openStackFolder } from '../../local/stack-folder.ts';
import { startStack } from '../../local/start-stack.ts';

/** Blocks of a dataset, four a batch, all of one size but for one of three chunks. */
export const BLOCKS = 12;
export const LARGE_BLOCK = 5;
/** As it is stored: encrypted, with its tag. */
export const SMALL_BLOCK_BYTES = 60 + 16;
export const PER_RECORD_WEI = 1_000n;
export const FUEL_WEI = 10_000n;
export const FUNDS_WEI = 10n ** 20n;

export interface StackDataset {
  readonly ownerKey: PrivateKey;
  readonly owner: Address;
  readonly deviceKey: PrivateKey;
  readonly dataset: DatasetId;
  readonly datasetKey: DatasetKey;
  /** Names the device; the first of the dataset. */
  readonly charter: SignedCharter;
  readonly grant: GrantId;
  /** What the device captured, block by block. */
  readonly contents: readonly Uint8Array[];
}

/** The embedded stack in this process, with one or more datasets that devices have recorded through it, each its own owner's or all one's. */
export async function startRecordedStack(datasets: number, blocks = BLOCKS, { oneOwner = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-protocols-'));
  const stackFolder = join(folder, 'stack');
  const stack = await startStack({ folder: stackFolder, blockTimeMs: 100 });
  const closers: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true }), () => stack.stop()];
  const close = async (): Promise<void> => {
    for (let end = closers.pop(); end !== undefined; end = closers.pop()) await end();
  };
  try {
    const file = JSON.parse(await readFile(join(stackFolder, 'stack.json'), 'utf8')) as StackFile;
    const { rpcUrl, chainId, apiUrl } = file;
    const contracts = {
      dissc: address(file.contracts.DISSC),
      ocasc: address(file.contracts.OCASC as string),
      asc: address(file.contracts.ASC as string),
    };
    const chain = { rpcUrl, chainId, ...contracts };
    const rpc = createJsonRpc(keeperOf(file));
    const as = (key: PrivateKey) => {
      const options = { ...chain, signer: createKeySigner(key) };
      return {
        account: accountOfKey(key),
        grants: createAscParty(options),
        agreements: createOcascParty(options),
      };
    };
    const funded = async (): Promise<PrivateKey> => {
      const key = newKey();
      await fund(rpc, accountOfKey(key), FUNDS_WEI);
      return key;
    };
    const clientOf = (key: PrivateKey, change: Partial<ServiceTarget> = {}) =>
      createStorageServiceClient({
        runtime: nodeRuntime,
        ...{ apiUrl, chainId, account: accountFrom(key) },
        ...change,
      });
    const ledger = createDisscLedger(chain);
    const objectsFolder = join(stackFolder, 'objects', 'buckets', file.bucket);
    const common = { chain, rpc, file, folder: stackFolder, as, funded, clientOf, ledger, contracts, apiUrl };
    const theOwner = oneOwner ? await funded() : null;
    let before: Promise<unknown> = Promise.resolve();
    const made = await Promise.all(
      Array.from({ length: datasets }, async (_, i): Promise<StackDataset> => {
        const [ownerKey, deviceKey] = [theOwner ?? (await funded()), newKey()];
        // One account sends one transaction after the other.
        const turn = oneOwner ? before.then(() => openDataset(common, ownerKey, deviceKey)) : null;
        before = turn ?? before;
        const opened = await (turn ?? openDataset(common, ownerKey, deviceKey));
        const dataset = { ...opened, contents: makeContents(blocks, i) };
        await runDeviceOf(common, dataset, join(folder, `outbox-${i}.sqlite`));
        return dataset;
      }),
    );
    return {
      ...common,
      datasets: made,
      grants: createAscLedger(chain),
      market: createOcascLedger(chain),
      /** Paths of the dataset's stored segments, in order. */
      async segmentPaths({ dataset }: Pick<StackDataset, 'dataset'>): Promise<string[]> {
        const entries = await readdir(join(objectsFolder, dataset.slice(2)), { recursive: true });
        const cars = entries.filter((name) => name.endsWith('.car@data')).sort();
        return cars.map((name) => join(objectsFolder, dataset.slice(2), name));
      },
      /** The bucket, through another endpoint where one is given. */
      bucket(endpoint = file.s3Endpoint, timeoutMs = 15_000) {
        const store = createS3ObjectStore({
          ...{ region: 'us-east-1', bucket: file.bucket, endpoint, timeoutMs },
          credentials: { accessKeyId: file.s3AccessKey, secretAccessKey: file.s3SecretKey },
        });
        closers.push(async () => store.close());
        return store;
      },
      /**
       * The same functions on the same stores in another host, which reads the chain at `rpcUrl` and has a clock of its own.
       * It records nothing.
       */
      async anotherHost(options: { readonly rpcUrl?: string; readonly nowMs?: () => number }): Promise<string> {
        const { operatorKey } = await openStackFolder(stackFolder);
        const client = createDynamoClient({
          ...{ region: 'us-east-1', endpoint: file.tableEndpoint },
          credentials: { accessKeyId: file.tableAccessKey, secretAccessKey: file.tableSecretKey },
        });
        const table = createDynamoTable({ client, tableName: 'plumbline' });
        const seen = { ...chain, rpcUrl: options.rpcUrl ?? rpcUrl, timeoutMs: 1500 };
        const objects = this.bucket();
        const host = await startHost({
          ports: {
            ...{ primitives: nodePrimitives, objects, grantRecorder: null, p2pfs: null },
            runtime: { ...nodeRuntime, nowMs: options.nowMs ?? Date.now },
            table,
            owners: createTableOwners({ table, runtime: nodeRuntime }),
            ledger: createDisscLedger(seen),
            recorder: createDisscRecorder({ ...chain, signer: createKeySigner(operatorKey) }),
            rounds: createDisscRounds(chain),
            roundRecorder: createDisscRoundRecorder({ ...chain, signer: createKeySigner(operatorKey) }),
            agreements: createOcascLedger(seen),
            grants: createAscLedger(seen),
            observer: createLineObserver(() => {}),
          },
          lambda: null,
          anchorEveryMs: 2 ** 31 - 1,
        });
        closers.push(async () => client.destroy());
        closers.push(() => host.close());
        return host.apiUrl;
      },
      /** Closed with the stack. */
      ending(end: () => Promise<void>): void {
        closers.push(end);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

export type RecordedStack = Awaited<ReturnType<typeof startRecordedStack>>;
type Common = Pick<RecordedStack, 'chain' | 'as' | 'clientOf' | 'ledger' | 'file' | 'folder'>;

export function newKey(): PrivateKey {
  return new Uint8Array(randomBytes(32)) as PrivateKey;
}

export function accountFrom(key: PrivateKey): ServiceTarget['account'] {
  return { address: accountOfKey(key), signMessage: (message) => signMessage(key, message) };
}

/** Changes the stored bytes of a dataset's blocks behind the service's back. @returns what undoes it */
export async function damage(
  stack: RecordedStack,
  dataset: Pick<StackDataset, 'dataset'>,
  change: (block: (index: number) => Uint8Array) => void,
): Promise<() => Promise<void>> {
  const paths = await stack.segmentPaths(dataset);
  const before = await Promise.all(paths.map(async (path) => new Uint8Array(await readFile(path))));
  const after = before.map((bytes) => Uint8Array.from(bytes));
  change((index) => {
    for (const [number, bytes] of before.entries()) {
      const { manifest, offsets } = readSegment(nodePrimitives, bytes);
      const place = index - manifest.first;
      const block = manifest.blocks[place];
      if (block !== undefined) {
        const start = offsets[place] as number;
        return (after[number] as Uint8Array).subarray(start, start + block.size);
      }
    }
    throw new Error(`Block ${index} is not stored.`);
  });
  const write = (all: readonly Uint8Array[]) =>
    Promise.all(all.map((bytes, number) => writeFile(paths[number] as string, bytes)));
  await write(after);
  return async () => void (await write(before));
}

export function flipBit(bytes: Uint8Array): void {
  bytes[7] = (bytes[7] as number) ^ 1;
}

export function exchange(one: Uint8Array, other: Uint8Array): void {
  const kept = Uint8Array.from(one);
  one.set(other);
  other.set(kept);
}

/** Asks until the answer is not null. */
export async function until<T>(what: string, ask: () => T | null | Promise<T | null>, limitMs = 30_000): Promise<T> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > endMs) throw new Error(`${what} did not come within ${limitMs} ms.`);
    await sleep(50);
  }
}

function makeContents(blocks: number, salt: number): Uint8Array[] {
  return Array.from({ length: blocks }, (_, i) =>
    utf8(`${`reading ${salt}.${i} `.padEnd(i === LARGE_BLOCK ? 2999 : SMALL_BLOCK_BYTES - 17, 'x')}\n`),
  );
}

/** Signs a dataset's charter, shows it, and authorises the storage, with fuel: what is recorded then is paid for. */
async function openDataset(stack: Common, ownerKey: PrivateKey, deviceKey: PrivateKey) {
  const party = stack.as(ownerKey);
  await admitToStack(stack.file, party.account, 2 ** 30);
  const { chainId, dissc } = stack.chain;
  const name = encodeDatasetName(toHex(randomBytes(8)));
  const unsigned: Charter = {
    owner: party.account,
    name,
    kind: ENCRYPTED,
    device: accountOfKey(deviceKey),
    anchorer: NO_ACCOUNT,
    serial: nextSerial(Math.floor(Date.now() / 1000), null),
    from: 0,
  };
  const charter = { ...unsigned, signature: signCharter({ chainId, dissc }, unsigned, ownerKey) };
  const dataset = datasetOfCharter({ chainId, dissc }, charter);
  await stack.clientOf(ownerKey).putCharter(dataset, charter);
  const { grant } = await authoriseCss(
    { grants: createAscLedger(stack.chain), party: party.grants, fromBlock: 0, runtime: nodeRuntime },
    { name, kind: ENCRYPTED },
    {
      ...{ dataset, css: address(stack.file.operator), perRecordWei: PER_RECORD_WEI, first: 0, count: 1000 },
      ...{ digests: true, blocks: true, maxBlocks: 4096, windowSeconds: 60, intervalSeconds: 0 },
      untilSeconds: Math.floor(Date.now() / 1000) + 86_400,
    },
    { fuelWei: FUEL_WEI, waitMs: 30_000 },
  );
  if (grant.state !== 'accepted') throw new Error(`The grant is ${grant.state}.`);
  const datasetKey = new Uint8Array(randomBytes(32)) as DatasetKey;
  return { ownerKey, owner: party.account, deviceKey, dataset, datasetKey, charter, grant: grant.id };
}

/** Tables II to V, recording, as a device does it: returns when all of it is recorded, final and checked. */
async function runDeviceOf(stack: Common, made: StackDataset, outboxPath: string): Promise<void> {
  const { dataset, datasetKey, deviceKey, charter, contents } = made;
  const { kind, serial } = charter;
  const { chainId, dissc } = stack.chain;
  const account = accountOfKey(deviceKey);
  const outbox = openOutbox(outboxPath, { dataset, account, kind });
  const lines = Readable.from([Buffer.concat(contents)]);
  try {
    const isDone = await runDevice(
      {
        ...{
          primitives: nodePrimitives,
          outbox,
          account,
          runtime: nodeRuntime,
          transfer: nodeTransfer,
          clock: createDeviceClock(nodeRuntime),
          report: () => {},
        },
        charter,
        writer: { dataset, kind, serial, datasetKey, deviceKey, domain: { chainId, dissc } },
        source: readLines(lines, 'lines', 4096),
        service: stack.clientOf(deviceKey),
        ledger: stack.ledger,
      },
      {
        ...DEFAULT_DEVICE_OPTIONS,
        ...{ batch: { maxBlocks: 4, maxBytes: 2 ** 20, maxAgeMs: 50 }, followEveryMs: 100, untilIdle: true },
      },
      AbortSignal.timeout(60_000),
    );
    if (!isDone) throw new Error('The device did not come to an end.');
  } finally {
    outbox.close();
  }
}
