import { HIDING } from '../core/hiding-characters.ts';

const ALL_HIDING = new RegExp(HIDING, 'gu');

/**
 * A text that others wrote, without characters that move or hide what is shown.
 *
 * @example
 * console.log(printable('red\u001b[31m') === 'red\ufffd[31m'); // true
 */
export function printable(text: string): string {
  return text.replace(ALL_HIDING, '\u{fffd}');
}
