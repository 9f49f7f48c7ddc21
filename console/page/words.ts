import { printable } from '../../client/printable.ts';
import { counted } from '../../core/counted.ts';
import { STATE, type State } from '../engine/questions.ts';

/** Numbers, times and states as the page writes them. */

export function count(number: number): string {
  return number.toLocaleString('en');
}

const STEPS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
];

/** From then on it is said how long the page waits. */
export const LONG_MS = 3_000;

/** A span of time in its largest unit: `3 minutes`. */
export function span(ms: number): string {
  const [unitMs, name] = STEPS.find(([unit]) => ms >= unit) ?? [1_000, 'second'];
  return counted(Math.max(0, Math.round(ms / unitMs)), name);
}

export function ago(ms: number, nowMs: number): string {
  const since = nowMs - ms;
  return since < 1_000 ? 'just now' : `${span(since)} ago`;
}

/** `2026-11-30 10:12:03 UTC`. */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** One time where both ends read alike. */
export function utcSpan(fromMs: number, toMs: number): string {
  const [from, to] = [utc(fromMs), utc(toMs)];
  return from === to ? from : `${from} to ${to}`;
}

export function bytes(size: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, size)) / 10)));
  const value = size / 1024 ** step;
  return step === 0
    ? counted(size, 'byte')
    : `${value.toLocaleString('en', { maximumFractionDigits: 1 })} ${units[step]}`;
}

/** An id or an account, short enough for a line; the whole of it stands in the title. */
export function short(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 8)}…${hex.slice(-4)}`;
}

/** A name that somebody else chose. */
export function named(name: string | null, dataset: string): string {
  return name === null ? short(dataset) : printable(name);
}

export const KINDS = ['encrypted', 'not encrypted', 'attached'] as const;

/** What each state means, in words; the most serious first. */
export const STATE_WORDS: Readonly<Record<State, string>> = {
  [STATE.damaged]: 'damaged',
  [STATE.missing]: 'not returned',
  [STATE.refused]: 'refused',
  [STATE.unrecorded]: 'not recorded',
  [STATE.disowned]: 'disowned',
  [STATE.retrieved]: 'intact, every byte hashed here',
  [STATE.possession]: 'intact, a random part proven',
  [STATE.attested]: 'intact, by its hash',
  [STATE.unchecked]: 'never checked',
};

const DECIMALS = 18;

/** An amount of the chain's coin, or of a token in its smallest units. */
export function amount(units: string, isCoin: boolean): string {
  if (!isCoin) return `${BigInt(units).toLocaleString('en')} units of the token`;
  const padded = units.padStart(DECIMALS + 1, '0');
  const whole = BigInt(padded.slice(0, -DECIMALS)).toLocaleString('en');
  const rest = padded.slice(-DECIMALS).replace(/0+$/, '');
  return `${whole}${rest === '' ? '' : `.${rest}`} ether`;
}
