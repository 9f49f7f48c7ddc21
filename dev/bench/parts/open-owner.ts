import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../../adapters/ethereum/account-signer.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { createDisscOwner } from '../../../adapters/ethereum/dissc-owner.ts';
import { nodeTransfer } from '../../../adapters/http/node-transfer.ts';
import { signMessage } from '../../../adapters/keys/mnemonic.ts';
import { createSecretFile } from '../../../adapters/keys/secret-file.ts';
import { nodeRuntime } from '../../../adapters/runtime/node-runtime.ts';
import type { Transport } from '../../../adapters/service/transport.ts';
import { createStorageServiceClient } from '../../../client/service/storage-service-client.ts';
import type { DatasetWriter } from '../../../core/batch/seal-batch.ts';
import { EMPTY_LOG, type LogEnd, type SealedBatch, sealBatch } from '../../../core/batch/seal-batch.ts';
import { to0x } from '../../../core/bytes.ts';
import { type Address, address, type DatasetId, type DatasetKey, type PrivateKey } from '../../../core/ids.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import { putObject } from '../../../device/upload/put-object.ts';
import { newKey } from './new-key.ts';
import type { Parts } from './start-parts.ts';

/** A dataset and all that its device knows. */
export interface BenchDataset {
  readonly writer: DatasetWriter;
  readonly device: Address;
  /** Its device.json. */
  readonly provision: string;
  end: LogEnd;
}

export type BenchOwner = Awaited<ReturnType<typeof openOwner>>;

const FINAL_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 100;
const STALL_MS = 30_000;

/** An owner whom the service serves, with the means to open datasets, fill and read them. */
export async function openOwner(parts: Parts) {
  const { rpcUrl, chainId, contracts, apiUrl } = parts.stack;
  const dissc = address(contracts.DISSC);
  const chain = { rpcUrl, chainId, dissc };
  const ownerKey = newKey();
  await parts.admit(accountOfKey(ownerKey));
  const opener = createDisscOwner({ ...chain, signer: createKeySigner(ownerKey) });
  const ledger = createDisscLedger(chain);
  const serviceAs = (key: PrivateKey, transport?: Transport) => {
    const account = { address: accountOfKey(key), signMessage: (message: Uint8Array) => signMessage(key, message) };
    return createStorageServiceClient({
      runtime: nodeRuntime,
      apiUrl,
      chainId,
      account,
      ...(transport === undefined ? {} : { transport }),
    });
  };
  return {
    ledger,
    /** As the owner, over signed HTTP. */
    service: serviceAs(ownerKey),
    serviceThrough: (transport: Transport) => serviceAs(ownerKey, transport),

    /** Opens datasets, each with the file of its device. */
    async open(count: number): Promise<BenchDataset[]> {
      const made = Array.from({ length: count }, () => ({ deviceKey: newKey(), datasetKey: newKey() }));
      const wanted = made.map(({ deviceKey }) => {
        return { name: nodePrimitives.randomBytes(32), device: accountOfKey(deviceKey) };
      });
      const opened = (await opener.openDatasets(wanted)).datasets;
      return Promise.all(
        made.map(async ({ deviceKey, datasetKey }, i) => {
          const dataset = opened[i] as DatasetId;
          const provision = join(parts.folder, `device-${dataset.slice(2, 18)}.json`);
          const file = { rpcUrl, chainId, dissc, apiUrl, dataset, plain: false, published: false };
          const secrets = { datasetKey: to0x(datasetKey), devicePrivateKey: to0x(deviceKey) };
          await createSecretFile(provision, JSON.stringify({ ...file, ...secrets }));
          const domain = { chainId, dissc };
          const keys = { deviceKey, datasetKey: datasetKey as Uint8Array as DatasetKey };
          const writer = { dataset, ...keys, domain, plain: false, published: false };
          return { writer, device: accountOfKey(deviceKey), provision, end: EMPTY_LOG };
        }),
      );
    },

    /** Seals contents as the next batch of a dataset and stores it. */
    async store(dataset: BenchDataset, contents: readonly Uint8Array[], signal: AbortSignal): Promise<SealedBatch> {
      const captured = contents.map((content, i) => ({ content, meta: { at: Date.now() + i } }));
      const nonce = nodePrimitives.randomBytes(16);
      const sealed = sealBatch(nodePrimitives, dataset.writer, dataset.end, captured, nonce);
      dataset.end = sealed.end;
      const { car, sha256 } = sealed.segment;
      const wanted = { first: sealed.leaf.first, sha256, sizeBytes: car.length };
      const { put } = await serviceAs(dataset.writer.deviceKey).uploadSegment(dataset.writer.dataset, wanted, signal);
      if (put !== null) await putObject(nodeTransfer, put, car, { stallMs: STALL_MS }, signal);
      return sealed;
    },

    /** Waits until all that was stored of a dataset is recorded, finally. */
    async untilFinal({ writer, end }: BenchDataset, signal: AbortSignal): Promise<void> {
      const untilMs = performance.now() + FINAL_TIMEOUT_MS;
      for (;;) {
        const { heads } = await ledger.readHeads([writer.dataset], 'final', signal);
        if (heads[0]?.batches === end.frontier.leaves) return;
        if (performance.now() > untilMs) throw new Error(`Nothing was final within ${FINAL_TIMEOUT_MS} ms.`);
        await sleep(LOOK_EVERY_MS, undefined, { signal });
      }
    },
  };
}
