import assert from 'node:assert/strict';
import { ArgumentError, StateError } from '../../core/errors.ts';

/** What a state or a time stands against; everything else is refused for its arguments. */
const OF_STATE = new Set([
  'DISSC_SerialTooHigh',
  'DISSC_WrongPrevious',
  'OCASC_RangeNotRecorded',
  'OCASC_WrongState',
  'OCASC_TooLate',
  'OCASC_TooEarly',
  'OCASC_BlockNotPaid',
  'OCASC_NoChallengeLeft',
  'OCASC_NoDemandLeft',
  'OCASC_TokenShort',
  'OCASC_NoCredit',
  'ASC_WrongState',
  'ASC_Over',
  'ASC_NotOver',
  'ASC_NoCredit',
  'ERC20InsufficientBalance',
  'ERC20InsufficientAllowance',
]);

/** Whether an error is a contract's refusal for this reason, and says whose turn it is. */
export function refusal(contract: string, reason: string, turn = OF_STATE.has(reason) ? StateError : ArgumentError) {
  return (error: unknown): true => {
    assert.ok(error instanceof turn, String(error));
    assert.equal(error.details.reason, reason);
    assert.match(error.message, new RegExp(`^${contract} refuses: ${reason}\\(`));
    return true;
  };
}
