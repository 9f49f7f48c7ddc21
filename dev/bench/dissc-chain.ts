/** A chain with DISSC on it, for the bench and the tests: anvil, on a port of its own choosing. */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Log as EventLog, TransactionReceipt } from 'ethers';
import { concat, HDNodeWallet, Interface, JsonRpcProvider, zeroPadValue } from 'ethers';
import { disscAbi, disscBytecode } from '../../adapters/ethereum/abi/dissc.ts';
import { disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';

export interface DisscChain {
  readonly provider: JsonRpcProvider;
  readonly chainId: number;
  readonly dissc: string;
  /** An account with funds. */
  readonly owner: HDNodeWallet;
  /** Another. */
  readonly consumer: HDNodeWallet;
  readonly deployGas: number;
  /** Sends, from `owner` if not said otherwise, and waits. @throws when the transaction fails. */
  send(to: string, data: string, options?: SendOptions): Promise<{ gas: number; logs: readonly EventLog[] }>;
  stop(): void;
}

export interface SendOptions {
  readonly from?: HDNodeWallet;
  readonly valueWei?: bigint;
}

export const disscInterface: Interface = new Interface(disscAbi);
export const DEVELOPMENT_MNEMONIC = 'test test test test test test test test test test test junk';

const ANVIL = fileURLToPath(new URL('../../node_modules/.bin/anvil', import.meta.url));
const CHAIN_ID = 31337;
const START_TIMEOUT_MS = 20_000;
const RECEIPT_TIMEOUT_MS = 30_000;
const RECEIPT_POLL_MS = 5;
const CREATE2_PROXY = '0x4e59b44847b379578588920cA78FbF26c0B4956C';
/** EIP-7825. */
const MAX_TRANSACTION_GAS = 16_777_216;

/** Starts anvil and deploys DISSC through the deterministic proxy, which anvil brings along. */
export async function startDisscChain(): Promise<DisscChain> {
  const child = spawn(
    ANVIL,
    ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'osaka', '--chain-id', `${CHAIN_ID}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    const rpcUrl = await readRpcUrl(child);
    const provider = new JsonRpcProvider(rpcUrl, CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 });
    const owner = HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC).connect(provider);
    const consumer = HDNodeWallet.fromPhrase(DEVELOPMENT_MNEMONIC, '', "m/44'/60'/0'/0/1").connect(provider);
    const send = (to: string, data: string, { from = owner, valueWei = 0n }: SendOptions = {}) =>
      sendAndWait(provider, from, to, data, valueWei);
    const deployed = await send(CREATE2_PROXY, concat([zeroPadValue('0x', 32), disscBytecode]));
    const stop = () => {
      provider.destroy();
      child.kill('SIGKILL');
    };
    return { provider, chainId: CHAIN_ID, dissc: disscAddress(), owner, consumer, deployGas: deployed.gas, send, stop };
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

async function sendAndWait(provider: JsonRpcProvider, from: HDNodeWallet, to: string, data: string, value: bigint) {
  const sent = await from.sendTransaction({ to, data, value, gasLimit: MAX_TRANSACTION_GAS });
  const receipt = await waitForReceipt(provider, sent.hash);
  if (receipt.status !== 1) throw new Error(`A transaction to ${to} with ${data.length / 2 - 1} bytes failed.`);
  return { gas: Number(receipt.gasUsed), logs: receipt.logs };
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
