import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { PartialSubtrees } from '../../core/log/mend-subtrees.ts';
import { appendLeaves, rootOfPeaks } from '../../core/log/peaks.ts';
import { peakSubtrees, type Subtree } from '../../core/log/subtrees.ts';
import { TILE_LEVELS } from '../../core/log/tiles.ts';
import type { LogEntry } from '../state/entries.ts';
import { peaksAfter, readEntriesDown } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import type { LogPorts } from './log-ports.ts';
import type { RecordsReader } from './records-reader.ts';

type Ports = Pick<LogPorts, 'table' | 'primitives'>;

const PARALLEL = 16;

/**
 * A log's large subtrees from its entries, each of which carries the peaks of the log up to it: one query a subtree, and the
 * records of the batch that completes it. It is for the stretch that has no tiles yet, however long that is: without it every
 * record there would be read for one proof.
 */
export function subtreesOfEntries(
  ports: Ports,
  dataset: DatasetId,
  records: RecordsReader,
  signal?: AbortSignal,
): PartialSubtrees {
  return (subtrees) =>
    mapBounded(subtrees, PARALLEL, async (subtree) =>
      // Smaller ones lie in one page of records, which is one query too.
      subtree.level < TILE_LEVELS ? null : rootOf(ports, dataset, records, subtree, signal),
    );
}

async function rootOf(
  { table, primitives }: Ports,
  dataset: DatasetId,
  records: RecordsReader,
  { from, level }: Subtree,
  signal?: AbortSignal,
): Promise<Uint8Array | null> {
  const to = from + 2 ** level;
  const [last = null, before = null] = await readEntriesDown(table, dataset, to - 1, 2, signal);
  if (last === null || last.size < to || !isCoherent(primitives, last)) return null;
  const peak = peaksFrom(last, from)[0];
  if (peak?.from === from && peak.level === level) return peak.root;
  // It merged with the one beside it. Then the peaks before the batch lead to it, with that batch's own records.
  const begin = last.first;
  if (last.sha256Hex === null || begin < from) return null;
  if (begin > from && (before?.size !== begin || !isCoherent(primitives, before))) return null;
  const leaves = await records.leaves(begin, to);
  if (leaves === null) return null;
  const own = begin === from || before === null ? [] : peaksFrom(before, from).map(({ root }) => root);
  const { peaks } = appendLeaves(primitives, { size: begin - from, peaks: own }, leaves);
  return peaks.length === 1 ? (peaks[0] as Uint8Array) : null;
}

/** A damaged entry is nothing to go by: others lead to the same roots. */
function isCoherent(hasher: Ports['primitives'], entry: LogEntry): boolean {
  const peaks = peaksAfter(entry);
  return peaks.peaks.length === peakSubtrees(entry.size).length && equalBytes(rootOfPeaks(hasher, peaks), entry.root);
}

/** Of an entry's peaks those that begin at a block or behind it; none of them reaches over it. */
function peaksFrom(entry: LogEntry, block: number): (Subtree & { readonly root: Uint8Array })[] {
  const { peaks } = peaksAfter(entry);
  return peakSubtrees(entry.size).flatMap((subtree, i) =>
    subtree.from < block ? [] : [{ ...subtree, root: peaks[i] as Uint8Array }],
  );
}
