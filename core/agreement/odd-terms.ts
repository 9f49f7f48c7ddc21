import { type DatasetKind, ENCRYPTED } from '../charter/kind.ts';
import { type Address, NATIVE_COIN } from '../ids.ts';
import type { QuestionCosts } from '../ports/agreements.ts';
import type { TokenFacts } from '../ports/tokens.ts';
import { challengeStakeWei } from './most-to-lose.ts';
import type { EncryptionPublicKey } from './seal-message.ts';
import type { Terms } from './terms.ts';
import { isWeakPoint } from './weak-point.ts';

/** An offer, and what else a careful person would look at before accepting it. */
export interface OfferLookedAt {
  readonly terms: Terms;
  readonly kind: DatasetKind;
  readonly agent: Address;
  readonly encryptionKey: EncryptionPublicKey;
  /** Whether there is a contract at the agent's address. */
  readonly agentHasCode: boolean;
  /** Null where the price is in the native coin. */
  readonly token: TokenFacts | null;
  /** Whether the consumer has said that it means to pay in this token. */
  readonly isTokenMeant: boolean;
  readonly costs: QuestionCosts;
  /** When the chain recorded the first block of the dataset; null where that is not known. */
  readonly recordedSinceSeconds: number | null;
  readonly nowSeconds: number;
}

export type OddTermCode =
  | 'fee-is-price'
  | 'fee-high'
  | 'bond-low'
  | 'duration-short'
  | 'dataset-young'
  | 'stake-high'
  | 'no-samples'
  | 'no-previews'
  | 'token-not-meant'
  | 'token-no-contract'
  | 'token-no-name'
  | 'token-changeable'
  | 'token-changes-amounts'
  | 'token-short'
  | 'agent-cannot-sign'
  | 'encryption-key-weak';

/** A term by which a consumer can be robbed, or that shows an offer that was not made to be kept. */
export interface OddTerm {
  readonly code: OddTermCode;
  readonly words: string;
}

/** A fee above this part of the price is paid whatever comes: a tenth. */
const FEE_PART = 10n;
/** A sale ends after so many windows at least: nothing is paid for in the last one, and a question takes one. */
const LEAST_WINDOWS = 4;
/** A dataset was begun so many windows ago at least: a week, where windows are a day. */
const LEAST_AGE_WINDOWS = 7;
/** A stake above this is meant to keep consumers from challenging, unless gas asks for as much: 0.01 ether. */
const HIGH_STAKE_WEI = 10n ** 16n;
const HIGH_STAKE_TIMES = 10n;

/**
 * What is odd about an offer (specification#odd-terms), the worst first. None of it proves bad will, and an offer without any
 * may still be a bad one: a bond is worth what its owner loses by breaking the promise.
 */
export function oddTerms(offer: OfferLookedAt): OddTerm[] {
  return [...oddMoney(offer), ...oddTimes(offer), ...oddChecks(offer), ...oddToken(offer), ...oddParties(offer)];
}

function* oddMoney({ terms }: OfferLookedAt): Generator<OddTerm> {
  const { price, fee, bond } = terms;
  if (price > 0n && fee === price) {
    yield {
      code: 'fee-is-price',
      words: 'The fee is the whole price. The owner gets it as soon as you accept, even if nothing is delivered.',
    };
  } else if (FEE_PART * fee > price) {
    yield {
      code: 'fee-high',
      words: `The fee is ${percent(fee, price)} of the price. The owner gets it as soon as you accept, even if nothing is delivered.`,
    };
  }
  if (bond < price) {
    yield {
      code: 'bond-low',
      words: `The bond is ${percent(bond, price)} of the price, so an owner who breaks the promise loses less than you pay.`,
    };
  }
}

