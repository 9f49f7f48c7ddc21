import type { SignedCharter } from '../../core/charter/charter.ts';
import { FileError } from '../../core/errors.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { encodeProvision } from '../../device/provision/provision-file.ts';
import type { Connection } from '../../library/connection.ts';
import type { DatasetEntry } from '../../library/dataset-list.ts';
import { datasetKeyOf, deviceKeyOf, type OpenedOwner } from '../../library/opened-owner.ts';

/**
 * The content of the provision file of a dataset's newest device (specification#files, `device.json`). It holds two
 * secrets, derived from the mnemonic.
 * @throws FileError when the mnemonic gives another device than the charter names
 */
export function provisionText(
  owner: Pick<OpenedOwner, 'seed'>,
  connection: Pick<Connection, 'rpcUrl' | 'chainId' | 'finalDepth' | 'dissc' | 'apiUrl'>,
  { dataset, charters, published }: Pick<DatasetEntry, 'dataset' | 'charters' | 'published'>,
): string {
  const { rpcUrl, chainId, finalDepth, dissc, apiUrl } = connection;
  const charter = charters.at(-1) as SignedCharter;
  const serial = (charters.find(({ device }) => device === charter.device) as SignedCharter).serial;
  const devicePrivateKey = deviceKeyOf(owner, dataset, serial);
  if (accountOfKey(devicePrivateKey) !== charter.device) {
    throw new FileError(
      `The newest charter of ${dataset} known here names device ${charter.device}, but this mnemonic does not give that device's key. To find all charters: plumb owner restore`,
    );
  }
  return encodeProvision({
    rpcUrl,
    chainId,
    finalDepth,
    dissc,
    apiUrl,
    dataset,
    charter,
    serial,
    published,
    datasetKey: datasetKeyOf(owner, dataset)(serial),
    devicePrivateKey,
  });
}
