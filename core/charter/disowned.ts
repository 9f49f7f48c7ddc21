import type { Address, BlockIndex } from '../ids.ts';
import type { Charter } from './charter.ts';
import { byPlace, type ChainPlace, type CharterHistory, chartersBySerial } from './charters-in-force.ts';

/** A final head with the account that signed it: recorded, or in a round that counts. */
export interface FinalHead extends ChainPlace {
  readonly size: number;
  readonly signer: Address;
}

/**
 * Whose a block is: the signer of the first final head that covers it, before that of its manifest. `heads` are those that
 * the head extends under which the block is proven; a head of another branch covers none of its blocks.
 */
export function signerOfBlock(
  heads: readonly FinalHead[],
  index: BlockIndex,
  manifestSigner: Address | null,
): Address | null {
  const [first] = heads.filter((head) => head.size > index).sort(byPlace);
  return first?.signer ?? manifestSigner;
}

/**
 * The charter that disowns a block of this signer, or null: blocks at or above a charter's `from` whose signer is an earlier
 * device (specification#charters-in-force). They are named, never removed; for an agreement give the charters that count
 * for it. An account that no charter names is no earlier device.
 */
export function disowningCharter(history: CharterHistory, index: BlockIndex, signer: Address): Charter | null {
  const charters = chartersBySerial(history);
  const reaching = charters.filter((charter) => charter.from <= index);
  // A device that is named again is no earlier one from there on.
  const named =
    reaching.findLast((charter) => charter.device === signer) ?? charters.find((charter) => charter.device === signer);
  if (named === undefined) return null;
  return reaching.find((charter) => charter.serial > named.serial && charter.device !== signer) ?? null;
}

/**
 * How many blocks of a final head later heads must extend. What is recorded, all, whoever signed it; of an anchored head of
 * an earlier device what is below the `from` of its successor.
 */
export function blocksToExtend(history: CharterHistory, head: FinalHead & { readonly isRecorded: boolean }): number {
  if (head.isRecorded || head.size === 0) return head.size;
  const charters = chartersBySerial(history);
  const boundaries = charters.map((charter) => charter.from).filter((from) => from < head.size);
  const disowned = boundaries.filter((from) => disowningCharter(history, from, head.signer) !== null);
  return disowned.length === 0 ? head.size : Math.min(...disowned);
}
