import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { peakSubtrees, subtreeName } from '../../core/log/subtrees.ts';
import type { LogEntry } from '../state/entries.ts';
import { splitHashes } from '../state/log-entry.ts';

/** The subtrees that the log's last entry gives without any reading: its peaks. */
export function subtreesOfEntry(end: LogEntry | null): PartialSubtrees {
  const known = new Map<string, Uint8Array>();
  if (end !== null) {
    const peaks = splitHashes(end.peaks);
    for (const [i, subtree] of peakSubtrees(end.size).entries()) {
      known.set(subtreeName(subtree), peaks[i] as Uint8Array);
    }
  }
  return async (subtrees) => subtrees.map((subtree) => known.get(subtreeName(subtree)) ?? null);
}
