import { InvalidArgumentError } from 'commander';
import { type Address, address } from '../core/ids.ts';
import { parseDuration } from './device/parse-units.ts';

/** A count from 1 to 2^53 - 1. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError(`${text} is not a number of 1 or more.`);
  }
  return value;
}

/** A number between 0 and 1, both excluded. */
export function parseFraction(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1))
    throw new InvalidArgumentError(`${text} is not a number between 0 and 1, such as 0.01.`);
  return value;
}

/** `from-to` or one number; block numbers from 0, both ends included. */
export function parseRange(text: string): { from: number; to: number } {
  const match = /^([0-9]{1,15})(?:-([0-9]{1,15}))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = match?.[2] === undefined ? from : Number(match[2]);
  if (match === null || from > to) throw new InvalidArgumentError(`${text} is not a block range such as 0-999.`);
  return { from, to };
}

const DECIMALS: Readonly<Record<string, number>> = { units: 0, wei: 0, gwei: 9, ether: 18 };
const MAX_AMOUNT = 2n ** 128n - 1n;

/** An amount such as 1500wei, 20gwei or 0.05ether, in wei; of a token: 1500units, in its smallest units. */
export function parseAmount(text: string): bigint {
  const match = /^([0-9]{1,39})(?:\.([0-9]{1,18}))?(units|wei|gwei|ether)$/.exec(text);
  const [, whole = '', fraction = '', unit = ''] = match ?? [];
  const decimals = DECIMALS[unit];
  const value = decimals === undefined ? MAX_AMOUNT + 1n : BigInt(whole + fraction.padEnd(decimals, '0'));
  if (decimals === undefined || fraction.length > decimals || value > MAX_AMOUNT) {
    throw new InvalidArgumentError(
      `${text} is not an amount such as 1500wei, 20gwei or 0.05ether (of a token: 1500units).`,
    );
  }
  return value;
}

/** An account or a contract. */
export function parseAddress(text: string): Address {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text))
    throw new InvalidArgumentError(`${text} is not an address, which is 0x and 40 hex digits.`);
  return address(text.toLowerCase());
}

/** A duration of whole seconds such as 90, 90s, 5m or 7d. */
export function parseSeconds(text: string): number {
  const ms = /^[0-9]{1,9}$/.test(text) ? 1000 * parseCount(text) : parseDuration(text);
  if (ms % 1000 !== 0) throw new InvalidArgumentError(`${text} is not a whole number of seconds.`);
  return ms / 1000;
}

/** Number of a block, from 0. */
export function parseBlock(text: string): number {
  const value = Number(text);
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError(`${text} is not a block number.`);
  return value;
}

/** Ranges of blocks, such as 0-999,1005. */
export function parseRanges(text: string): { from: number; to: number }[] {
  return text.split(',').map(parseRange);
}
