import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { createDisscLedger } from '../../../adapters/ethereum/dissc-ledger.ts';
import { nodeTransfer } from '../../../adapters/http/node-transfer.ts';
import { signMessage } from '../../../adapters/keys/mnemonic.ts';
import { createSecretFile } from '../../../adapters/keys/secret-file.ts';
import { nodeRuntime } from '../../../adapters/runtime/node-runtime.ts';
import type { Transport } from '../../../adapters/service/transport.ts';
import { createStorageServiceClient } from '../../../client/service/storage-service-client.ts';
import { type DatasetWriter, type SealedBatch, sealBatch } from '../../../core/batch/seal-batch.ts';
import { toHex } from '../../../core/bytes.ts';
import { type Charter, datasetOfCharter, nextSerial, signCharter } from '../../../core/charter/charter.ts';
import { encodeDatasetName } from '../../../core/charter/dataset-name.ts';
import { ENCRYPTED } from '../../../core/charter/kind.ts';
import { type Address, address, type DatasetKey, NO_ACCOUNT, type PrivateKey } from '../../../core/ids.ts';
import { EMPTY_PEAKS, type Peaks } from '../../../core/log/peaks.ts';
import { accountOfKey } from '../../../core/typed-data.ts';
import { encodeProvision } from '../../../device/provision/provision-file.ts';
import { putObject } from '../../../device/upload/put-object.ts';
import { newKey } from './new-key.ts';
import type { Parts } from './start-parts.ts';

/** A dataset and all that its device knows. */
export interface BenchDataset {
  readonly writer: DatasetWriter;
  readonly device: Address;
  /** Its device.json. */
  readonly provision: string;
  end: Peaks;
}

export type BenchOwner = Awaited<ReturnType<typeof openOwner>>;

const FINAL_TIMEOUT_MS = 240_000;
const LOOK_EVERY_MS = 100;
const STALL_MS = 30_000;

/** An owner whom the service serves, with the means to make datasets, fill and read them. */
export async function openOwner(parts: Parts) {
  const { rpcUrl, chainId, contracts, apiUrl } = parts.stack;
  const dissc = address(contracts.DISSC);
  const chain = { rpcUrl, chainId, dissc };
  const ownerKey = newKey();
  await parts.admit(accountOfKey(ownerKey));
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

    /** Signs charters of datasets, shows them to the service, and writes the file of each device. */
    async open(count: number, anchorer: Address = NO_ACCOUNT): Promise<BenchDataset[]> {
      return Promise.all(
        Array.from({ length: count }, async () => {
          const [deviceKey, datasetKey] = [newKey(), nodePrimitives.randomBytes(32) as DatasetKey];
          const serial = nextSerial(Math.floor(Date.now() / 1000), null);
          const charter: Charter = {
            owner: accountOfKey(ownerKey),
            name: encodeDatasetName(toHex(nodePrimitives.randomBytes(8))),
            kind: ENCRYPTED,
            device: accountOfKey(deviceKey),
            anchorer,
            ...{ serial, from: 0 },
          };
          const signed = { ...charter, signature: signCharter({ chainId, dissc }, charter, ownerKey) };
          const dataset = datasetOfCharter({ chainId, dissc }, charter);
          await serviceAs(ownerKey).putCharter(dataset, signed);
          const provision = join(parts.folder, `device-${dataset.slice(2, 18)}.json`);
          const keys = { datasetKey, devicePrivateKey: deviceKey };
          const content = { ...chain, apiUrl, dataset, charter: signed, serial, published: false, ...keys };
          await createSecretFile(provision, encodeProvision(content));
          const writer = { dataset, kind: charter.kind, serial, datasetKey, deviceKey, domain: { chainId, dissc } };
          return { writer, device: charter.device, provision, end: EMPTY_PEAKS };
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
      const wanted = { first: sealed.manifest.first, sha256, sizeBytes: car.length };
      const { put } = await serviceAs(dataset.writer.deviceKey).uploadSegment(dataset.writer.dataset, wanted, signal);
      if (put !== null) await putObject(nodeTransfer, put, car, { stallMs: STALL_MS }, signal);
      return sealed;
    },

    /** Waits until all that was stored of a dataset is recorded, finally. */
    async untilFinal({ writer, end }: BenchDataset, signal: AbortSignal): Promise<void> {
      const untilMs = performance.now() + FINAL_TIMEOUT_MS;
      for (;;) {
        const { heads } = await ledger.readHeads([writer.dataset], 'final', signal);
        if (heads[0]?.size === end.size) return;
        if (performance.now() > untilMs) throw new Error(`Nothing was final within ${FINAL_TIMEOUT_MS} ms.`);
        await sleep(LOOK_EVERY_MS, undefined, { signal });
      }
    },
  };
}
