import { nodeRuntime } from '../adapters/runtime/node-runtime.ts';
import { defaultPlainSamples } from '../core/agreement/previews.ts';
import { MAX_SAMPLES } from '../core/agreement/quota.ts';
import type { Terms } from '../core/agreement/terms.ts';
import { ENCRYPTED } from '../core/charter/kind.ts';
import { ArgumentError } from '../core/errors.ts';
import { type Address, NATIVE_COIN } from '../core/ids.ts';
import type { DatasetEntry } from './dataset-list.ts';

/** What a person says of an offer; the rest is filled in. */
export interface OfferTerms {
  readonly blocks: { from: number; to: number };
  readonly price: bigint;
  readonly fee: bigint;
  readonly bond: bigint;
  readonly stake: bigint;
  readonly maxChallenges: number;
  readonly maxDemands: number;
  readonly previews?: number;
  readonly samples?: number;
  readonly window: number;
  readonly duration: number;
  readonly acceptBy?: number;
  readonly consumer?: Address;
  readonly token?: Address;
}

const ANYBODY = `0x${'00'.repeat(20)}` as Address;
export const DAY_SECONDS = 86_400;
/** 99 % sure to see 1 % (specification#verdicts). */
export const DEFAULT_SAMPLES = 460;
/** OCASC takes no more. */
const MAX_PREVIEWS = 8;

/**
 * The terms of an offer. Of an encrypted dataset a sample shows nothing, and an audit's worth of them is given; of others a
 * sample is the content itself, and as many are as the fee pays for.
 * @param named how the reader of an error has named a term: `maxDemands`, or `--max-demands`
 * @throws ArgumentError naming the term that OCASC, or a consumer who looks, would refuse
 */
export function termsOf(
  { dataset, kind }: Pick<DatasetEntry, 'dataset' | 'kind'>,
  options: OfferTerms,
  named: (term: keyof OfferTerms) => string,
): Terms {
  const { price, fee, bond, stake, maxChallenges, maxDemands, window, duration } = options;
  const count = options.blocks.to - options.blocks.from + 1;
  const isEncrypted = kind === ENCRYPTED;
  if (fee > price || fee > bond) {
    throw new ArgumentError(`${named('fee')} is ${fee}; it can be at most the price, ${price}, and the bond, ${bond}.`);
  }
  if (duration <= window) {
    throw new ArgumentError(
      `${named('duration')} is ${duration} s; it must be longer than ${named('window')}, ${window} s, because nothing is paid for in the last window.`,
    );
  }
  const samples =
    options.samples ??
    Math.min(
      isEncrypted ? DEFAULT_SAMPLES : defaultPlainSamples({ count, price, fee }),
      isEncrypted ? count : MAX_SAMPLES,
    );
  const previews = options.previews ?? (isEncrypted ? Math.min(1, samples) : 0);
  const requireAtMost = (term: keyof OfferTerms, value: number, most: number): void => {
    if (value > most) throw new ArgumentError(`${named(term)} is ${value}; at most ${most} are allowed.`);
  };
  requireAtMost('samples', samples, MAX_SAMPLES);
  if (previews > Math.min(samples, MAX_PREVIEWS)) {
    throw new ArgumentError(
      `${named('previews')} is ${previews}; at most ${Math.min(samples, MAX_PREVIEWS)} of the ${samples} samples can be previews.`,
    );
  }
  if (count > 0xffff_ffff) throw new ArgumentError(`${count} blocks are too many for one offer.`);
  if (stake >= 2n ** 96n) throw new ArgumentError(`${named('stake')} is ${stake}; it must be below 2^96 wei.`);
  requireAtMost('maxChallenges', maxChallenges, 0xffff);
  requireAtMost('maxDemands', maxDemands, 0xffff);
  return {
    dataset,
    first: options.blocks.from,
    count,
    token: options.token ?? NATIVE_COIN,
    price,
    fee,
    bond,
    stakeWei: stake,
    maxChallenges,
    maxDemands,
    samples,
    previews,
    windowSeconds: window,
    durationSeconds: duration,
    acceptBySeconds: BigInt(options.acceptBy ?? Math.floor(nodeRuntime.nowMs() / 1000) + 7 * DAY_SECONDS),
    consumer: options.consumer ?? ANYBODY,
  };
}
