/** A chain to measure on, whichever rules it has: contracts from forge's artifacts, and what each call of them takes. */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AbiCoder,
  concat,
  HDNodeWallet,
  Interface,
  type JsonRpcApiProvider,
  type TransactionReceipt,
  toQuantity,
} from 'ethers';

export interface Receipt {
  readonly gas: number;
  /** Of the contract that was called. */
  readonly logs: TransactionReceipt['logs'];
}

export interface GasChain {
  readonly provider: JsonRpcApiProvider;
  readonly chainId: number;
  /** Accounts with funds. */
  readonly accounts: readonly HDNodeWallet[];
  /** Deploys a contract. */
  deploy(name: string, types?: readonly string[], values?: readonly unknown[]): Promise<Deployed>;
  /** Calls a contract. @throws when the transaction fails. */
  call(to: Deployed, method: string, args: readonly unknown[], options?: CallOptions): Promise<Receipt>;
  /** Sets the base fee of the next block. */
  setBaseFee(wei: bigint): Promise<void>;
  stop(): void;
}

export interface Deployed {
  readonly address: string;
  readonly abi: Interface;
  readonly gas: number;
}

export interface CallOptions {
  readonly from?: HDNodeWallet;
  readonly valueWei?: bigint;
}

/** A chain that has just begun, mines on arrival, and signs for the accounts of the development mnemonic. */
export interface NewChain {
  readonly provider: JsonRpcApiProvider;
  /** What a transaction may be given. */
  readonly transactionGas: number;
  /** The request by which it takes the next block's base fee. */
  readonly baseFeeMethod: string;
  stop(): void;
}

export const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk';
export const GAS_CHAIN_ID = 31337;
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RECEIPT_TIMEOUT_MS = 30_000;
const RECEIPT_POLL_MS = 5;

/** The accounts that a chain to measure on has funds for. */
export function fundedAccounts(): HDNodeWallet[] {
  return [0, 1, 2].map((i) => HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, '', `m/44'/60'/0'/0/${i}`));
}

/** The contracts that it deploys must have been built: `cd contracts && forge build`. */
export function openGasChain({ provider, transactionGas, baseFeeMethod, stop }: NewChain): GasChain {
  const accounts = fundedAccounts().map((account) => account.connect(provider));
  const send = async (to: string | null, data: string, { from = accounts[0]!, valueWei = 0n }: CallOptions = {}) => {
    // The chain signs for its own accounts, in a request instead of five
    const transaction = {
      from: from.address,
      ...(to === null ? {} : { to }),
      data,
      value: toQuantity(valueWei),
      gas: toQuantity(transactionGas),
    };
    const hash = await provider.send('eth_sendTransaction', [transaction]);
    const receipt = await waitForReceipt(provider, hash);
    if (receipt.status !== 1) throw new Error(`A transaction to ${to} with ${data.length / 2 - 1} bytes failed.`);
    return receipt;
  };
  return {
    provider,
    chainId: GAS_CHAIN_ID,
    accounts,
    async deploy(name, types = [], values = []) {
      const path = `${ROOT}build/contracts/out/${name}.sol/${name}.json`;
      const { abi, bytecode } = JSON.parse(readFileSync(path, 'utf8'));
      const data = concat([bytecode.object, AbiCoder.defaultAbiCoder().encode(types, values)]);
      const { contractAddress, gasUsed } = await send(null, data);
      return { address: contractAddress!, abi: new Interface(abi), gas: Number(gasUsed) };
    },
    async call(to, method, args, options) {
      const { gasUsed, logs } = await send(to.address, to.abi.encodeFunctionData(method, args), options);
      // Chains may log transfers of their coin, too (EIP-7708).
      return { gas: Number(gasUsed), logs: logs.filter(({ address }) => address === to.address) };
    },
    async setBaseFee(wei) {
      await provider.send(baseFeeMethod, [toQuantity(wei)]);
    },
    stop,
  };
}

/** Chains that mine on arrival have the receipt at once or a moment later. */
async function waitForReceipt(provider: JsonRpcApiProvider, hash: string): Promise<TransactionReceipt> {
  const deadline = performance.now() + RECEIPT_TIMEOUT_MS;
  for (;;) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt !== null) return receipt;
    if (performance.now() > deadline) throw new Error(`No receipt of ${hash} within ${RECEIPT_TIMEOUT_MS} ms.`);
    await setTimeout(RECEIPT_POLL_MS);
  }
}
