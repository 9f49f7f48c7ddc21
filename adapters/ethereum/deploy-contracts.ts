import { getCreate2Address, keccak256 } from 'ethers';
import { LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';
import { type AccountSender, type AccountSenderOptions, openAccountSender } from './account-sender.ts';
import { CREATE2_PROXY, hasProxy } from './deploy-proxy.ts';
import type { Deployable } from './deployable-code.ts';
import { type EstimatedCall, estimateGas } from './estimate-gas.ts';
import type { JsonRpc } from './json-rpc.ts';
import { findNextNonce, type NextNonce } from './next-nonce.ts';
import { type Fees, readFees } from './read-fees.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { sendAtNonce } from './send-at-nonce.ts';
import { type Receipt, waitForReceipt } from './wait-for-receipt.ts';

export interface Deployed {
  readonly name: string;
  readonly address: Address;
  /** The block that this call deployed it in; null when it was there already. */
  readonly block: number | null;
}

const SALT = `0x${'00'.repeat(32)}`;

/** Where a contract is on every chain, once it is deployed. */
export function deployedAddress({ initCode }: Pick<Deployable, 'initCode'>): Address {
  return address(getCreate2Address(CREATE2_PROXY, SALT, keccak256(initCode)));
}

/**
 * Deploys what is not there yet, all at once; after a crash at any point, calling it again goes on: what is on its way is
 * waited for. `fromBlock` is the block of the first of them; 0 when some were there before this call.
 */
export async function deployContracts(
  options: AccountSenderOptions,
  contracts: readonly Deployable[],
  signal?: AbortSignal,
): Promise<{ fromBlock: number; deployed: readonly Deployed[] }> {
  const { chainId } = options;
  const sender = openAccountSender(options);
  const { rpc } = sender;
  let missing = await findMissing(rpc, contracts, signal);
  if (missing.length > 0) {
    if (!(await hasProxy(rpc, signal))) {
      throw new LedgerUnavailableError(
        `Chain ${chainId} has no deployment proxy at ${CREATE2_PROXY}. Deploy it first; plumb contracts deploy does this.`,
      );
    }
    // What is on its way may be just this, and sent once more it would only collide.
    const next = await findNextNonce(sender, signal);
    missing = await findMissing(rpc, contracts, signal);
    return describe(contracts, missing, await deployAll(sender, missing, next, signal));
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

/** One transaction for each, sent one behind the other, and then waited for. */
async function deployAll(
  sender: AccountSender,
  missing: readonly Deployable[],
  first: NextNonce,
  signal?: AbortSignal,
): Promise<Receipt[]> {
  const { rpc, signer, waitMs, sent } = sender;
  const replaced = first.replaces === 'unknown' || first.replaces === null ? undefined : first.replaces;
  const fees = await readFees(rpc, replaced, signal);
  const calls = missing.map(({ initCode }) => ({ to: CREATE2_PROXY, data: `${SALT}${initCode.slice(2)}` }));
  const gas: bigint[] = [];
  const caller = { from: signer.account, replaces: first.replaces !== null };
  for (const call of calls) gas.push(await askGas(rpc, { ...caller, ...call }, fees, signal));
  const kept = await sent.list();
  const hashes: string[] = [];
  for (const [i, call] of calls.entries()) {
    const nonce = first.nonce + i;
    const stuck = kept.find((one) => one.nonce === nonce) ?? (nonce < first.pending ? 'unknown' : null);
    const replaces = i === 0 ? first.replaces : stuck;
    const unsigned = { ...call, gas: gas[i] as bigint };
    hashes.push((await sendAtNonce(sender, unsigned, { nonce, replaces }, fees, signal)).hash);
  }
  const receipts = await Promise.all(hashes.map((hash) => waitForReceipt(rpc, hash, waitMs, signal)));
  await sent.forgetBelow(first.nonce + calls.length);
  const [lacking] = await findMissing(rpc, missing, signal);
  if (lacking === undefined) return receipts;
  const { txHash } = receipts[missing.indexOf(lacking)] as Receipt;
  throw new LedgerUnavailableError(
    `Transaction ${txHash} was mined, but ${lacking.name} is not at ${deployedAddress(lacking)}.`,
  );
}

/** @throws NotRecordedError when the account cannot pay, or the chain does not take as much code */
async function askGas(rpc: JsonRpc, call: EstimatedCall, fees: Fees, signal?: AbortSignal): Promise<bigint> {
  try {
    return await estimateGas(rpc, call, fees, signal);
  } catch (error) {
    if (!(error instanceof RpcRefusedError)) throw error;
    throw new NotRecordedError(`The chain rejects the code: ${error.said}. Nothing was sent.`, {
      cause: error,
      details: { refusal: 'other', code: error.code },
    });
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
