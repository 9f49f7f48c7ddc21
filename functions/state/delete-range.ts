import type { Table } from '../../core/ports/table.ts';

const PAGE = 256;

/** Deletes the items of a partition whose keys lie in the range, both ends included: one after the other, in that order. */
export async function deleteRange(
  table: Table,
  pk: string,
  range: { readonly from: string; readonly to: string; readonly reverse: boolean },
  signal?: AbortSignal,
): Promise<void> {
  let { from, to } = range;
  for (;;) {
    const { items, next } = await table.query(pk, { from, to, limit: PAGE, reverse: range.reverse }, signal);
    for (const { sk } of items) await table.delete(pk, sk, 'any', signal);
    if (next === null) return;
    if (range.reverse) to = next;
    else from = next;
  }
}
