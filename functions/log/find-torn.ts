import type { DatasetId } from '../../core/ids.ts';
import type { TableReader } from '../ports.ts';
import type { LogEntry } from '../state/entries.ts';
import { batchOf, findLogEntry, isPart, readLogEntry } from '../state/log-entry.ts';
import { isReadable, readSegmentEntry } from '../state/segment-entry.ts';

/** Consecutive entries of the log whose borders are borders of batches, and the entry before them. */
export interface Torn {
  readonly before: LogEntry | null;
  readonly entries: readonly LogEntry[];
}

/** More of them in a row were torn by many lost batches: a rebuild goes through all of them. */
const MOST_ENTRIES = 64;

/** A gap with the parts of batches beside it, and the gaps that the others of these parts lie in; null when the log has a hole there. */
export async function findTorn(
  table: TableReader,
  dataset: DatasetId,
  gap: LogEntry,
  signal?: AbortSignal,
): Promise<Torn | null> {
  const goesOn = async (entry: LogEntry): Promise<boolean> => {
    const name = isPart(entry) ? batchOf(entry) : null;
    const segment = name === null ? null : await readSegmentEntry(table, dataset, name, signal);
    return segment !== null && isReadable(segment) && segment.headSize > entry.size;
  };
  const entries = [gap];
  let before: LogEntry | null = null;
  for (;;) {
    const [first] = entries as [LogEntry];
    before = first.first === 0 ? null : await readLogEntry(table, dataset, first.first, signal);
    if (first.first > 0 && before === null) return null;
    const isTorn = before !== null && (first.batch !== undefined || (await goesOn(before)));
    if (!isTorn || before === null) break;
    entries.unshift(before);
    if (entries.length > MOST_ENTRIES) return null;
  }
  for (;;) {
    const last = entries.at(-1) as LogEntry;
    const after = await findLogEntry(table, dataset, last.size, signal);
    const isTorn = after !== null && (after.batch !== undefined || (await goesOn(last)));
    if (!isTorn) return { before, entries };
    entries.push(after);
    if (entries.length > MOST_ENTRIES) return null;
  }
}
