import { InvalidArgumentError } from 'commander';

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

/** A time: ISO 8601, or milliseconds since 1970. */
export function parseTime(text: string): number {
  const value = /^[0-9]{10,16}$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvalidArgumentError(`${text} is not a time such as 2026-11-22T10:00:00Z or milliseconds since 1970.`);
  }
  return value;
}
