import type { Table } from '../../core/ports/table.ts';
import { queryPages } from './query-pages.ts';

/** Deletes the items of a partition whose keys lie in the range, both ends included: one after the other, in that order. */
export async function deleteRange(
  table: Table,
  pk: string,
  range: { readonly from: string; readonly to: string; readonly reverse: boolean },
  signal?: AbortSignal,
): Promise<void> {
  for await (const items of queryPages(table, pk, range, signal)) {
    for (const { sk } of items) await table.delete(pk, sk, 'any', signal);
  }
}
