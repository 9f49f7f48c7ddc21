import type { Address } from '../../core/ids.ts';
import type { RecordedStack } from './recorded-stack.ts';

interface Receipt {
  readonly from: string;
  readonly gasUsed: string;
  readonly effectiveGasPrice: string;
}

/** What every account has paid for gas since the chain began, by the receipts of all blocks. */
export async function readFees({ rpc }: Pick<RecordedStack, 'rpc'>): Promise<Map<Address, bigint>> {
  const newest = Number(await rpc.call('eth_blockNumber', []));
  const fees = new Map<Address, bigint>();
  for (let block = 1; block <= newest; block++) {
    const receipts = (await rpc.call('eth_getBlockReceipts', [`0x${block.toString(16)}`])) as Receipt[];
    for (const { from, gasUsed, effectiveGasPrice } of receipts) {
      const account = from.toLowerCase() as Address;
      fees.set(account, (fees.get(account) ?? 0n) + BigInt(gasUsed) * BigInt(effectiveGasPrice));
    }
  }
  return fees;
}

export async function balanceOf({ rpc }: Pick<RecordedStack, 'rpc'>, account: Address): Promise<bigint> {
  return BigInt((await rpc.call('eth_getBalance', [account, 'latest'])) as string);
}
