/** Items that one BatchGetItem and one BatchWriteItem take, by DynamoDB. */
export const MOST_READ = 100;
export const MOST_WRITTEN = 25;

/** A list in pages of so many. */
export function pagesOf<T>(list: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most));
}
