import { ArgumentError } from '../core/errors.ts';

const LEAST = 8;
const WHOLE = 64;

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
  const prefix = text.toLowerCase();
  if (!isIdPrefix(text)) {
    throw new ArgumentError(`${text} is not an id of ${what}: 0x and 64 hex digits, or at least the first ${LEAST}.`);
  }
  if (prefix.length === 2 + WHOLE) return prefix as T;
  const fitting = [...new Set(await find())].filter((id) => id.startsWith(prefix));
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  throw new ArgumentError(
    fitting.length === 0
      ? `No ${what} begins with ${prefix}. Check the id, or give all of it.`
      : `${fitting.length} ids of ${what} begin with ${prefix}: ${fitting.slice(0, 3).join(', ')}. Give more digits.`,
  );
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length++;
  return length;
}
