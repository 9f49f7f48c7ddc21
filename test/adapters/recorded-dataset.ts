import type { Wallet } from 'ethers';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { disscInterface, encodeRecord } from '../../adapters/ethereum/dissc-interface.ts';
import { EMPTY_LOG, sealBatch } from '../../core/batch/seal-batch.ts';
import { address, type DatasetId, type DatasetKey, type LogRoot, type PrivateKey } from '../../core/ids.ts';
import { deriveDatasetId } from '../../core/keys.ts';
import type { HeadDomain } from '../../core/log/head.ts';
import { accountOfKey } from '../../core/typed-data.ts';

/** Opens a dataset of this owner and records three blocks in one batch. */
export async function recordDataset(owner: Wallet, domain: HeadDomain): Promise<{ dataset: DatasetId; root: LogRoot }> {
  const name = new Uint8Array(nodePrimitives.randomBytes(32));
  const dataset = deriveDatasetId(domain, address(owner.address), name);
  const deviceKey = new Uint8Array(nodePrimitives.randomBytes(32)) as PrivateKey;
  const writer = {
    ...{ dataset, deviceKey, datasetKey: new Uint8Array(32) as DatasetKey, domain },
    ...{ plain: true, published: false },
  };
  const captured = [1, 2, 3].map((size) => ({ content: new Uint8Array(size), meta: { at: size } }));
  const { leaf, manifest } = sealBatch(nodePrimitives, writer, EMPTY_LOG, captured, new Uint8Array(16));
  const opened = disscInterface.encodeFunctionData('openDataset', [name, accountOfKey(deviceKey)]);
  await (await owner.sendTransaction({ to: domain.dissc, data: opened })).wait();
  const leaves = [{ count: 3, salt: leaf.salt, batchRoot: leaf.batchRoot, sealed: null }];
  const update = { dataset, leaves, signature: manifest.signature };
  await (await owner.sendTransaction({ to: domain.dissc, data: encodeRecord([update]) })).wait();
  return { dataset, root: manifest.head.root };
}
