import * as z from 'zod';
import { HIDING } from '../hiding-characters.ts';

/** More marks on one letter than any script puts there: a pile of them covers the lines above. */
const PILED = /(\p{M}{4})\p{M}+/u;

function isOneLine(text: string): boolean {
  return !HIDING.test(text) && !PILED.test(text) && text === text.normalize('NFC') && text === text.trim();
}

/** One line of text for people: NFC, nothing that hides or moves what is shown, no blanks at its ends. */
export const lineOf = (most: number) =>
  z.string().min(1).max(most).refine(isOneLine, 'must be one line of NFC text without control or invisible characters');

/** The same in several lines. */
export const linesOf = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine(
      (text) => text === text.trim() && text.split('\n').every((line) => line === '' || isOneLine(line.trimEnd())),
      'must be lines of NFC text without control or invisible characters',
    );

/** A text as `lineOf` takes it, from one that need not be: cut, and null where nothing is left. */
export function toLine(text: string, most: number): string | null {
  const line = text
    .normalize('NFC')
    .replace(new RegExp(HIDING, 'gu'), ' ')
    .replace(new RegExp(PILED, 'gu'), '$1')
    .trim();
  return line === ''
    ? null
    : line
        .slice(0, most)
        .replace(/[\ud800-\udbff]$/, '')
        .trim();
}
