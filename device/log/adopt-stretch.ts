import type { LogRoot } from '../../core/ids.ts';
import type { Peaks } from '../../core/log/peaks.ts';
import { insertPlanned, type SealedRow, UNKNOWN_SERIAL, updateSealed } from '../outbox/batch-rows.ts';
import { logEnd } from '../outbox/log-end.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { sealedSeq } from '../outbox/read-backlog.ts';

/**
 * Puts the end of our log behind a stretch of the final one of which nothing is known here but its peaks: the log goes on, and
 * nothing of the stretch is left to be done.
 */
export function adoptStretch(outbox: Outbox, to: Peaks & { readonly root: LogRoot }, nowMs: number): void {
  const nothing = new Uint8Array(0);
  outbox.commit(() => {
    const first = logEnd(outbox).size;
    const seq = sealedSeq(outbox);
    const row: SealedRow = {
      first,
      state: 'checked',
      blocks: to.size - first,
      fromSeq: seq,
      toSeq: seq,
      serial: UNKNOWN_SERIAL,
      random16: nothing,
      after: null,
      beforeAtMs: null,
      plannedMs: nowMs,
      sha256: nothing,
      segmentBytes: 0,
      root: to.root,
      signature: nothing,
      end: { size: to.size, peaks: to.peaks },
      endAtMs: null,
      adopted: true,
    };
    insertPlanned(outbox, row);
    updateSealed(outbox, row, { leafHashes: [], front: null });
  });
}
