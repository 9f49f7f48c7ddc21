import { type DatasetKind, ENCRYPTED } from '../charter/kind.ts';
import type { QuestionCosts } from '../ports/agreements.ts';
import { dueFor } from './quota.ts';
import type { Terms } from './terms.ts';

/** What decides what the two sides of a sale can lose. */
export interface SaleAtRisk {
  readonly terms: Terms;
  readonly kind: DatasetKind;
  /** Blocks that the consumer pays for before they are verified, at most. */
  readonly ahead: number;
  readonly costs: QuestionCosts;
}

/**
 * The most that a consumer loses who follows the rules: pays for the next `ahead` blocks only when all before them have come,
 * verified and opened, and settles in time. Whatever the owner and the storage do, all else of the price comes back.
 */
export interface ConsumerLoss {
  /** Units of the token: the fee and what is paid ahead. */
  readonly money: bigint;
  /** Of it, what is due at acceptance. */
  readonly fee: bigint;
  /** Blocks that are paid for and may never come. */
  readonly blocks: number;
  /** What each challenge costs that is answered, at the gas price of now; its own gas comes to it. */
  readonly challengeWei: bigint;
  /** The same for the demand of a key. */
  readonly demandWei: bigint;
  /** If all questions that the terms allow are asked, and answered. */
  readonly questionsWei: bigint;
  /** From acceptance on, at most, the rest of the price is in escrow. */
  readonly lockedSeconds: number;
}

/** The most that an owner loses who keeps the word, and whose storage and agent do; and what is lost where they do not. */
export interface OwnerLoss {
  /** Blocks whose content is given without being paid for. */
  readonly blocks: number;
  /** What these would cost by the terms. The fee is the owner's in any case. */
  readonly worth: bigint;
  readonly fee: bigint;
  /** Content keys that the consumer can make public, each of a block that it has paid for. */
  readonly publicKeys: number;
  /**
   * Chunks of up to 1,024 bytes, as stored, that answers of challenges make public, of any block for sale: of what is not
   * encrypted, content that nobody has paid for, and whole blocks where they are small.
   */
  readonly publicChunks: number;
  /** What answers may cost the agent beyond what the questions bring, at the gas price of now. */
  readonly answersWei: bigint;
  /** Lost when a challenged chunk or the key of a paid block is not shown in time. */
  readonly bond: bigint;
  /** From acceptance on, at most, the bond is held. */
  readonly lockedSeconds: number;
}

/**
 * What can be lost in a sale (specification#what-can-be-lost): of the terms and the defaults alone, whoever the other side is.
 * @throws ArgumentError for terms that no offer has
 */
export function mostToLose({ terms, kind, ahead, costs }: SaleAtRisk): {
  readonly consumer: ConsumerLoss;
  readonly owner: OwnerLoss;
} {
  const { count, fee, bond, samples, previews, maxChallenges, maxDemands, windowSeconds, durationSeconds } = terms;
  const isEncrypted = kind === ENCRYPTED;
  const challengeWei = challengeStakeWei(terms.stakeWei, costs);
  const demandWei = isEncrypted ? demandStakeWei(costs) : 0n;
  const demands = isEncrypted ? maxDemands : 0;
  const given = Math.min(count, isEncrypted ? previews : samples);
  // A question of the last moment has a window, and what has lapsed a quarter of one.
  const lockedSeconds = durationSeconds + windowSeconds + Math.floor(windowSeconds / 4);
  return {
    consumer: {
      ...{ ...riskOfAhead(terms, ahead), fee, challengeWei, demandWei, lockedSeconds },
      questionsWei: BigInt(maxChallenges) * challengeWei + BigInt(demands) * demandWei,
    },
    owner: {
      ...{ blocks: given, worth: dueFor(terms, given) - fee, fee, bond, lockedSeconds },
      publicKeys: Math.min(demands, count),
      publicChunks: maxChallenges,
      answersWei:
        BigInt(maxChallenges) * atLeastZero(costs.answerGas * costs.gasPriceWei - challengeWei) +
        BigInt(demands) * atLeastZero(costs.demandGas * costs.gasPriceWei - demandWei),
    },
  };
}

/**
 * What is risked by paying for `ahead` blocks before they are verified: the fee, and the price of so many blocks more, rounded
 * up to a unit, wherever they stand.
 * @throws ArgumentError for terms that no offer has
 *
 * @example
 *
 *     const { blocks, money } = riskOfAhead(terms, 20);
 */
export function riskOfAhead(terms: Terms, ahead: number): Pick<ConsumerLoss, 'money' | 'blocks'> {
  const blocks = Math.min(Math.max(1, ahead), terms.count);
  return { money: dueFor(terms, blocks), blocks };
}

/** What OCASC asks of a challenge: the terms' stake, or twice the gas of its answer by the base fee. */
export function challengeStakeWei(leastWei: bigint, { answerGas, baseFeeWei }: QuestionCosts): bigint {
  const cost = 2n * answerGas * (baseFeeWei ?? 0n);
  return cost > leastWei ? cost : leastWei;
}

/** What OCASC asks of a demand: the gas of its answer by the base fee, and nothing where there is none. */
export function demandStakeWei({ demandGas, baseFeeWei }: QuestionCosts): bigint {
  return demandGas * (baseFeeWei ?? 0n);
}

/**
 * The least stake with which answers of challenges pay for themselves on a chain without base fee, where OCASC knows no gas
 * price; null where the base fee sees to it.
 */
export function leastStakeWei({ answerGas, baseFeeWei, gasPriceWei }: QuestionCosts): bigint | null {
  return baseFeeWei === null ? 2n * answerGas * gasPriceWei : null;
}

function atLeastZero(value: bigint): bigint {
  return value > 0n ? value : 0n;
}