function* oddTimes({ terms, recordedSinceSeconds, nowSeconds }: OfferLookedAt): Generator<OddTerm> {
  const { windowSeconds, durationSeconds } = terms;
  if (durationSeconds < LEAST_WINDOWS * windowSeconds) {
    yield {
      code: 'duration-short',
      words: `It ends ${durationSeconds} s after acceptance, which is less than ${LEAST_WINDOWS} times the ${windowSeconds} s that an answer may take. That leaves little time to check, fetch and demand.`,
    };
  }
  const leastSeconds = LEAST_AGE_WINDOWS * windowSeconds;
  const ageSeconds = recordedSinceSeconds === null ? 0 : Math.max(0, nowSeconds - recordedSinceSeconds);
  if (ageSeconds < leastSeconds) {
    yield {
      code: 'dataset-young',
      words: `The dataset's first block was recorded ${recordedSinceSeconds === null ? 'at an unknown time' : `${ageSeconds} s ago`}, less than ${LEAST_AGE_WINDOWS} windows. It may have been made for this sale.`,
    };
  }
}

function* oddChecks({ terms, kind, costs }: OfferLookedAt): Generator<OddTerm> {
  const { stakeWei, samples, previews } = terms;
  const gasAsks = challengeStakeWei(0n, { ...costs, baseFeeWei: costs.baseFeeWei ?? costs.gasPriceWei });
  if (stakeWei > HIGH_STAKE_WEI && stakeWei > HIGH_STAKE_TIMES * gasAsks) {
    yield {
      code: 'stake-high',
      words:
        'A challenge costs far more than the gas of its answer. The bond is worth little if nobody can afford to challenge.',
    };
  }
  if (samples === 0) {
    yield { code: 'no-samples', words: 'There are no samples, so you cannot check anything before you pay.' };
  } else if (kind === ENCRYPTED && previews === 0) {
    yield {
      code: 'no-previews',
      words: "There are no previews, so you see the blocks' content only after you pay.",
    };
  }
}

function* oddToken({ terms, token, isTokenMeant }: OfferLookedAt): Generator<OddTerm> {
  if (terms.token === NATIVE_COIN || token === null) return;
  if (!token.hasCode) {
    yield { code: 'token-no-contract', words: `The token's address, ${terms.token}, has no contract.` };
    return;
  }
  if (!isTokenMeant) {
    yield {
      code: 'token-not-meant',
      words: `Price and bond are in the token ${terms.token}. Anyone can make a token with any symbol. Compare the address with the one you know, and confirm it with --token.`,
    };
  }
  if (token.symbol === null || token.decimals === null) {
    yield {
      code: 'token-no-name',
      words: 'The token has no usable symbol or decimals, so plumb cannot show what an amount is worth.',
    };
  }
  if (token.held < token.owed) {
    yield {
      code: 'token-short',
      words: 'OCASC holds less of this token than it owes, so it pays out only a part of each credit.',
    };
  }
  if (token.changesAmounts) {
    yield {
      code: 'token-changes-amounts',
      words: 'The token can change balances by itself or keep a part of each transfer, so you may get back less.',
    };
  }
  if (token.isProxy) {
    yield {
      code: 'token-changeable',
      words:
        'The token is behind a proxy. Whoever controls the proxy can change the token, even while your money is in escrow.',
    };
  }
}

function* oddParties({ agent, agentHasCode, encryptionKey }: OfferLookedAt): Generator<OddTerm> {
  if (agentHasCode) {
    yield {
      code: 'agent-cannot-sign',
      words: `The owner's agent, ${agent}, is a contract. It cannot sign messages, so you would get no valid keys.`,
    };
  }
  if (isWeakPoint(encryptionKey)) {
    yield {
      code: 'encryption-key-weak',
      words: "The owner's encryption key is weak. Anyone could read what you write to the owner.",
    };
  }
}

function percent(part: bigint, whole: bigint): string {
  if (whole === 0n) return 'more than all';
  const tenths = (1000n * part) / whole;
  return `${tenths / 10n}${tenths % 10n === 0n ? '' : `.${tenths % 10n}`} %`;
}
