import assert from 'node:assert/strict';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { type AccountSigner, createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createAscLedger } from '../../adapters/ethereum/asc-ledger.ts';
import { createAscRecorder } from '../../adapters/ethereum/asc-recorder.ts';
import { deployContracts, deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscOwner } from '../../adapters/ethereum/dissc-owner.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { type DatasetWriter, type SealedBatch, sealBatch } from '../../core/batch/seal-batch.ts';
import { equalBytes, toHex, u32 } from '../../core/bytes.ts';
import { type Charter, datasetOfCharter, type SignedCharter, signCharter } from '../../core/charter/charter.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../core/charter/kind.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import { type Address, type DatasetId, type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import { EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { rebuildPeaks } from '../../core/log/rebuild-peaks.ts';
import type { RecordCall, Update } from '../../core/ports/ledger.ts';
import type { DatedLister, ObjectRemover, ObjectStore, ObjectWriter } from '../../core/ports/object-store.ts';
import type { AnchorPorts } from '../../functions/anchor/anchor-ports.ts';
import { type AnchorSettings, DEFAULT_ANCHOR_SETTINGS } from '../../functions/anchor/anchor-settings.ts';
import { anchorDatasets } from '../../functions/anchor.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import type { GrantPolicy, ServiceSettings } from '../../functions/ports.ts';
import { keepCharter } from '../../functions/state/dataset-entry.ts';
import { admitOwner } from '../../functions/state/owner-entry.ts';
import { createTableOwners } from '../../functions/state/table-owners.ts';
import { fund } from '../../local/stack/fund.ts';
import { startAnvil } from '../../local/stack/start-anvil.ts';
import { MemoryTable } from './memory-table.ts';
import { serviceSettings } from './service-settings.ts';

const ETHER = 10n ** 18n;

/** An account whose key the test has. */
export type TestAccount = AccountSigner & { readonly key: PrivateKey };

/** One device's log, as the test writes it. */
export interface TestDataset {
  readonly id: DatasetId;
  readonly owner: TestAccount;
  /** The owner's newest, whether it was sent or not; and the first. */
  charter: SignedCharter;
  readonly first: SignedCharter;
  writer: DatasetWriter;
  end: Peaks;
}

