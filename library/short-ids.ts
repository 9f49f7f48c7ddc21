import { ArgumentError } from '../core/errors.ts';

const LEAST = 8;
const WHOLE = 64;
/** Candidates that are named where an id is not clear. */
const SHOWN = 3;

/** As much of each id as tells it from the others: 0x and eight digits, or more where that is not enough. */
export function shortIds(ids: readonly string[]): (id: string) => string {
  const sorted = [...new Set(ids)].sort();
  const lengths = new Map(
    sorted.map((id, i) => {
      const shared = Math.max(sharedLength(id, sorted[i - 1] ?? ''), sharedLength(id, sorted[i + 1] ?? ''));
      return [id, Math.max(2 + LEAST, shared + 1)];
    }),
  );
  return (id) => id.slice(0, lengths.get(id) ?? id.length);
}

/** Whether a text is a whole id, or its beginning: 0x and 8 to 64 hex digits. */
export function isIdPrefix(text: string): boolean {
  return new RegExp(`^0x[0-9a-fA-F]{${LEAST},${WHOLE}}$`).test(text);
}

/** Whether a text is all of an id: 0x and 64 hex digits. */
export function isWholeId(text: string): boolean {
  return isIdPrefix(text) && text.length === 2 + WHOLE;
}

/**
 * The whole id that a text is the beginning of. One that is whole is taken as it is, and nothing is looked up.
 * @param find all ids there are
 * @throws ArgumentError when it is not the beginning of exactly one
 */
export async function resolveId<T extends string>(
  text: string,
  what: string,
  find: () => Promise<readonly T[]>,
): Promise<T> {
  if (!isIdPrefix(text)) {
    throw new ArgumentError(
      `${text} is not the id of ${what}, which is 0x and 64 hex digits, or at least the first ${LEAST} of them.`,
    );
  }
  return isWholeId(text) ? (text.toLowerCase() as T) : pickId(text, what, await find());
}

/** The one of these ids that begins so. @throws ArgumentError when it is not exactly one, with some of those it may be */
export function pickId<T extends string>(text: string, what: string, ids: readonly T[]): T {
  const prefix = text.toLowerCase();
  const fitting = [...new Set(ids)].filter((id) => id.startsWith(prefix));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const more = fitting.length > SHOWN ? ` and ${fitting.length - SHOWN} more` : '';
  throw new ArgumentError(
    fitting.length === 0
      ? `No id of ${what} begins with ${prefix}. Check the id, or give all of it.`
      : `${fitting.length} ids of ${what} begin with ${prefix}: ${fitting.slice(0, SHOWN).join(', ')}${more}. Give more digits.`,
  );
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
