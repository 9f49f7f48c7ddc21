import type { Table } from '../../core/ports/table.ts';
import { RECONCILE_PK, RECONCILE_SK } from './entries.ts';

/** Up to which key the bucket was compared in this round; null: the round begins. */
export interface ReconcileCursor {
  readonly after: string | null;
  /** Of the item; null when there is none. */
  readonly version: number | null;
}

/** A damaged item begins a round anew. */
export async function readCursor(table: Pick<Table, 'get'>, signal?: AbortSignal): Promise<ReconcileCursor> {
  const item = await table.get(RECONCILE_PK, RECONCILE_SK, signal);
  const after = typeof item?.after === 'string' ? item.after : null;
  return { after, version: item?.version ?? null };
}

/** Where another run has moved it meanwhile, it stays there. */
export async function writeCursor(
  table: Table,
  { after, version }: ReconcileCursor,
  signal?: AbortSignal,
): Promise<void> {
  const condition = version === null ? 'absent' : { version };
  await table.put({ pk: RECONCILE_PK, sk: RECONCILE_SK, after }, condition, signal);
}
