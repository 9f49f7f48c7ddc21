import { InvalidArgumentError } from 'commander';
import { parseDuration } from './device/parse-units.ts';

/** The one rule for times, as help says it. */
const TIME_FORM = 'a time with its zone, 2026-11-22T10:00:00Z or 2026-11-22T10:00+02:00, or 13 digits of ms since 1970';

const ISO_TIME =
  /^(?<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ](?<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)(?<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?$/i;

/**
 * A moment in ms since 1970. What could be meant in two ways is refused, with the form that is right: a number of seconds, a
 * time without a zone (here it would be one thing, on the server another), a date without a time, a day that no month has.
 * @throws InvalidArgumentError
 */
export function parseTime(text: string): number {
  if (/^[0-9]+$/.test(text)) return parseNumber(text);
  const { date, time, zone } = ISO_TIME.exec(text)?.groups ?? {};
  if (date === undefined) throw new InvalidArgumentError(`${text} is not a time. Give ${TIME_FORM}.`);
  requireDay(text, date);
  if (time === undefined || zone === undefined) {
    const whole = `${date}T${time ?? '00:00:00'}`.replace(',', '.');
    const what = time === undefined ? 'is a day, not a time' : 'has no time zone';
    throw new InvalidArgumentError(`${text} ${what}. Give ${whole}Z for UTC, or ${whole}${localZone(whole)} for here.`);
  }
  const colon = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const value = Date.parse(`${date}T${time.replace(',', '.')}${colon}`);
  // ECMAScript takes 24:00:00 for the next day's beginning.
  if (Number.isNaN(value) || time.startsWith('24')) {
    throw new InvalidArgumentError(`${text} is not a time, because the hour or the offset does not exist.`);
  }
  if (value < 0) throw new InvalidArgumentError(`${text} is before 1970. Give a later time.`);
  return value;
}

/** A time as in parseTime, or from now on a duration such as 30m or 7d, as seconds since 1970. */
export function parseUntil(text: string): number {
  const isDuration = /^[0-9]{1,9}(s|m|h|d)$/.test(text);
  return Math.floor((isDuration ? Date.now() + parseDuration(text) : parseTime(text)) / 1000);
}

function showTime(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

const MS_DIGITS = 13;
const SECONDS_DIGITS = 10;

function parseNumber(text: string): number {
  if (text.length === MS_DIGITS && !text.startsWith('0')) return Number(text);
  if (text.length === SECONDS_DIGITS && !text.startsWith('0')) {
    const ms = 1000 * Number(text);
    throw new InvalidArgumentError(
      `${text} looks like seconds since 1970; as milliseconds it would be in January 1970. Give ${ms}, or ${showTime(ms)}.`,
    );
  }
  throw new InvalidArgumentError(`${text} is not a time. Give ${TIME_FORM}.`);
}

function requireDay(text: string, date: string): void {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  const read = new Date(Date.UTC(year, month - 1, day));
  if (read.getUTCFullYear() === year && read.getUTCMonth() === month - 1 && read.getUTCDate() === day) return;
  throw new InvalidArgumentError(`${text} is not a time, because the calendar has no ${date}.`);
}

/** The offset of this machine's zone at that time, such as -05:00. */
function localZone(time: string): string {
  const minutes = -new Date(time).getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  if (Number.isNaN(minutes)) return '+00:00';
  return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
}
