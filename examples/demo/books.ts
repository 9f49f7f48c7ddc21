import { createJsonRpc, type JsonRpc } from '../../adapters/ethereum/json-rpc.ts';
import { readSecretFile } from '../../adapters/keys/secret-file.ts';
import { stackFile } from '../../core/wire/stack-file.ts';

/** Balances of the parties and contracts, kept from one chain block on. */
export interface Books {
  /** By name, what each has more or less than at the opening, without what it paid for gas. In wei. */
  close(): Promise<Readonly<Record<string, bigint>>>;
}

/**
 * Notes the balances of these accounts, of the storage's and of the contracts at the newest block. Gas is told apart by the receipts of every transaction since:
 * so nothing but the sale moves what the books show, and all of it must add up to nothing.
 */
export async function openBooks(stackPath: string, parties: Readonly<Record<string, string>>): Promise<Books> {
  const { rpcUrl, chainId, operator, contracts } = stackFile.parse(JSON.parse(await readSecretFile(stackPath)));
  const { OCASC, ASC } = contracts;
  if (OCASC === null || ASC === null) throw new Error('The stack has no OCASC or no ASC.');
  const accounts = { ...parties, storage: operator, OCASC, ASC };
  const rpc = createJsonRpc({ rpcUrl, chainId });
  const opened = await newestBlock(rpc);
  const before = await balancesAt(rpc, accounts, opened);
  return {
    async close() {
      const closed = await newestBlock(rpc);
      const after = await balancesAt(rpc, accounts, closed);
      const fees = await feesBetween(rpc, opened + 1, closed);
      return Object.fromEntries(
        Object.entries(accounts).map(([name, account]) => {
          const change = (after.get(name) ?? 0n) - (before.get(name) ?? 0n);
          return [name, change + (fees.get(account.toLowerCase()) ?? 0n)];
        }),
      );
    },
  };
}

/** Signed ether, to the wei. */
export function sayEther(wei: bigint): string {
  const digits = (wei < 0n ? -wei : wei).toString().padStart(19, '0');
  const fraction = digits.slice(-18).replace(/0+$/, '');
  const sign = wei < 0n ? '-' : wei > 0n ? '+' : '';
  return `${sign}${digits.slice(0, -18)}${fraction === '' ? '' : `.${fraction}`}`;
}

export function sayBooks(changes: Readonly<Record<string, bigint>>): string {
  const sum = Object.values(changes).reduce((total, change) => total + change, 0n);
  const lines = Object.entries(changes).map(([name, change]) => `${name} ${sayEther(change)}`);
  return `${lines.join(', ')}; together ${sum}`;
}

async function newestBlock(rpc: JsonRpc): Promise<number> {
  return Number(await rpc.call('eth_blockNumber', []));
}

async function balancesAt(
  rpc: JsonRpc,
  accounts: Readonly<Record<string, string>>,
  block: number,
): Promise<Map<string, bigint>> {
  const at = `0x${block.toString(16)}`;
  const balances = await rpc.callMany(
    Object.values(accounts).map((account) => ({ method: 'eth_getBalance', params: [account, at] })),
  );
  return new Map(Object.keys(accounts).map((name, i) => [name, BigInt(balances[i] as string)]));
}

interface Receipt {
  readonly from: string;
  readonly gasUsed: string;
  readonly effectiveGasPrice: string;
}

async function feesBetween(rpc: JsonRpc, from: number, to: number): Promise<Map<string, bigint>> {
  const fees = new Map<string, bigint>();
  for (let block = from; block <= to; block++) {
    const receipts = (await rpc.call('eth_getBlockReceipts', [`0x${block.toString(16)}`])) as Receipt[];
    for (const { from: sender, gasUsed, effectiveGasPrice } of receipts) {
      const fee = BigInt(gasUsed) * BigInt(effectiveGasPrice);
      fees.set(sender.toLowerCase(), (fees.get(sender.toLowerCase()) ?? 0n) + fee);
    }
  }
  return fees;
}
