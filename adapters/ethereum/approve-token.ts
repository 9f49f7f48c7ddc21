import { Interface } from 'ethers';
import { ArgumentError, ChainAnswerError, StateError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { CalledContract } from './explain-refusal.ts';
import { data, parseAnswer } from './parse-answers.ts';
import { asUnavailable } from './read-chain-point.ts';
import { RpcRefusedError } from './read-rpc-answer.ts';
import { isRefusedByContract } from './refused-by-contract.ts';
import type { CallSender, SendCall } from './send-call.ts';

export interface TokenNeed {
  readonly token: Address;
  /** Who is to take it. */
  readonly spender: Address;
  readonly amount: bigint;
}

const tokenInterface = new Interface([
  'function allowance(address owner, address spender) view returns (uint256)',
  'function balanceOf(address account) view returns (uint256)',
  'function approve(address spender, uint256 amount)',
]);

/**
 * Lets a contract take just this amount of a token, where it may not take so much already.
 * @throws StateError when the account has too little of it, ArgumentError when the token is none
 */
export async function approveToken(
  sender: Pick<CallSender, 'rpc' | 'account'>,
  send: SendCall,
  { token, spender, amount }: TokenNeed,
  signal?: AbortSignal,
): Promise<void> {
  if (amount === 0n) return;
  const view = (name: string, values: readonly unknown[]) => readToken(sender, token, name, values, signal);
  const balance = await view('balanceOf', [sender.account]);
  if (balance < amount) {
    throw new StateError(
      `${sender.account} has ${balance} units of token ${token}; ${amount} are needed. Send it the rest.`,
      { details: { reason: 'ERC20InsufficientBalance' } },
    );
  }
  const allowance = await view('allowance', [sender.account, spender]);
  if (allowance >= amount) return;
  const contract: CalledContract = { name: `Token ${token}`, at: token, abi: tokenInterface };
  // Some tokens refuse to change an allowance that is not zero.
  for (const allowed of allowance > 0n ? [0n, amount] : [amount]) {
    await send({ contract, data: tokenInterface.encodeFunctionData('approve', [spender, allowed]) });
  }
  if ((await view('allowance', [sender.account, spender])) < amount) {
    throw new ChainAnswerError(
      `Token ${token} still does not let ${spender} take ${amount} units, although you approved it.`,
    );
  }
}

async function readToken(
  { rpc, account }: Pick<CallSender, 'rpc' | 'account'>,
  token: Address,
  name: string,
  values: readonly unknown[],
  signal?: AbortSignal,
): Promise<bigint> {
  const notToken = (cause: unknown) =>
    new ArgumentError(`The contract at ${token} is not an ERC-20 token. Check the terms.`, { cause });
  const call = { to: token, data: tokenInterface.encodeFunctionData(name, values) };
  let answered: string;
  try {
    answered = parseAnswer(data, 'eth_call', await rpc.call('eth_call', [call, 'latest'], signal));
  } catch (error) {
    if (error instanceof RpcRefusedError && (await isRefusedByContract(rpc, account, error, signal)))
      throw notToken(error);
    throw asUnavailable(error);
  }
  try {
    return tokenInterface.decodeFunctionResult(name, answered)[0];
  } catch (cause) {
    throw notToken(cause);
  }
}
