import type { Address, DatasetId } from '../../core/ids.ts';
import { MAX_GROWTH_BLOCKS } from '../../core/limits.ts';
import type { Table } from '../../core/ports/table.ts';
import type { LogEntry } from '../state/entries.ts';
import { findLogEntry, readLastEntries } from '../state/log-entry.ts';

/** An entry of the log whose head a device has signed. */
export type SignedEntry = LogEntry & { readonly signature: Uint8Array };

/** How far behind the log's end a head of the device is looked for, where others have signed what came later. */
const LOOKED_BACK = 1_000;

/**
 * The newest head in the verified log that DISSC takes on a head of `recordedSize` blocks: signed by the device that writes the
 * dataset now, and not too much at once. Null when there is none.
 */
export async function findNewestHead(
  table: Table,
  dataset: DatasetId,
  { recordedSize, device }: { readonly recordedSize: number; readonly device: Address },
  end: LogEntry,
  signal?: AbortSignal,
): Promise<SignedEntry | null> {
  const most = recordedSize + MAX_GROWTH_BLOCKS;
  const fits = (entry: LogEntry | null): entry is SignedEntry =>
    entry !== null &&
    entry.size > recordedSize &&
    entry.size <= most &&
    entry.signature !== null &&
    entry.signer === device;
  if (fits(end)) return end;
  if (end.size <= recordedSize) return null;
  if (end.size <= most) {
    return (await readLastEntries(table, dataset, LOOKED_BACK, signal)).find(fits) ?? null;
  }
  // More has come than one head may add: one after another.
  const last = await findLogEntry(table, dataset, most - 1, signal);
  const before = last === null ? null : await findLogEntry(table, dataset, last.first - 1, signal);
  return [last, before].find(fits) ?? null;
}
