/**
 * How a dataset's content is kept, for life, as its id is made of it: 0 encrypted, 1 plain, 2 attached (plain, and the bytes
 * stay where another program has put them).
 */
export type DatasetKind = 0 | 1 | 2;

export const ENCRYPTED = 0 satisfies DatasetKind;
export const PLAIN = 1 satisfies DatasetKind;
export const ATTACHED = 2 satisfies DatasetKind;

export function isDatasetKind(value: unknown): value is DatasetKind {
  return value === 0 || value === 1 || value === 2;
}
