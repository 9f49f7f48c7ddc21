import { type ErrorDescription, Interface } from 'ethers';
import type { Address } from '../../core/ids.ts';
import { disscAbi } from './abi/dissc.ts';
import type { RpcRefusedError } from './read-rpc-answer.ts';
import { refusalInWords } from './refusal-in-words.ts';
import { refusalError } from './refusal-turn.ts';

export interface CalledContract {
  /** For errors. */
  readonly name: string;
  readonly at: Address;
  readonly abi: Interface;
}

/** DISSC may be what refuses where ASC calls it, and tokens where OCASC does. */
const disscErrors = new Interface(disscAbi);
const tokenErrors = new Interface([
  'error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)',
  'error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)',
  'error ERC20InvalidSender(address sender)',
  'error ERC20InvalidReceiver(address receiver)',
  'error ERC20InvalidApprover(address approver)',
  'error ERC20InvalidSpender(address spender)',
]);

/** What a contract's refusal of a call means: its error by its name. */
export function explainRefusal(contract: CalledContract, error: RpcRefusedError, hash?: string): Error {
  const reverted = error.data === null ? null : parseRevert(contract, error.data);
  const values = reverted?.fragment.inputs.map((input, i) => `${input.name} ${String(reverted.args[i])}`.trim());
  const reason = reverted?.name ?? error.data?.slice(0, 10) ?? 'none';
  const said = reverted === null ? `for an unknown reason (${reason})` : `${reason}(${values?.join(', ')})`;
  const words = reverted === null ? null : refusalInWords(reverted.name, reverted.args);
  const refusal = `${contract.name} refuses${reverted === null ? ',' : ':'} ${said}.`;
  const message = words === null ? refusal : `${refusal} ${words}`;
  const details = { reason, ...(hash === undefined ? {} : { hash }) };
  return refusalError(reverted?.name ?? null, reverted?.args ?? null, message, { cause: error, details });
}

function parseRevert({ abi }: CalledContract, data: string): ErrorDescription | null {
  try {
    return abi.parseError(data) ?? disscErrors.parseError(data) ?? tokenErrors.parseError(data);
  } catch {
    return null;
  }
}
