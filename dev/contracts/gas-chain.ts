/** A chain to measure on: anvil by Osaka's rules, on a port of its own choosing, with contracts from forge's artifacts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AbiCoder,
  concat,
  HDNodeWallet,
  Interface,
  JsonRpcProvider,
  type TransactionReceipt,
  toQuantity,
} from 'ethers';

export interface Receipt {
  readonly gas: number;
  readonly logs: TransactionReceipt['logs'];
}

export interface GasChain {
  readonly provider: JsonRpcProvider;
  readonly chainId: number;
  /** Accounts with funds. */
  readonly accounts: readonly HDNodeWallet[];
  /** Deploys a contract. */
  deploy(name: string, types?: readonly string[], values?: readonly unknown[]): Promise<Deployed>;
  /** Calls a contract. @throws when the transaction fails. */
  call(to: Deployed, method: string, args: readonly unknown[], options?: CallOptions): Promise<Receipt>;
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

export const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CHAIN_ID = 31337;
const START_TIMEOUT_MS = 20_000;
const RECEIPT_TIMEOUT_MS = 30_000;
const RECEIPT_POLL_MS = 5;
/** EIP-7825. */
const MAX_TRANSACTION_GAS = 16_777_216;

/** Starts the chain. The contracts it deploys must have been built: `cd contracts && forge build`. */
export async function startGasChain(): Promise<GasChain> {
  const child = spawn(
    `${ROOT}node_modules/.bin/anvil`,
    ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'osaka', '--chain-id', `${CHAIN_ID}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const provider = new JsonRpcProvider(await readRpcUrl(child), CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 });
    const accounts = [0, 1, 2].map((i) =>
      HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, '', `m/44'/60'/0'/0/${i}`).connect(provider),
    );
    const send = async (to: string | null, data: string, { from = accounts[0]!, valueWei = 0n }: CallOptions = {}) => {
      // anvil signs for its own accounts, in a request instead of five
      const transaction = {
        from: from.address,
        to,
        data,
        value: toQuantity(valueWei),
        gas: toQuantity(MAX_TRANSACTION_GAS),
      };
      const hash = await provider.send('eth_sendTransaction', [transaction]);
      const receipt = await waitForReceipt(provider, hash);
      if (receipt.status !== 1) throw new Error(`A transaction to ${to} with ${data.length / 2 - 1} bytes failed.`);
      return receipt;
    };
    return {
      provider,
      chainId: CHAIN_ID,
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
        return { gas: Number(gasUsed), logs };
      },
      stop() {
        provider.destroy();
        child.kill('SIGKILL');
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function readRpcUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`anvil named no address within ${START_TIMEOUT_MS} ms.`));
    const timer = globalThis.setTimeout(late, START_TIMEOUT_MS);
    let said = '';
    child.stdout!.on('data', (data: Buffer) => {
      said += data.toString();
      const address = /Listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(`http://${address}`);
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`anvil ended with code ${code} before it was ready.`)));
  });
}

/** anvil mines on arrival, so the receipt is there at once or a moment later. */
async function waitForReceipt(provider: JsonRpcProvider, hash: string): Promise<TransactionReceipt> {
  const deadline = performance.now() + RECEIPT_TIMEOUT_MS;
  for (;;) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt !== null) return receipt;
    if (performance.now() > deadline) throw new Error(`No receipt of ${hash} within ${RECEIPT_TIMEOUT_MS} ms.`);
    await setTimeout(RECEIPT_POLL_MS);
  }
}
