import { ArgumentError } from '../errors.ts';

/** Chunks of a block of 1 MiB, the largest there is: where the least is to be caught by one challenge. */
export const MOST_CHUNKS = 1024;

/** An owner who has lost chunks of one block, and a consumer who challenges that block on the chain. */
export interface Hunt {
  readonly challenges: number;
  /** Of the block. */
  readonly chunks: number;
  /** Of them, those that nobody has any more. */
  readonly lost: number;
}

/**
 * Probability that at least one of some challenges of random seeds meets a lost chunk: 1 - (1 - lost/chunks)^challenges. An owner
 * who keeps the hashes of the lost ones answers all other seeds, as their paths need no more.
 * @throws ArgumentError for what is no count, or more lost than there are
 */
export function chanceOfCatching({ challenges, chunks, lost }: Hunt): number {
  for (const value of [challenges, chunks, lost]) {
    if (!Number.isSafeInteger(value) || value < 0) throw new ArgumentError(`${value} is not a count.`);
  }
  if (chunks < 1 || lost > chunks) throw new ArgumentError(`Of ${chunks} chunks, ${lost} cannot be lost.`);
  if (lost === chunks) return challenges === 0 ? 0 : 1;
  return -Math.expm1(challenges * Math.log1p(-lost / chunks));
}

/**
 * From which part of a block's chunks lost on, one challenge wins more on average than it costs: it wins `winWei` with the
 * probability p that its chunk is lost, and costs `stakeWei` otherwise, so p = stake / (stake + win). Gas comes to it.
 */
export function breakEvenFraction(stakeWei: bigint, winWei: bigint): number {
  if (stakeWei === 0n) return 0;
  if (winWei <= 0n) return 1;
  return Number((1_000_000_000n * stakeWei) / (stakeWei + winWei)) / 1e9;
}
