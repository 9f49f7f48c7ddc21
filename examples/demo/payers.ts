import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { createJsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { address, type DatasetId } from '../../core/ids.ts';
import { stackFile } from '../../core/wire/stack-file.ts';
import type { DemoDataset } from './acts/owner-setup.ts';

/** Whose transactions recorded a dataset, by the chain: `the service`, `the device`, or both. */
export async function payersOf(stackPath: string, { dataset, account }: DemoDataset): Promise<string> {
  const stack = stackFile.parse(JSON.parse(await readSecretFile(stackPath)));
  const { rpcUrl, chainId } = stack;
  const ledger = createDisscLedger({ rpcUrl, chainId, dissc: address(stack.contracts.DISSC) });
  const { point } = await ledger.readHeads([dataset as DatasetId], 'latest');
  const events = await ledger.findRecorded(dataset as DatasetId, 0, point.blockNumber);
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const payers = new Set<string>();
  for (const { txHash } of events) {
    const { from } = (await rpc.call('eth_getTransactionByHash', [txHash])) as { from: string };
    payers.add(from === stack.operator ? 'the service' : from === account ? 'the device' : from);
  }
  return [...payers].sort().join(' and ');
}
