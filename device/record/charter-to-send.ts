import { anchorerOf, type SignedCharter } from '../../core/charter/charter.ts';
import { StateError } from '../../core/errors.ts';
import type { Address } from '../../core/ids.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';

/** Whether anybody may send a charter: it carries the owner's signature, and names no anchorer (specification#dissc). */
export function canSendCharter(charter: SignedCharter): boolean {
  return charter.signature !== null && anchorerOf(charter) === null;
}

/**
 * What a record of this device has to bring along: its charter, where the chain does not name it yet.
 * @throws StateError where only the owner may send it
 */
export function charterToSend(charter: SignedCharter, account: Address, named: ChainDevice | null): SignedCharter[] {
  if (named?.device === account) return [];
  if (canSendCharter(charter)) return [charter];
  throw new StateError(
    `The chain does not have the charter of this device ${account} yet, and only the owner ${charter.owner} may send it.`,
  );
}
