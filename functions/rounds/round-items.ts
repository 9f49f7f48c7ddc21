import * as z from 'zod';
import { concatBytes, toHex } from '../../core/bytes.ts';
import type { Address, LogRoot, MapRoot, RoundBody, RoundRoot } from '../../core/ids.ts';
import type { Peaks } from '../../core/log/peaks.ts';
import type { Item } from '../../core/ports/table.ts';
import { splitHashes } from '../state/log-entry.ts';

/*
 * What an anchorer keeps of its rounds, under pk `ROUNDS#<account>`; numbers in keys are padded so that their text order is
 * their order.
 *
 *   MAP                     the map of the newest heads: written only in the version that was read
 *   N#<number>#<body>       a round as it was prepared, before it was sent
 *   A#<number>              a round that is final
 *   K#<round>               which number that is
 *   P#<number>#<map>#<i>    pages that no round after this one holds: for retention (thin-rounds.ts)
 *   THINNED                 up to which round not all are provable any more
 *
 * Pages of maps are `PAGE#<first two digits of the hash>`/<hash>, so that no partition of the table holds them all.
 */

const pad = (value: number): string => String(value).padStart(12, '0');

export const roundsPk = (account: Address): string => `ROUNDS#${account}`;
export const MAP_SK = 'MAP';
export const preparedSk = (number: number, body: RoundBody): string => `N#${pad(number)}#${toHex(body)}`;
export const preparedRange = (number: number) => ({
  from: `N#${pad(number)}#`,
  to: `N#${pad(number)}#~`,
  reverse: false,
});
export const finalSk = (number: number): string => `A#${pad(number)}`;
export const FINAL_RANGE = { from: 'A#', to: 'A#~' };
export const knownSk = (round: RoundRoot): string => `K#${toHex(round)}`;
export const replacedSk = (until: number, map: MapRoot, part: number): string =>
  `P#${pad(until)}#${toHex(map.subarray(0, 8))}#${part}`;
/** Of pages that rounds up to this one hold. */
export const replacedRange = (until: number) => ({ from: 'P#', to: `P#${pad(Math.max(0, until))}#~` });
export const THINNED_SK = 'THINNED';
export const pagePk = (hash: MapRoot): string => `PAGE#${toHex(hash.subarray(0, 1))}`;
export const pageKey = (hash: MapRoot) => ({ pk: pagePk(hash), sk: toHex(hash) });

/** The map that every head which was ever taken in is in: each round is made of it. */
export interface MapEntry {
  readonly map: MapRoot;
  /** When it first held something that no round has; null when the newest round was made of it. */
  readonly aheadSinceMs: number | null;
  /** Up to which round it may follow on maps that this table does not have: it was made again from the logs after that one. */
  readonly wholeSince: number;
}

/** A round that was prepared: its body is what DISSC's event names. */
export interface PreparedRound {
  readonly number: number;
  readonly previous: RoundRoot;
  readonly body: RoundBody;
  readonly map: MapRoot;
  /** Of the rounds before it. */
  readonly history: Peaks;
  readonly historyRoot: LogRoot;
}

/** A round that the chain has; `map` is null where this table does not know of what it was made. */
export interface ChainRound {
  readonly number: number;
  readonly root: RoundRoot;
  readonly previous: RoundRoot;
  readonly map: MapRoot | null;
  readonly history: Peaks;
  readonly historyRoot: LogRoot;
  readonly timeSeconds: number;
  readonly blockNumber: number;
  readonly txHash: string;
}

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const hash = bytes.refine((value) => value.length === 32);
const count = z.int().min(0);

const mapItem = z.object({ map: hash, aheadSinceMs: count.nullable(), wholeSince: count });
const roundItem = {
  number: z.int().min(1),
  previous: hash,
  history: bytes.refine((value) => value.length % 32 === 0),
  historyRoot: hash,
};
const preparedItem = z.object({ ...roundItem, body: hash, map: hash });
const finalItem = z.object({
  ...roundItem,
  ...{ root: hash, map: hash.nullable(), timeSeconds: count, blockNumber: count, txHash: z.string() },
});

/** Null for an item that is damaged: it is as if it were not there. */
export function parseMapEntry(item: Item | null): MapEntry | null {
  const parsed = mapItem.safeParse(item);
  return parsed.success ? { ...parsed.data, map: parsed.data.map as MapRoot } : null;
}

export function parsePrepared(item: Item | null): PreparedRound | null {
  const parsed = preparedItem.safeParse(item);
  return parsed.success ? (withPeaks(parsed.data) as unknown as PreparedRound) : null;
}

export function parseChainRound(item: Item | null): ChainRound | null {
  const parsed = finalItem.safeParse(item);
  return parsed.success ? (withPeaks(parsed.data) as unknown as ChainRound) : null;
}

/** A round's fields as an item has them. */
export function itemOfRound<R extends { readonly history: Peaks }>(round: R) {
  return { ...round, history: concatBytes(...round.history.peaks) };
}

/** A round's history has as many rounds as came before it. */
function withPeaks<P extends { readonly number: number; readonly history: Uint8Array }>(parsed: P) {
  return { ...parsed, history: { size: parsed.number - 1, peaks: splitHashes(parsed.history) } };
}
