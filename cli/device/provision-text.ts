import { to0x } from '../../core/bytes.ts';
import type { Connection } from '../connection.ts';
import { type DatasetEntry, datasetKeyOf, deviceKeyOf, type OpenedOwner } from '../owner/owner-home.ts';

/** The content of a device's provision file (design §11, `device.json`). It holds two secrets. */
export function provisionText(owner: OpenedOwner, connection: Connection, entry: DatasetEntry): string {
  const { rpcUrl, chainId, dissc, apiUrl } = connection;
  const { dataset, plain, published } = entry;
  const provision = {
    ...{ rpcUrl, chainId, dissc, apiUrl, dataset, plain, published },
    datasetKey: to0x(datasetKeyOf(owner, dataset)),
    devicePrivateKey: to0x(deviceKeyOf(owner, entry.device)),
  };
  return `${JSON.stringify(provision, null, 2)}\n`;
}
