import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { batchesIn, isSealed, type SealedRow } from '../outbox/batch-rows.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

/** Which batches are on their way, so that no two connections take the same one. */
export interface Uploads {
  /** The batch sealed last: kept while a connection is free, which saves making it again. */
  offer(first: number, sealed: SealedBatch): void;
  /** The oldest sealed batch that nobody has taken, as it was just sealed if that is at hand; null when there is none. */
  take(): { readonly row: SealedRow; readonly fresh: SealedBatch | null } | null;
  /** Stored or not, it is nobody's any more. */
  giveBack(row: SealedRow): void;
}

/** @param atOnce how many connections there are */
export function createUploads(outbox: Outbox, atOnce: number): Uploads {
  const taken = new Set<number>();
  let offered: { readonly first: number; readonly sealed: SealedBatch } | null = null;
  return {
    offer(first, sealed) {
      if (taken.size < atOnce) offered = { first, sealed };
    },
    take() {
      const row = batchesIn(outbox, 'sealed', atOnce + 1).find((one) => !taken.has(one.first));
      if (row === undefined || !isSealed(row)) return null;
      taken.add(row.first);
      const fresh = offered?.first === row.first ? offered.sealed : null;
      offered = null;
      return { row, fresh };
    },
    giveBack: (row) => void taken.delete(row.first),
  };
}
