import type { Address } from '../../core/ids.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import type { ServedOwners, TableReader } from '../ports.ts';
import { readQuotas } from './owner-entry.ts';
import { RecentMap } from './recent-map.ts';

/** How long an owner that was removed may still be served, and another quota not yet count. */
const KEPT_MS = 15_000;
/** How long an owner that was added may still be turned away. */
const UNKNOWN_KEPT_MS = 1_000;
const MOST_KEPT = 10_000;

interface Known {
  readonly quotaBytes: number | null;
  readonly readAtMs: number;
}

/**
 * The owners that the table has, each kept for 15 s, and a second where it is not served. Nobody is let in by an answer that could
 * not be read.
 */
export function createTableOwners({
  table,
  runtime,
}: {
  readonly table: Pick<TableReader, 'getMany'>;
  readonly runtime: Pick<Runtime, 'nowMs'>;
}): ServedOwners {
  const known = new RecentMap<Address, Known>(MOST_KEPT);
  const isFresh = ({ quotaBytes, readAtMs }: Known, nowMs: number): boolean => {
    const ageMs = nowMs - readAtMs;
    return ageMs >= 0 && ageMs < (quotaBytes === null ? UNKNOWN_KEPT_MS : KEPT_MS);
  };
  return {
    async quotasOf(owners, signal) {
      // Counted from before the question.
      const nowMs = runtime.nowMs();
      const found = new Map<Address, number | null>();
      const asked = new Set<Address>();
      for (const owner of owners) {
        const kept = known.get(owner);
        if (kept !== undefined && isFresh(kept, nowMs)) found.set(owner, kept.quotaBytes);
        else asked.add(owner);
      }
      if (asked.size > 0) {
        const list = [...asked];
        const quotas = await readQuotas(table, list, signal);
        for (const [i, owner] of list.entries()) {
          const quotaBytes = quotas[i] ?? null;
          known.set(owner, { quotaBytes, readAtMs: nowMs });
          found.set(owner, quotaBytes);
        }
      }
      return owners.map((owner) => found.get(owner) ?? null);
    },
  };
}