export interface Noted {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export type LogFixture = Awaited<ReturnType<typeof createLogFixture>>;

/** A chain that mines only when told to, a table, DISSC, and a service that stores what the test seals. */
export async function createLogFixture() {
  const anvil = await startAnvil({ stateFile: null, mining: 'manual' });
  const chain = { rpcUrl: anvil.rpcUrl, chainId: anvil.chainId };
  const rpc = createJsonRpc(chain);

  const newKey = () => nodePrimitives.randomBytes(32) as PrivateKey;
  const newAccount = async (): Promise<TestAccount> => {
    const key = newKey();
    const signer = createKeySigner(key);
    await fund(rpc, signer.account, 1000n * ETHER);
    return { ...signer, key };
  };
  const owner = await newAccount();
  const mine = async (blocks = 1): Promise<void> => {
    for (let i = 0; i < blocks; i++) await rpc.call('evm_mine', []);
  };
  await rpc.call('evm_setAutomine', [true]);
  const dissc = disscAddress();
  const ascDeployable = deployableAsc({ dissc });
  await deployContracts({ ...chain, signer: owner }, [DISSC, ascDeployable]);
  await rpc.call('evm_setAutomine', [false]);
  const asc = deployedAddress(ascDeployable);
  const ledger = createDisscLedger({ ...chain, dissc });
  const grants = createAscLedger({ ...chain, asc });

  return {
    rpc,
    ledger,
    owner,
    mine,
    grants,
    chain: { ...chain, dissc, asc },

    /** An account with funds that has nothing to do with the others. */
    newAccount,

    /** Mines with every transaction, or only when told to. */
    async automine(on: boolean): Promise<void> {
      await rpc.call('evm_setAutomine', [on]);
    },

    async mineAtBaseFee(gwei: number): Promise<void> {
      await rpc.call('anvil_setNextBlockBaseFeePerGas', [`0x${(BigInt(gwei) * 10n ** 9n).toString(16)}`]);
      await mine();
    },

    /** A service of its own: an empty table, a relayer with funds; with a policy, one that accepts grants. */
    async service(
      settings: Partial<AnchorSettings> = {},
      balanceWei = 100n * ETHER,
      policy: GrantPolicy | null = null,
    ) {
      const table = new MemoryTable();
      await admitOwner(table, { owner: owner.account, quotaBytes: 2 ** 40 });
      const relayer = createKeySigner(newKey());
      await fund(rpc, relayer.account, balanceWei);
      const recorder = createDisscRecorder({ ...chain, dissc, signer: relayer });
      const served = serviceSettings({
        ...(policy === null ? {} : { cssAccount: relayer.account, grants: policy }),
      });
      const grantRecorder = createAscRecorder({ ...chain, asc, signer: relayer });
      const throughAsc = policy === null ? { grants: null, grantRecorder: null } : { grants, grantRecorder };
      const rounds = createDisscRounds({ ...chain, dissc });
      const roundRecorder = createDisscRoundRecorder({ ...chain, dissc, signer: relayer });
      const parts = { ledger, table, recorder, rounds, roundRecorder, ...throughAsc };
      return createService({ ...chain, dissc }, parts, served, settings, relayer);
    },

    /** A dataset of the owner's, or of another. Nothing is sent for that. */
    openDataset: (options: { owner?: TestAccount; anchorer?: Address } = {}): TestDataset =>
      openTestDataset(ledger.domain, options.owner ?? owner, options.anchorer),

    /** The owner names another device, on the chain: it writes from the log's end, or from another block. */
    async replaceDevice(dataset: TestDataset, from = dataset.end.size): Promise<void> {
      const deviceKey = newKey();
      const device = createKeySigner(deviceKey).account;
      const { serial: _, signature: __, ...same } = dataset.charter;
      dataset.charter = sign(ledger.domain, { ...same, device, from }, dataset.owner);
      dataset.writer = { ...dataset.writer, serial: dataset.charter.serial, deviceKey };
      await rpc.call('evm_setAutomine', [true]);
      await createDisscOwner({ ...chain, dissc, signer: dataset.owner }).recordCharters([dataset.charter]);
      await rpc.call('evm_setAutomine', [false]);
    },

    /** The owner names another anchorer, on the chain, which has all that it has said of the dataset then. */
    async nameAnchorer(dataset: TestDataset, anchorer: Address): Promise<void> {
      const { serial: _, signature: __, ...same } = dataset.charter;
      dataset.charter = sign(ledger.domain, { ...same, anchorer }, dataset.owner);
      await rpc.call('evm_setAutomine', [true]);
      const sender = createDisscOwner({ ...chain, dissc, signer: dataset.owner });
      await sender.recordCharters([dataset.first, dataset.charter]);
      await rpc.call('evm_setAutomine', [false]);
    },

    fund: (account: Address) => fund(rpc, account, 100n * ETHER),

    async assertEmpty(dataset: TestDataset): Promise<void> {
      assert.equal((await ledger.readHeads([dataset.id], 'latest')).heads[0]?.size, 0);
    },

    async assertRecorded(dataset: TestDataset, anchor: 'latest' | 'final' = 'latest'): Promise<void> {
      const { heads } = await ledger.readHeads([dataset.id], anchor);
      assert.equal(heads[0]?.size, dataset.end.size);
      assert.deepEqual(heads[0]?.root, rootOfPeaks(nodePrimitives, dataset.end));
    },

    stop: () => anvil.stop(),
  };
}

/** A dataset by its owner's signature alone. */
export function openTestDataset(domain: DisscDomain, owner: TestAccount, anchorer: Address = NO_ACCOUNT): TestDataset {
  const deviceKey = nodePrimitives.randomBytes(32) as PrivateKey;
  const name = encodeDatasetName(toHex(nodePrimitives.randomBytes(8)));
  const device = createKeySigner(deviceKey).account;
  const charter = sign(domain, { owner: owner.account, name, kind: ENCRYPTED, device, anchorer, from: 0 }, owner);
  const id = datasetOfCharter(domain, charter);
  const datasetKey = nodePrimitives.randomBytes(32) as DatasetKey;
  const writer: DatasetWriter = { dataset: id, kind: ENCRYPTED, serial: charter.serial, datasetKey, deviceKey, domain };
  return { id, owner, charter, first: charter, writer, end: EMPTY_PEAKS };
}

let lastSerial = Math.floor(Date.now() / 1000);

function sign(domain: DisscDomain, charter: Omit<Charter, 'serial'>, { key }: TestAccount): SignedCharter {
  const whole = { ...charter, serial: ++lastSerial };
  return { ...whole, signature: signCharter(domain, whole, key) };
}

/** Seals the next batch of small blocks; `unlike` makes rivals differ. */
export function seal(dataset: TestDataset, blocks = 3, unlike = 0): SealedBatch {
  const captured = Array.from({ length: blocks }, (_, i) => ({
    content: new Uint8Array([...u32(dataset.end.size + i), ...u32(unlike)]),
    meta: { at: 1_700_000_000_000 + dataset.end.size + i },
  }));
  const sealed = sealBatch(nodePrimitives, dataset.writer, dataset.end, captured, nodePrimitives.randomBytes(16));
  dataset.end = sealed.end;
  return sealed;
}

/** What the device itself would send for these consecutive batches, on a log with these peaks. */
export function updateOf(batches: readonly SealedBatch[], before: Peaks = EMPTY_PEAKS): Update {
  const { dataset, head, signature } = (batches.at(-1) as SealedBatch).manifest;
  const leafHashes = batches.flatMap((batch) => batch.leafHashes);
  const { peaks, appended } = growthOfLeaves(nodePrimitives, before, leafHashes);
  return { dataset, ...head, signature, peaks, appended };
}

/** Its whole call, for a dataset that the chain may not know. */
export function recordCallOf(
  dataset: TestDataset,
  batches: readonly SealedBatch[],
  before: Peaks = EMPTY_PEAKS,
): RecordCall {
  return { charters: [dataset.first], updates: [updateOf(batches, before)] };
}

export type TestService = ReturnType<typeof createService>;

/** A service on these parts, whose objects a test keeps. */
export function createService(
  chain: { rpcUrl: string; chainId: number; dissc: DatasetId | string },
  parts: Pick<AnchorPorts, 'ledger' | 'table' | 'recorder' | 'rounds' | 'roundRecorder' | 'grants' | 'grantRecorder'>,
  served: ServiceSettings,
  settings: Partial<AnchorSettings>,
  relayer: AccountSigner,
) {
  const stored = new Map<string, Uint8Array>();
  const noted: Noted[] = [];
  const counts = new Map<string, number>();
  const note =
    (level: Noted['level']) =>
    (message: string, fields: Noted['fields'] = {}) => {
      noted.push({ level, message, fields });
    };
  let nowMs = 1_800_000_000_000;
  const { table, recorder } = parts;
  const runtime = { ...nodeRuntime, nowMs: () => nowMs };
  const ports = {
    ...parts,
    primitives: nodePrimitives,
    objects: objectsOf(stored),
    anchorQueue: { wake: async () => {} },
    settings: () => served,
    ...{ runtime, memory: new SegmentMemory() },
    owners: createTableOwners({ table, runtime }),
    observer: {
      ...{ info: note('info'), warn: note('warn'), error: note('error'), middleware: [] },
      count: (metric: string, value = 1) => void counts.set(metric, (counts.get(metric) ?? 0) + value),
    },
    anchorSettings: { ...DEFAULT_ANCHOR_SETTINGS, ...settings },
  } satisfies AnchorPorts & Record<string, unknown>;
  return {
    ...{ ports, table, recorder, relayer, stored, noted, counts, chain },
    passTime(ms: number): void {
      nowMs += ms;
    },
    anchor: (overrides: Partial<AnchorPorts> = {}) => anchorDatasets({ ...ports, ...overrides }),
    /** Shows the service the dataset's first charter. */
    async show({ id, first }: Pick<TestDataset, 'id' | 'first'>): Promise<void> {
      await keepCharter(table, id, { charter: first, onChain: false });
    },
    /** Stores a segment and lets the service check it in. */
    async store(batch: SealedBatch): Promise<void> {
      stored.set(batch.segment.key, batch.segment.car);
      await ingestSegment(ports, batch.segment.key);
    },
    /** Shows the charter, seals and stores `batches` batches. */
    async fill(dataset: TestDataset, batches: number, blocks = 3): Promise<SealedBatch[]> {
      await this.show(dataset);
      const sealed = Array.from({ length: batches }, () => seal(dataset, blocks));
      for (const batch of sealed) await this.store(batch);
      return sealed;
    },
  };
}

/** Objects that a test keeps. */
export function objectsOf(stored: Map<string, Uint8Array>): ObjectStore & DatedLister & ObjectWriter & ObjectRemover {
  const unused = () => Promise.reject(new Error('not part of this test'));
  return {
    read: async (key, { start, end }) => stored.get(key)?.slice(start, end) ?? null,
    size: async (key) => stored.get(key)?.length ?? null,
    put: async (key, bytes) => {
      if (stored.has(key)) return false;
      stored.set(key, bytes);
      return true;
    },
    remove: async (key) => void stored.delete(key),
    async *list(prefix, _signal, after = '') {
      yield* [...stored.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    },
    // They have been there for long.
    async *listDated(...asked) {
      for await (const key of this.list(...asked)) yield { key, storedAtMs: 0 };
    },
    stream: unused,
    presignPut: unused,
    presignGet: unused,
  };
}

/** The dataset's Recorded events are one unbroken history up to its end, each block in exactly one of them. */
export async function assertRecordedOnce(fixture: LogFixture, dataset: TestDataset): Promise<void> {
  const { heads, point } = await fixture.ledger.readHeads([dataset.id], 'latest');
  const events = await fixture.ledger.findRecorded(dataset.id, 0, point.blockNumber);
  const sizes = [...rebuildPeaks(nodePrimitives, events)].map(({ size }) => size);
  assert.equal(new Set(sizes).size, events.length, 'a head is recorded twice');
  assert.equal(sizes.at(-1), dataset.end.size, `dataset ${dataset.id} is not recorded to its end`);
  const last = events.at(-1);
  assert.ok(
    last !== undefined && equalBytes(last.root, heads[0]?.root ?? new Uint8Array()),
    toHex(last?.root ?? new Uint8Array()),
  );
}
