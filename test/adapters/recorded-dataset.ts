import type { Wallet } from 'ethers';
import { encodeRecord } from '../../adapters/ethereum/dissc-interface.ts';
import { fromHex } from '../../core/bytes.ts';
import type { SignedCharter } from '../../core/charter/charter.ts';
import type { DisscDomain } from '../../core/dissc-domain.ts';
import type { DatasetId, LogRoot, PrivateKey } from '../../core/ids.ts';
import { DeviceLog } from './device-log.ts';

/** Records the charter of a plain dataset of this owner, and three blocks in one batch. */
export async function recordDataset(
  owner: Wallet,
  domain: DisscDomain,
): Promise<{ dataset: DatasetId; charter: SignedCharter; root: LogRoot }> {
  const log = new DeviceLog(domain, fromHex(owner.privateKey, 'key', 32) as PrivateKey);
  const { manifest } = log.seal([1, 2, 3]);
  const data = encodeRecord({ charters: [log.charter], updates: [log.update()] });
  await (await owner.sendTransaction({ to: domain.dissc, data })).wait();
  return { dataset: log.dataset, charter: log.charter, root: manifest.head.root };
}
