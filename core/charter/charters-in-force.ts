import type { Address } from '../ids.ts';
import { anchorerOf, type Charter, isSameCharter } from './charter.ts';

/** Where something stands in the chain. */
export interface ChainPlace {
  readonly blockNumber: number;
  /** Of the event in its block: an order within one block. */
  readonly logIndex: number;
}

/** A charter that DISSC has accepted, by its event `Chartered`. */
export interface CharteredEvent extends ChainPlace {
  readonly charter: Charter;
}

/** All charters of one dataset that count: the first, whether it was ever sent or not, and those on the chain. */
export interface CharterHistory {
  /** Null where it is not known: off the chain two of its serial contradict each other, or nobody has shown it. */
  readonly first: Charter | null;
  /** Oldest first; their serials rise, as DISSC skips others. */
  readonly chartered: readonly CharteredEvent[];
}

/**
 * The charters that count (specification#charters-in-force). The first is the one of the lowest serial. Off the chain a
 * charter is the owner's word, so `shown` ones must carry the owner's signature; of two of one serial the chain's counts,
 * and where it has neither, none does. Later ones count on the chain only.
 * @example
 * const history = charterHistory([shownByService], charteredEvents);
 * const device = charterInForce(history, finalBlock)?.device;
 */
export function charterHistory(shown: readonly Charter[], events: readonly CharteredEvent[]): CharterHistory {
  const chartered = [...events].sort(byPlace);
  const onChain = new Set(chartered.map(({ charter }) => charter.serial));
  const bySerial = Map.groupBy(
    shown.filter(({ serial }) => !onChain.has(serial)),
    ({ serial }) => serial,
  );
  const counting = [
    ...chartered.map(({ charter }) => charter),
    ...[...bySerial.values()].flatMap(([one, ...others]) =>
      one !== undefined && others.every((other) => isSameCharter(one, other)) ? [one] : [],
    ),
  ];
  const first = counting.reduce<Charter | null>(
    (low, one) => (low === null || one.serial < low.serial ? one : low),
    null,
  );
  return { first, chartered };
}

/**
 * Serials of which two different charters are shown and the chain has neither: the owner's fault, and none of them counts.
 */
export function contradictorySerials(shown: readonly Charter[], events: readonly CharteredEvent[]): number[] {
  const onChain = new Set(events.map(({ charter }) => charter.serial));
  return [...Map.groupBy(shown, ({ serial }) => serial)]
    .filter(([serial, group]) => !onChain.has(serial) && !group.every((one) => isSameCharter(one, group[0] as Charter)))
    .map(([serial]) => serial)
    .sort((a, b) => a - b);
}

/**
 * The charter in force at a chain block: the newest `Chartered` at or before it; before the first of them the first charter.
 * Null when there is none.
 */
export function charterInForce({ first, chartered }: CharterHistory, blockNumber: number): Charter | null {
  return chartered.findLast((event) => event.blockNumber <= blockNumber)?.charter ?? first;
}

/** The charters that count for an agreement: the `Chartered` before its `offer` alone, and the first. */
export function chartersBefore({ first, chartered }: CharterHistory, offer: ChainPlace): CharterHistory {
  return { first, chartered: chartered.filter((event) => byPlace(event, offer) < 0) };
}

/** Whether a round counts for a dataset: the charter in force at the round's chain block names its anchorer. */
export function doesRoundCount(
  history: CharterHistory,
  round: { readonly anchorer: Address; readonly blockNumber: number },
): boolean {
  const charter = charterInForce(history, round.blockNumber);
  return charter !== null && anchorerOf(charter) === round.anchorer;
}

/** All charters of a history, by serial. */
export function chartersBySerial({ first, chartered }: CharterHistory): Charter[] {
  const charters = chartered.map(({ charter }) => charter);
  const isSent = first === null || charters.some(({ serial }) => serial === first.serial);
  return (isSent ? charters : [first, ...charters]).sort((a, b) => a.serial - b.serial);
}

/** The serial that a device's keys are made of: that of the first charter that names it, or null when none does. */
export function deviceSerial(history: CharterHistory, device: Address): number | null {
  return chartersBySerial(history).find((charter) => charter.device === device)?.serial ?? null;
}

/** Earlier in the chain first. */
export function byPlace(a: ChainPlace, b: ChainPlace): number {
  return a.blockNumber - b.blockNumber || a.logIndex - b.logIndex;
}
