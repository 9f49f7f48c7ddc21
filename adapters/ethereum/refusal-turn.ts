import type { Result } from 'ethers';
import { ArgumentError, DefectError, type ErrorOptions, type PlumblineError, StateError } from '../../core/errors.ts';
import type { ascAbi } from './abi/asc.ts';
import type { disscAbi } from './abi/dissc.ts';
import type { ocascAbi } from './abi/ocasc.ts';

type Turn = 'arguments' | 'state' | 'defect';
type ErrorOf<Abi extends readonly { readonly type: string }[]> = Extract<
  Abi[number],
  { readonly type: 'error'; readonly name: string }
>['name'];
/** What our contracts can say, what a token of ERC-6093 can, and what Solidity says for either. */
type RefusalName =
  | ErrorOf<typeof disscAbi>
  | ErrorOf<typeof ocascAbi>
  | ErrorOf<typeof ascAbi>
  | `ERC20${'InsufficientBalance' | 'InsufficientAllowance'}`
  | `ERC20Invalid${'Sender' | 'Receiver' | 'Approver' | 'Spender'}`
  | 'Error'
  | 'Panic';

/**
 * Whose turn it is after a contract's error: of whoever gave the arguments, or of a state or time. What has become too late
 * counts as a state, too: nothing was wrong with what was asked.
 */
const REFUSAL_TURNS: Readonly<Record<RefusalName, Turn>> = {
  DISSC_BadKind: 'arguments',
  DISSC_ZeroOwner: 'arguments',
  DISSC_ZeroDevice: 'arguments',
  // The charter is right as soon as its time has come.
  DISSC_SerialTooHigh: 'state',
  DISSC_NotOwner: 'arguments',
  DISSC_WrongCharterSignature: 'arguments',
  DISSC_WrongPrevious: 'state',
  DISSC_BadSealedLength: 'arguments',
  DISSC_MalformedUpdate: 'arguments',
  DISSC_UnknownDataset: 'state',
  DISSC_NoGrowth: 'state',
  DISSC_TooMuchGrowth: 'arguments',
  DISSC_WrongNumberOfPeaks: 'arguments',
  DISSC_WrongPeaks: 'arguments',
  DISSC_WrongNumberAppended: 'arguments',
  DISSC_WrongRoot: 'arguments',
  DISSC_BadSignatureLength: 'arguments',
  DISSC_NonCanonicalSignature: 'arguments',
  DISSC_WrongSigner: 'arguments',
  OCASC_NotDatasetOwner: 'arguments',
  OCASC_RangeNotRecorded: 'state',
  OCASC_FeeTooHigh: 'arguments',
  OCASC_BadWindow: 'arguments',
  OCASC_BadDuration: 'arguments',
  OCASC_NoQuestions: 'arguments',
  OCASC_TooManySamples: 'arguments',
  OCASC_TooManyPreviews: 'arguments',
  OCASC_ZeroAccount: 'arguments',
  OCASC_ZeroEncryptionKey: 'arguments',
  OCASC_WrongState: 'state',
  OCASC_NotAllowed: 'arguments',
  OCASC_TooLate: 'state',
  OCASC_TooEarly: 'state',
  OCASC_BadDue: 'arguments',
  OCASC_WrongSigner: 'arguments',
  OCASC_BlockNotForSale: 'arguments',
  OCASC_BlockNotPaid: 'state',
  OCASC_NoContentKeys: 'arguments',
  OCASC_NoChallengeLeft: 'state',
  OCASC_NoDemandLeft: 'state',
  OCASC_StakeTooLow: 'arguments',
  OCASC_BadSize: 'arguments',
  OCASC_BadChunkLength: 'arguments',
  OCASC_BadPathLength: 'arguments',
  OCASC_WrongKey: 'arguments',
  OCASC_WrongOpening: 'arguments',
  OCASC_WrongRoot: 'arguments',
  OCASC_WrongValue: 'arguments',
  OCASC_WrongAmount: 'arguments',
  OCASC_TokenShort: 'state',
  OCASC_NoCredit: 'state',
  ASC_NotDatasetOwner: 'arguments',
  ASC_ZeroCss: 'arguments',
  ASC_ZeroReceiver: 'arguments',
  ASC_BadRange: 'arguments',
  ASC_BadKinds: 'arguments',
  ASC_BadUntil: 'arguments',
  ASC_WrongState: 'state',
  ASC_NotAllowed: 'arguments',
  ASC_Over: 'state',
  ASC_NotOver: 'state',
  ASC_NoValue: 'arguments',
  ASC_LengthMismatch: 'arguments',
  ASC_NoCredit: 'state',
  ASC_WrongDataset: 'arguments',
  ASC_TooEarly: 'state',
  ASC_TooLittleFuel: 'state',
  ASC_Refused: 'arguments',
  ERC20InsufficientBalance: 'state',
  ERC20InsufficientAllowance: 'state',
  ERC20InvalidSender: 'arguments',
  ERC20InvalidReceiver: 'arguments',
  ERC20InvalidApprover: 'arguments',
  ERC20InvalidSpender: 'arguments',
  // Of the libraries our contracts are made of.
  ReentrancyGuardReentrantCall: 'arguments',
  SafeERC20FailedOperation: 'state',
  FailedCall: 'state',
  InsufficientBalance: 'state',
  SafeCastOverflowedUintDowncast: 'arguments',
  InvalidShortString: 'defect',
  StringTooLong: 'defect',
  // Ours say none of these two: a token does, of its own state; and a contract whose arithmetic fails is at fault.
  Error: 'state',
  Panic: 'defect',
};

/** In both contracts the state of an id that was never given out. */
const NO_SUCH = 0n;

/** A contract's refusal as the error of whose turn it is. `name` is null where what refuses, a token, does not say why. */
export function refusalError(
  name: string | null,
  values: Result | null,
  message: string,
  options: ErrorOptions,
): PlumblineError {
  const noSuch = name?.endsWith('_WrongState') === true && values?.[1] === NO_SUCH;
  const turn = noSuch ? 'arguments' : turnOf(name);
  if (turn === 'defect') return new DefectError(message, options);
  return turn === 'arguments' ? new ArgumentError(message, options) : new StateError(message, options);
}

/** What a token that gives no name has against a transfer, being paused or having frozen an account, is its state. */
function turnOf(name: string | null): Turn {
  return name !== null && Object.hasOwn(REFUSAL_TURNS, name) ? REFUSAL_TURNS[name as RefusalName] : 'state';
}
