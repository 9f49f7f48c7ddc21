import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { batchesIn, isSealed, type SealedRow } from '../outbox/batch-rows.ts';
import type { Outbox } from '../outbox/open-outbox.ts';

/** Which batches are on their way, so that no two connections take the same one. */
export interface Uploads {
  /** The batch sealed last: kept while a connection is free, which saves making it again. */
  offer(first: number, sealed: SealedBatch): void;
  /** The oldest sealed batch that nobody has taken, put off ones last, as it was just sealed if that is at hand; null when there is none. */
  take(): { readonly row: SealedRow; readonly fresh: SealedBatch | null } | null;
  /** It does not go now: others come first. */
  putOff(row: SealedRow): void;
  /** Stored or not, it is nobody's any more. */
  giveBack(row: SealedRow): void;
}

/** @param atOnce how many connections there are */
export function createUploads(outbox: Outbox, atOnce: number): Uploads {
  const taken = new Set<number>();
  const last = new Set<number>();
  let offered: { readonly first: number; readonly sealed: SealedBatch } | null = null;
  return {
    offer(first, sealed) {
      if (taken.size < atOnce) offered = { first, sealed };
    },
    take() {
      const open = batchesIn(outbox, 'sealed', atOnce + 1 + last.size).filter((one) => !taken.has(one.first));
      // Once the others have gone, those that were put off are tried again, in turn.
      const row = open.find((one) => !last.has(one.first)) ?? open[0];
      if (row === undefined || !isSealed(row)) return null;
      taken.add(row.first);
      last.delete(row.first);
      const fresh = offered?.first === row.first ? offered.sealed : null;
      offered = null;
      return { row, fresh };
    },
    putOff: (row) => void last.add(row.first),
    giveBack: (row) => void taken.delete(row.first),
  };
}
