import { setTimeout as sleep } from 'node:timers/promises';
import { getCreate2Address, keccak256 } from 'ethers';
import { LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import { CREATE2_PROXY, DEFAULT_WAIT_MS, type DeployOptions, hasProxy } from './deploy-proxy.ts';
import type { Deployable } from './deployable-code.ts';
import { createJsonRpc, type JsonRpc, RpcRefusedError } from './json-rpc.ts';
import { amount, parseAnswer, quantity } from './parse-answers.ts';
import { refusedTransaction, sendRawTransaction } from './send-raw-transaction.ts';
import { readFees, signTransaction } from './sign-transaction.ts';
import { type Receipt, waitForReceipt } from './wait-for-receipt.ts';

export interface Deployed {
  readonly name: string;
  readonly address: Address;
  /** The block that this call deployed it in; null when it was there already. */
  readonly block: number | null;
}

const SALT = `0x${'00'.repeat(32)}`;
const PENDING_PAUSE_MS = 250;

/** Where a contract is on every chain, once it is deployed. */
export function deployedAddress({ initCode }: Deployable): Address {
  return address(getCreate2Address(CREATE2_PROXY, SALT, keccak256(initCode)));
}

/**
 * Deploys what is not there yet, all at once; after a crash at any point, calling it again goes on: what is on its way is
 * waited for. `fromBlock` is the block of the first of them; 0 when some were there before this call.
 */
export async function deployContracts(
  options: DeployOptions,
  contracts: readonly Deployable[],
  signal?: AbortSignal,
): Promise<{ fromBlock: number; deployed: readonly Deployed[] }> {
  const { chainId, waitMs = DEFAULT_WAIT_MS } = options;
  const rpc = createJsonRpc(options);
  let missing = await findMissing(rpc, contracts, signal);
  if (missing.length > 0) {
    if (!(await hasProxy(rpc, signal))) {
      throw new LedgerUnavailableError(
        `Chain ${chainId} has no deployment proxy at ${CREATE2_PROXY}. Deploy that first: plumb contracts deploy does.`,
      );
    }
    // Not known to be ours, and sent once more they would only collide.
    const nonce = await untilNonePending(rpc, options.signer.account, waitMs, signal);
    missing = await findMissing(rpc, contracts, signal);
    return describe(contracts, missing, await deployAll(options, rpc, missing, nonce, signal));
  }
  return describe(contracts, [], []);
}

async function findMissing(
  rpc: JsonRpc,
  contracts: readonly Deployable[],
  signal?: AbortSignal,
): Promise<readonly Deployable[]> {
  const asked = contracts.map((one) => ({ method: 'eth_getCode', params: [deployedAddress(one), 'latest'] }));
  const codes = await rpc.callMany(asked, signal);
  return contracts.filter((_, i) => codes[i] === '0x');
}

/** The account's next nonce, once all that it has sent is mined. */
async function untilNonePending(rpc: JsonRpc, account: Address, waitMs: number, signal?: AbortSignal): Promise<number> {
  const until = performance.now() + waitMs;
  const count = (tag: string) => ({ method: 'eth_getTransactionCount', params: [account, tag] });
  for (;;) {
    const answers = await rpc.callMany([count('latest'), count('pending')], signal);
    const [latest = 0, pending = 0] = answers.map((one) => parseAnswer(quantity, 'eth_getTransactionCount', one));
    if (pending <= latest) return latest;
    if (performance.now() + PENDING_PAUSE_MS > until) {
      throw new NotRecordedError(
        `${pending - latest} earlier transactions of ${account} were not mined within ${waitMs} ms. Nothing was sent; try again when they are.`,
        { details: { pending: pending - latest } },
      );
    }
    await sleep(PENDING_PAUSE_MS, undefined, signal === undefined ? {} : { signal });
  }
}

/** One transaction for each, sent one behind the other, and then waited for. */
async function deployAll(
  options: DeployOptions,
  rpc: JsonRpc,
  missing: readonly Deployable[],
  firstNonce: number,
  signal?: AbortSignal,
): Promise<Receipt[]> {
  const { chainId, signer, waitMs = DEFAULT_WAIT_MS } = options;
  const calls = missing.map(({ initCode }) => ({
    ...{ from: signer.account, to: CREATE2_PROXY, data: `${SALT}${initCode.slice(2)}` },
  }));
  const gas = await estimateGas(rpc, calls, signal);
  const fees = await readFees(rpc, undefined, signal);
  const hashes: string[] = [];
  for (const [i, { to, data }] of calls.entries()) {
    const call = { chainId, to, data, nonce: firstNonce + i, gas: gas[i] as bigint, fees };
    const transaction = await signTransaction(signer, call, signal);
    await sendRawTransaction(rpc, transaction, signal);
    hashes.push(transaction.hash);
  }
  const receipts = await Promise.all(hashes.map((hash) => waitForReceipt(rpc, hash, waitMs, signal)));
  const [lacking] = await findMissing(rpc, missing, signal);
  if (lacking === undefined) return receipts;
  const { txHash } = receipts[missing.indexOf(lacking)] as Receipt;
  throw new LedgerUnavailableError(
    `Transaction ${txHash} was mined, but ${lacking.name} is not at ${deployedAddress(lacking)}.`,
  );
}

async function estimateGas(rpc: JsonRpc, calls: readonly object[], signal?: AbortSignal): Promise<bigint[]> {
  try {
    const asked = calls.map((call) => ({ method: 'eth_estimateGas', params: [call] }));
    return (await rpc.callMany(asked, signal)).map((one) => parseAnswer(amount, 'eth_estimateGas', one));
  } catch (error) {
    throw error instanceof RpcRefusedError ? refusedTransaction(error) : error;
  }
}

function describe(contracts: readonly Deployable[], missing: readonly Deployable[], receipts: readonly Receipt[]) {
  const deployed = contracts.map((contract): Deployed => {
    const receipt = receipts[missing.indexOf(contract)];
    // One that failed met a contract that somebody else had deployed in the meantime.
    const block = receipt?.ok === true ? receipt.blockNumber : null;
    return { name: contract.name, address: deployedAddress(contract), block };
  });
  const blocks = deployed.map(({ block }) => block ?? 0);
  return { fromBlock: Math.min(...blocks), deployed };
}
