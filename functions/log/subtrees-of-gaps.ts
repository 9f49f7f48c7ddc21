import { StateError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { appendedSubtrees, type Subtree } from '../../core/log/subtrees.ts';
import type { Table } from '../../core/ports/table.ts';
import type { LogEntry } from '../state/entries.ts';
import { findLogEntry, splitHashes } from '../state/log-entry.ts';

/**
 * What the chain's events say of stretches that nobody has: to be asked last, for subtrees that begin in one. So all that lies
 * outside stays provable.
 * @throws StateError, when asked for a part of such a subtree: nobody can know it, and halving on would only cost
 */
export function subtreesOfGaps(table: Pick<Table, 'query'>, dataset: DatasetId, signal?: AbortSignal): PartialSubtrees {
  const known: LogEntry[] = [];
  const entryOf = async (index: number): Promise<LogEntry | null> => {
    const kept = known.find(({ first, size }) => first <= index && index < size);
    if (kept !== undefined) return kept;
    const entry = await findLogEntry(table, dataset, index, signal);
    if (entry !== null) known.push(entry);
    return entry;
  };
  return async (subtrees) => {
    const roots: (Uint8Array | null)[] = [];
    // One after the other: those of one stretch need one reading.
    for (const subtree of subtrees) roots.push(rootIn(await entryOf(subtree.from), subtree));
    return roots;
  };
}

function rootIn(gap: LogEntry | null, { from, level }: Subtree): Uint8Array | null {
  if (gap?.appended === undefined) return null;
  const at = appendedSubtrees(gap.first, gap.size).findIndex(
    (one) => one.from <= from && from < one.from + 2 ** one.level && one.level >= level,
  );
  if (at === -1) return null;
  const found = appendedSubtrees(gap.first, gap.size)[at] as Subtree;
  if (found.level === level) return splitHashes(gap.appended)[at] as Uint8Array;
  throw new StateError(
    `The chain has a head over blocks ${gap.first} to ${gap.size - 1}, but no storage has the blocks.`,
  );
}
