import { equalBytes } from '../../core/bytes.ts';
import { StateError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { RecordedGrowth } from '../../core/log/rebuild-peaks.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import type { TableReader } from '../ports.ts';
import type { LogEntry } from '../state/entries.ts';
import { queryLog } from '../state/log-entry.ts';
import type { OpenedLog } from './open-log.ts';

const MOST_ENTRIES = 100_000;

/** What a log shares with an event of the chain that it does not reach, or parts from. */
export interface Shared {
  /** Entries behind `from` that the event agrees with. */
  readonly entries: readonly LogEntry[];
  /** Roots of the perfect subtrees that lead from there to the event's size. */
  readonly appended: readonly Uint8Array[];
}

/**
 * How far a log that has a recorded head goes along with the next event: as far as the subtrees of the event are its own. The
 * event says nothing of smaller parts.
 */
export async function sharedUpTo(
  table: TableReader,
  dataset: DatasetId,
  log: OpenedLog,
  { from, event }: { readonly from: number; readonly event: RecordedGrowth },
  signal?: AbortSignal,
): Promise<Shared> {
  const subtrees = appendedSubtrees(from, event.size);
  let end = from;
  for (const [i, subtree] of subtrees.entries()) {
    const next = subtree.from + 2 ** subtree.level;
    if (next > log.size) break;
    const own = await rootOrNull(log, subtree);
    if (own === null || !equalBytes(own, event.appended[i] as Uint8Array)) break;
    end = next;
  }
  const known = end === from ? [] : await queryLog(table, dataset, { from, to: end - 1, most: MOST_ENTRIES }, signal);
  const entries = known.filter(({ size }) => size <= end);
  const reached = entries.at(-1)?.size ?? from;
  const appended: Uint8Array[] = [];
  for (const subtree of appendedSubtrees(reached, event.size)) {
    const at = subtrees.findIndex((one) => one.from === subtree.from && one.level === subtree.level);
    // Smaller ones than the event has are below `end`: the log has them.
    appended.push(
      at === -1 ? ((await log.reader.subtrees([subtree]))[0] as Uint8Array) : (event.appended[at] as Uint8Array),
    );
  }
  return { entries, appended };
}

async function rootOrNull(
  { reader }: OpenedLog,
  subtree: { readonly from: number; readonly level: number },
): Promise<Uint8Array | null> {
  try {
    return (await reader.subtrees([subtree]))[0] ?? null;
  } catch (error) {
    if (error instanceof StateError) return null;
    throw error;
  }
}
