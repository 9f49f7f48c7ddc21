import { getCreate2Address, keccak256 } from 'ethers';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import type { AccountSigner } from './account-signer.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { amount, parseAnswer, quantity } from './parse-answers.ts';
import { sendRawTransaction } from './send-raw-transaction.ts';
import { readFees, signTransaction } from './sign-transaction.ts';
import { waitForReceipt } from './wait-for-receipt.ts';

/** A contract whose address follows from its code and its constructor's arguments. */
export interface Deployable {
  readonly name: string;
  /** Creation bytecode with the arguments behind it, 0x-hex. */
  readonly initCode: string;
}

export interface DeployOptions extends JsonRpcOptions {
  readonly signer: AccountSigner;
  readonly waitMs?: number;
}

/** The deterministic deployment proxy, at the same address on every chain: https://github.com/Arachnid/deterministic-deployment-proxy */
const CREATE2_PROXY = address('0x4e59b44847b379578588920cA78FbF26c0B4956C');
const SALT = `0x${'00'.repeat(32)}`;

/** Where a contract is on every chain, once it is deployed. */
export function deployedAddress({ initCode }: Deployable): Address {
  return address(getCreate2Address(CREATE2_PROXY, SALT, keccak256(initCode)));
}

/**
 * Deploys what is not there yet, all at once; after a crash at any point, calling it again goes on. Answers with the block
 * of the first of them; 0 when some were there before this call.
 */
export async function deployContracts(
  options: DeployOptions,
  contracts: readonly Deployable[],
  signal?: AbortSignal,
): Promise<{ fromBlock: number }> {
  const { chainId, signer, waitMs = 60_000 } = options;
  const rpc = createJsonRpc(options);
  const hasCode = async (at: Address) => (await rpc.call('eth_getCode', [at, 'latest'], signal)) !== '0x';
  const there = await Promise.all(contracts.map((contract) => hasCode(deployedAddress(contract))));
  const missing = contracts.filter((_, i) => there[i] === false);
  if (missing.length === 0) return { fromBlock: 0 };
  if (!(await hasCode(CREATE2_PROXY))) {
    throw new LedgerUnavailableError(
      `Chain ${chainId} has no deployment proxy at ${CREATE2_PROXY}. Deploy that first.`,
    );
  }

  const calls = missing.map(({ initCode }) => `${SALT}${initCode.slice(2)}`);
  const [counted, ...estimated] = await rpc.callMany(
    [
      { method: 'eth_getTransactionCount', params: [signer.account, 'latest'] },
      ...calls.map((data) => ({
        method: 'eth_estimateGas',
        params: [{ from: signer.account, to: CREATE2_PROXY, data }],
      })),
    ],
    signal,
  );
  const firstNonce = parseAnswer(quantity, 'eth_getTransactionCount', counted);
  const fees = await readFees(rpc, undefined, signal);
  const hashes: string[] = [];
  for (const [i, data] of calls.entries()) {
    const gas = parseAnswer(amount, 'eth_estimateGas', estimated[i]);
    const call = { chainId, to: CREATE2_PROXY, data, nonce: firstNonce + i, gas, fees };
    const transaction = await signTransaction(signer, call, signal);
    await sendRawTransaction(rpc, transaction, signal);
    hashes.push(transaction.hash);
  }
  const receipts = await Promise.all(hashes.map((hash) => waitForReceipt(rpc, hash, waitMs, signal)));
  for (const [i, contract] of missing.entries()) {
    const at = deployedAddress(contract);
    if (!(await hasCode(at))) {
      throw new LedgerUnavailableError(`Transaction ${hashes[i]} was mined, but ${contract.name} is not at ${at}.`);
    }
  }
  const first = Math.min(...receipts.map(({ blockNumber }) => blockNumber));
  return { fromBlock: missing.length === contracts.length ? first : 0 };
}
