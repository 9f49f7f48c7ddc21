import type { Item, Table } from '../../core/ports/table.ts';

const PAGE = 256;

/** Items of a partition whose keys lie in the range, both ends included: a query for each page, as pages are taken. */
export async function* queryPages(
  table: Pick<Table, 'query'>,
  pk: string,
  range: { readonly from: string; readonly to: string; readonly reverse?: boolean; readonly page?: number },
  signal?: AbortSignal,
): AsyncGenerator<Item[]> {
  const { reverse = false, page: limit = PAGE } = range;
  let { from, to } = range;
  for (;;) {
    const { items, next } = await table.query(pk, { from, to, limit, reverse }, signal);
    yield items;
    if (next === null) return;
    if (reverse) to = next;
    else from = next;
  }
}
