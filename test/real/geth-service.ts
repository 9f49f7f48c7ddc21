import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { deployDissc } from '../../adapters/ethereum/deploy-dissc.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { createDisscRoundRecorder, createDisscRounds } from '../../adapters/ethereum/dissc-rounds.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import type { PrivateKey } from '../../core/ids.ts';
import { type GethNetwork, startGethNetwork } from '../../dev/real/geth/start-network.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import type { AnchorPorts } from '../../functions/anchor/anchor-ports.ts';
import { DEFAULT_ANCHOR_SETTINGS } from '../../functions/anchor/anchor-settings.ts';
import { type Anchored, anchorDatasets } from '../../functions/anchor.ts';
import { ingestSegment } from '../../functions/ingest/ingest-segment.ts';
import { SegmentMemory } from '../../functions/ingest/segment-memory.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { keepCharter } from '../../functions/state/dataset-entry.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../local/stack/start-dynalite.ts';
import { objectsOf, openTestDataset, seal, type TestDataset } from '../functions/log-fixture.ts';
import { serviceSettings } from '../functions/service-settings.ts';
import { statedOwners } from '../functions/stated-owners.ts';

const ETHER = 10n ** 18n;

export type GethService = Awaited<ReturnType<typeof startGethService>>;

/** The service's recording on a network of geth nodes whose slots a test makes; it asks the first node. */
export async function startGethService(finalityLagSlots: number) {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-geth-'));
  const network = await startGethNetwork({ geth: findProgram('geth'), folder, finalityLagSlots });
  const { rpcUrl, chainId, slots } = network;
  const newKey = () => nodePrimitives.randomBytes(32) as PrivateKey;
  const ownerKey = newKey();
  const owner = { ...createKeySigner(ownerKey), key: ownerKey };
  const relayer = createKeySigner(newKey());
  for (const { account } of [owner, relayer]) await slots.credit(account, 100n * ETHER);
  const { dissc } = await whileRunning(network, () => deployDissc({ rpcUrl, chainId, signer: owner }));
  const chain = { rpcUrl, chainId, dissc };
  const ledger = createDisscLedger(chain);
  const recorder = createDisscRecorder({ ...chain, signer: relayer, timeoutMs: 3_000 });

  const dynalite = await startDynalite({ folder: null });
  const { endpoint } = dynalite;
  const client = createDynamoClient({ region: 'us-east-1', endpoint, credentials: DYNALITE_CREDENTIALS });
  await createTable(client, 'real');
  const stored = new Map<string, Uint8Array>();
  const lines: object[] = [];
  const ports: AnchorPorts & Parameters<typeof ingestSegment>[0] = {
    primitives: nodePrimitives,
    objects: objectsOf(stored),
    table: createDynamoTable({ client, tableName: 'real' }),
    owners: statedOwners(new Map([[owner.account, 2 ** 40]])),
    ledger,
    recorder,
    ...{ rounds: createDisscRounds(chain), roundRecorder: createDisscRoundRecorder({ ...chain, signer: relayer }) },
    ...{ grants: null, grantRecorder: null },
    anchorQueue: { wake: async () => {} },
    settings: () => serviceSettings(),
    runtime: nodeRuntime,
    memory: new SegmentMemory(),
    observer: createLineObserver((line) => lines.push(line)),
    anchorSettings: DEFAULT_ANCHOR_SETTINGS,
  };
  return {
    ...{ network, slots, ledger, recorder, relayer, chain, lines },
    anchor: (): Promise<Anchored> => anchorDatasets(ports),

    /** Nothing is sent for it: the chain learns of it with its first record. */
    async openDataset(): Promise<TestDataset> {
      const dataset = openTestDataset(ledger.domain, owner);
      await keepCharter(ports.table, dataset.id, { charter: dataset.first, onChain: false });
      return dataset;
    },

    /** Seals a batch and stores it. */
    put(dataset: TestDataset): SealedBatch {
      const batch = seal(dataset);
      stored.set(batch.segment.key, batch.segment.car);
      return batch;
    },
    /** Has the service check a stored batch in, as the store's event does. */
    checkIn: (batch: SealedBatch) => ingestSegment(ports, batch.segment.key),
    async fill(dataset: TestDataset): Promise<void> {
      await this.checkIn(this.put(dataset));
    },

    async sizeAt(dataset: TestDataset, anchor: 'latest' | 'final'): Promise<number | undefined> {
      return (await ledger.readHeads([dataset.id], anchor)).heads[0]?.size;
    },

    async stop(): Promise<void> {
      client.destroy();
      await Promise.all([network.stop(), dynalite.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Makes slots by themselves while something waits for its transaction. */
async function whileRunning<T>({ slots }: GethNetwork, run: () => Promise<T>): Promise<T> {
  slots.run(500);
  try {
    return await run();
  } finally {
    await slots.pause();
  }
}
