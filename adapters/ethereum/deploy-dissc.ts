import { getCreate2Address, keccak256 } from 'ethers';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import { disscBytecode } from './abi/dissc.ts';
import type { AccountSigner } from './account-signer.ts';
import { createJsonRpc, type JsonRpcOptions } from './json-rpc.ts';
import { amount, parseAnswer, quantity } from './parse-answers.ts';
import { sendRawTransaction } from './send-raw-transaction.ts';
import { readFees, signTransaction } from './sign-transaction.ts';
import { waitForReceipt } from './wait-for-receipt.ts';

export interface Deployment {
  readonly dissc: Address;
  /** No event of the contract is in an earlier block; 0 when it was deployed before this call. */
  readonly fromBlock: number;
}

/** The deterministic deployment proxy, at the same address on every chain: https://github.com/Arachnid/deterministic-deployment-proxy */
const CREATE2_PROXY = address('0x4e59b44847b379578588920cA78FbF26c0B4956C');
const SALT = `0x${'00'.repeat(32)}`;

/** Where DISSC is on every chain: its address follows from its code alone. */
export function disscAddress(): Address {
  return address(getCreate2Address(CREATE2_PROXY, SALT, keccak256(disscBytecode)));
}

/** Deploys DISSC unless it is there; after a crash at any point, calling it again goes on. */
export async function deployDissc(
  options: JsonRpcOptions & { readonly signer: AccountSigner; readonly waitMs?: number },
  signal?: AbortSignal,
): Promise<Deployment> {
  const { chainId, signer, waitMs = 60_000 } = options;
  const rpc = createJsonRpc(options);
  const dissc = disscAddress();
  const hasCode = async (at: Address) => (await rpc.call('eth_getCode', [at, 'latest'], signal)) !== '0x';
  if (await hasCode(dissc)) return { dissc, fromBlock: 0 };
  if (!(await hasCode(CREATE2_PROXY))) {
    throw new LedgerUnavailableError(
      `Chain ${chainId} has no deployment proxy at ${CREATE2_PROXY}. Deploy that first.`,
    );
  }

  const data = `${SALT}${disscBytecode.slice(2)}`;
  const call = { from: signer.account, to: CREATE2_PROXY, data };
  const [estimated, counted] = await rpc.callMany(
    [
      { method: 'eth_estimateGas', params: [call] },
      { method: 'eth_getTransactionCount', params: [signer.account, 'latest'] },
    ],
    signal,
  );
  const gas = parseAnswer(amount, 'eth_estimateGas', estimated);
  const nonce = parseAnswer(quantity, 'eth_getTransactionCount', counted);
  const fees = await readFees(rpc, undefined, signal);
  const transaction = await signTransaction(signer, { chainId, to: CREATE2_PROXY, data, nonce, gas, fees }, signal);
  await sendRawTransaction(rpc, transaction, signal);
  const { blockNumber } = await waitForReceipt(rpc, transaction.hash, waitMs, signal);
  if (!(await hasCode(dissc))) {
    throw new LedgerUnavailableError(`Transaction ${transaction.hash} was mined, but DISSC is not at ${dissc}.`);
  }
  return { dissc, fromBlock: blockNumber };
}
