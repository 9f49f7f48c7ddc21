import { to0x } from '../core/bytes.ts';
import { HIDING } from '../core/hiding-characters.ts';

const ALL_HIDING = new RegExp(HIDING, 'gu');

/**
 * A value as JSON on a line of its own. What a terminal would obey, and what it would hide, is escaped: `JSON.stringify` leaves
 * C1 controls, bidirectional marks and line separators as they are. For whoever parses it nothing changes.
 */
export function jsonLine(value: object | string): string {
  // The braces of JSON hold such characters in texts alone, where each may be written as its number.
  return `${JSON.stringify(value, plainValue).replace(ALL_HIDING, escapeUnits)}\n`;
}

function escapeUnits(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/** What JSON has no number or list for: amounts are decimal texts, as its numbers end at 2^53, and bytes are hex. */
function plainValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? to0x(value) : value;
}
