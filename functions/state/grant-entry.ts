import type { DatasetId } from '../../core/ids.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import type { Table } from '../../core/ports/table.ts';
import { datasetPk, grantSk } from './entries.ts';

/** One accepts no more for a dataset, and ends them: so a list is one read of the chain. */
export const MAX_GRANTS = 64;

const IDS_FROM = grantSk('0x' as GrantId);
const IDS_TO = grantSk('0xg' as GrantId);

/** The grants of ASC that are known for a dataset, whatever became of them: what they allow is for the chain to say. */
export async function listGrantIds(table: Table, dataset: DatasetId, signal?: AbortSignal): Promise<GrantId[]> {
  const range = { from: IDS_FROM, to: IDS_TO, limit: MAX_GRANTS };
  const { items } = await table.query(datasetPk(dataset), range, signal);
  return items.map(({ sk }) => sk.slice(sk.indexOf('#') + 1) as GrantId);
}

/** Makes a grant known; repeating it changes nothing that is looked at. */
export async function rememberGrant(
  table: Table,
  dataset: DatasetId,
  id: GrantId,
  signal?: AbortSignal,
): Promise<void> {
  await table.put({ pk: datasetPk(dataset), sk: grantSk(id) }, 'any', signal);
}

/** For grants that have ended, finally. */
export async function forgetGrant(table: Table, dataset: DatasetId, id: GrantId, signal?: AbortSignal): Promise<void> {
  await table.delete(datasetPk(dataset), grantSk(id), 'any', signal);
}
