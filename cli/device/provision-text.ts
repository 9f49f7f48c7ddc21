import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { mnemonicSeed } from '../../adapters/keys/mnemonic.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import type { DatasetId } from '../../core/ids.ts';
import { deriveDatasetKey, deriveDeviceKey } from '../../core/keys.ts';
import { encodeProvision } from '../../device/provision/provision-file.ts';
import type { Connection } from '../connection.ts';

/** Whose device, and by which word of the owner. */
export interface ProvisionedDevice {
  readonly dataset: DatasetId;
  /** The newest that names the device. */
  readonly charter: SignedCharter;
  /** That of the first charter that names the device: its keys follow from it. */
  readonly serial: number;
  readonly published: boolean;
}

/** The content of a device's provision file (design §11, `device.json`). It holds two secrets, derived from the mnemonic. */
export function provisionText(
  owner: { readonly mnemonic: string },
  connection: Pick<Connection, 'rpcUrl' | 'chainId' | 'dissc' | 'apiUrl'>,
  { dataset, charter, serial, published }: ProvisionedDevice,
): string {
  const { rpcUrl, chainId, dissc, apiUrl } = connection;
  const seed = mnemonicSeed(owner.mnemonic);
  return encodeProvision({
    rpcUrl,
    chainId,
    dissc,
    apiUrl,
    dataset,
    charter,
    serial,
    published,
    datasetKey: deriveDatasetKey(nodePrimitives, seed, dataset, serial),
    devicePrivateKey: deriveDeviceKey(nodePrimitives, seed, dataset, serial),
  });
}
