import type { BlockRange } from '../client/disowned-blocks.ts';
import type { Whereabouts } from '../client/owner/whereabouts.ts';
import { printable } from '../client/printable.ts';

/** The largest time that a Date takes, ms since 1970. */
const LAST_MS = 8_640_000_000_000_000;

/** `2026-11-29 10:00:05 UTC` */
export function timeText(ms: number): string {
  return ms > LAST_MS ? `${ms} ms` : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function blocksText({ from, to }: BlockRange): string {
  return from === to ? `block ${from}` : `blocks ${from} to ${to}`;
}

/** Which files and which hours are damaged, as sentences with a space in front; nothing where nothing shows it. */
export function whereText({ names, moreNames, capturedFromMs, capturedToMs, isExact }: Whereabouts): string {
  const more = moreNames === 0 ? '' : ` and ${moreNames} more`;
  const of = names.length === 0 ? '' : `${names.map(printable).join(', ')}${more}`;
  const time = captureText(capturedFromMs, capturedToMs, isExact);
  if (isExact) return ` ${time}${of === '' ? '' : `, of ${of}`}.`;
  return `${time === '' ? '' : ` ${time}, as the neighbouring blocks show.`}${of === '' ? '' : ` Probably of ${of}.`}`;
}

/** A reason that others wrote, as a sentence. */
export function sentence(reason: string): string {
  const text = printable(reason.trim());
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}

function captureText(fromMs: number | null, toMs: number | null, isExact: boolean): string {
  if (fromMs === null) return toMs === null ? '' : `Captured before ${timeText(toMs)}`;
  if (toMs === null) return `Captured after ${timeText(fromMs)}`;
  const [from, to] = [timeText(fromMs), timeText(toMs)];
  if (from === to) return `Captured ${from}`;
  return isExact ? `Captured ${from} to ${to}` : `Captured between ${from} and ${to}`;
}
