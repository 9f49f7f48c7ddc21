import * as z from 'zod';

/** Characters that move or hide what is shown, or break a line: none of them is in a text that strangers read. */
const HIDING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function isOneLine(text: string): boolean {
  return !HIDING.test(text) && text === text.normalize('NFC') && text === text.trim();
}

/** One line of text for people: NFC, nothing that hides or moves what is shown, no blanks at its ends. */
export const lineOf = (most: number) =>
  z.string().min(1).max(most).refine(isOneLine, 'must be one line of NFC text without control characters');

/** The same in several lines. */
export const linesOf = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine(
      (text) => text === text.trim() && text.split('\n').every((line) => line === '' || isOneLine(line.trimEnd())),
      'must be lines of NFC text without control characters',
    );

/** A text as `lineOf` takes it, from one that need not be: cut, and null where nothing is left. */
export function toLine(text: string, most: number): string | null {
  const line = text.normalize('NFC').replace(new RegExp(HIDING, 'gu'), ' ').trim();
  return line === ''
    ? null
    : line
        .slice(0, most)
        .replace(/[\ud800-\udbff]$/, '')
        .trim();
}
