import { countStates } from '../engine/block-map.ts';
import type { DatasetRow } from '../engine/questions.ts';
import { STATE } from '../engine/questions.ts';
import { type DatasetState, datasetState, type PageState } from './store.ts';

/** Rows whose name, id or owner has what is looked for. */
export function findRows(rows: readonly DatasetRow[], search: string): readonly DatasetRow[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return rows;
  return rows.filter(
    ({ name, dataset, owner }) =>
      name?.toLowerCase().includes(wanted) === true || dataset.startsWith(wanted) || owner?.startsWith(wanted) === true,
  );
}

/** How many blocks this browser has found damaged or gone. */
export function damagedBlocks({ map }: Pick<DatasetState, 'map'>): number {
  if (map === null) return 0;
  const counts = countStates(map);
  return (counts.get(STATE.damaged) ?? 0) + (counts.get(STATE.missing) ?? 0);
}

/** Why a dataset wants to be looked at, the most serious first; null where nothing is known against it. */
export function trouble(
  page: Pick<PageState, 'standings' | 'datasets'>,
  { dataset }: Pick<DatasetRow, 'dataset'>,
): string | null {
  const damaged = damagedBlocks(datasetState(dataset, page));
  if (damaged > 0) return `${damaged.toLocaleString('en')} damaged or missing`;
  const standing = page.standings.get(dataset);
  if (standing === undefined) return null;
  if (standing.faults.length > 0) return 'its history was changed';
  return standing.isLate ? 'its round is late' : null;
}
