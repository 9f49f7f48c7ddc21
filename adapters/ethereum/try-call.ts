import { LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import { callRequest, type EstimatedCall, estimateGas } from './estimate-gas.ts';
import { type CalledContract, explainRefusal } from './explain-refusal.ts';
import type { JsonRpc } from './json-rpc.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { toQuantity } from './quantity.ts';
import { asUnavailable } from './read-chain-point.ts';
import type { Fees } from './read-fees.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import type { Receipt } from './wait-for-receipt.ts';

export interface ContractCall {
  readonly contract: CalledContract;
  /** Function and arguments, 0x-hex. */
  readonly data: string;
  /** What the call brings; nothing when not given. */
  readonly valueWei?: bigint;
}

export interface Caller {
  readonly rpc: JsonRpc;
  readonly account: Address;
  /** Whether what it sends takes the place of one that waits. */
  readonly replaces?: boolean;
}

/** Where there is no contract, a call succeeds, and what it brings is gone. */
export async function requireContract(rpc: JsonRpc, contract: CalledContract, signal?: AbortSignal): Promise<void> {
  const { name, at } = contract;
  let code: string;
  try {
    code = parseAnswer(data, 'eth_getCode', await rpc.call('eth_getCode', [at, 'latest'], signal));
  } catch (error) {
    throw asUnavailable(error);
  }
  if (code === '0x') {
    throw new LedgerUnavailableError(`There is no contract at ${at}. Deploy ${name}, or correct its address.`);
  }
}

/**
 * Tries a call without sending it: the gas it takes and a fifth more.
 * @throws StateError or ArgumentError when the contract refuses, NotRecordedError when the node would not take the transaction
 */
export async function tryCall(caller: Caller, call: ContractCall, fees: Fees, signal?: AbortSignal): Promise<bigint> {
  try {
    const gas = await estimateGas(caller.rpc, asEstimated(caller, call), fees, signal);
    return gas + gas / 5n;
  } catch (error) {
    throw error instanceof RpcRefusedError ? explainRefusal(call.contract, error) : error;
  }
}

/** Why a mined call failed: as a rule, what it met there is still so at the end of its block. */
export async function explainRevert(
  caller: Caller,
  call: ContractCall,
  { txHash, blockNumber, gasUsed }: Receipt,
  fees: Fees,
  signal?: AbortSignal,
): Promise<Error> {
  // As much gas as nodes would give for nothing, the account could not pay for.
  const again = { ...callRequest(asEstimated(caller, call), fees), gas: toQuantity(2n * gasUsed) };
  try {
    await caller.rpc.call('eth_call', [again, toQuantity(BigInt(blockNumber))], signal);
  } catch (error) {
    if (error instanceof RpcRefusedError && error.data !== null) return explainRefusal(call.contract, error, txHash);
  }
  return new NotRecordedError(`Transaction ${txHash} was mined and reverted.`, { details: { hash: txHash } });
}

function asEstimated(
  { account, replaces = false }: Caller,
  { contract, data, valueWei = 0n }: ContractCall,
): EstimatedCall {
  return { from: account, to: contract.at, data, valueWei, replaces };
}
