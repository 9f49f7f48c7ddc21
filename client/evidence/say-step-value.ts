import { utcText } from '../utc-text.ts';

const MILLISECONDS = new Set(['at', 'to']);

/**
 * A value of a step as people read it: a time beside its number.
 * @param name of the value in its step
 *
 * @example
 * console.log(sayStepValue('timeSeconds', 0)); // 0 (1970-01-01T00:00:00.000Z)
 */
export function sayStepValue(name: string, value: string | number): string {
  if (typeof value !== 'number') return value;
  if (name === 'timeSeconds') return `${value} (${utcText(1000 * value)})`;
  return MILLISECONDS.has(name) ? `${value} (${utcText(value)})` : String(value);
}
