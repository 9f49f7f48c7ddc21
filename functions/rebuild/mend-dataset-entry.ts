import type { DatasetId } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import type { DatasetEntry } from '../state/entries.ts';

/** Fields that nothing else can tell, or that only grow, and what each of them is. */
const KEPT: Readonly<Partial<Record<keyof DatasetEntry, 'boolean' | 'number' | 'string'>>> = {
  longestSpanMs: 'number',
  direct: 'boolean',
  suspendedAtSize: 'number',
  suspendedUpTo: 'number',
  suspendedReason: 'string',
  unpaid: 'string',
};

/** Keeps of a dataset's entry what is sound and cannot be found elsewhere; the rest is found anew. Answers with the junk noted there. */
export async function mendDatasetEntry(table: Table, dataset: DatasetId, signal?: AbortSignal): Promise<Junk> {
  const mend = (entry: DatasetEntry): DatasetEntry => {
    const junk = junkOf(entry);
    const fields: Readonly<Record<string, unknown>> = { ...entry };
    const kept = Object.entries(KEPT).filter(([name, type]) => typeof fields[name] === type);
    return { longestSpanMs: 0, ...Object.fromEntries(kept.map(([name]) => [name, fields[name]])), ...junk };
  };
  return junkOf(await changeDatasetEntry(table, dataset, mend, signal));
}

/** What the device that writes now has stored that is no segment; nobody can tell it of another's objects later. */
export type Junk = Pick<DatasetEntry, 'junkBytes' | 'junkObjects' | 'junkBy'>;

/** Puts back what was noted before the objects were looked at again: most are not of the device that writes now. */
export async function restoreJunk(table: Table, dataset: DatasetId, junk: Junk, signal?: AbortSignal): Promise<void> {
  const restore = ({ junkBytes: _, junkObjects: __, junkBy: ___, ...entry }: DatasetEntry) => ({ ...entry, ...junk });
  await changeDatasetEntry(table, dataset, restore, signal);
}

function junkOf({ junkBytes, junkObjects = 0, junkBy }: DatasetEntry): Junk {
  const isSound = typeof junkBytes === 'number' && typeof junkObjects === 'number' && typeof junkBy === 'string';
  return isSound ? { junkBytes, junkObjects, junkBy } : {};
}
