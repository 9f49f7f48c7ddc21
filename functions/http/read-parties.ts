import type { DatasetId } from '../../core/ids.ts';
import type { Ledger, Parties } from '../../core/ports/ledger.ts';

/** How old a right may be that lets somebody in: design §6. */
const KEPT_MS = 15_000;
/** How old an answer may be that keeps somebody out: a new device should not wait for the above. */
const REFUSED_KEPT_MS = 1_000;
const MAX_KEPT = 10_000;

interface Known {
  readonly readAtMs: number;
  readonly parties: Promise<Parties | null>;
}

/**
 * Owner and device of a dataset by the latest chain, kept at most 15 s. `suffices` says whether they let the caller in;
 * where they do not, what is kept counts for a second only.
 */
export type PartiesReader = (
  dataset: DatasetId,
  suffices: (parties: Parties | null) => boolean,
  signal?: AbortSignal,
) => Promise<Parties | null>;

export function createPartiesReader(deps: { ledger: Ledger; nowMs: () => number }): PartiesReader {
  const known = new Map<DatasetId, Known>();

  const read = (dataset: DatasetId, signal?: AbortSignal): Promise<Parties | null> => {
    // Counted from before the question, or a slow chain would prolong a right.
    const entry: Known = {
      readAtMs: deps.nowMs(),
      parties: deps.ledger.readParties([dataset], 'latest', signal).then(({ parties }) => parties[0] ?? null),
    };
    known.delete(dataset);
    known.set(dataset, entry);
    const oldest = known.keys().next();
    if (known.size > MAX_KEPT && oldest.done !== true) known.delete(oldest.value);
    entry.parties.catch(() => {
      if (known.get(dataset) === entry) known.delete(dataset);
    });
    return entry.parties;
  };

  return async (dataset, suffices, signal) => {
    const kept = known.get(dataset);
    const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : deps.nowMs() - kept.readAtMs;
    if (kept !== undefined && ageMs >= 0 && ageMs < KEPT_MS) {
      // Another request's question may end with that request: then this one asks for itself.
      const parties = await kept.parties.catch(() => undefined);
      if (parties !== undefined && (suffices(parties) || ageMs < REFUSED_KEPT_MS)) return parties;
    }
    return read(dataset, signal);
  };
}
