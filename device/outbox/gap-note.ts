import { utf8 } from '../../core/bytes.ts';
import { insertPiece } from './append-blocks.ts';
import { OutboxDamagedError } from './errors.ts';
import type { Outbox } from './open-outbox.ts';

/** Media type of the note that stands in the log where blocks are missing. */
export const GAP_TYPE = 'application/vnd.plumbline.gap+json';

/** Why blocks are missing; without a reason they were dropped at the bound of the disk. */
export type GapReason = 'damaged' | 'shortened';

/** Content of that note. Times are those of the missing blocks' capture, as far as they are known. */
export interface GapNote {
  readonly droppedBlocks: number;
  readonly droppedBytes: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Names of files that lost blocks, the first hundred. */
  readonly files: readonly string[];
  readonly reason?: GapReason;
}

const MAX_NAMED_FILES = 100;

/**
 * Writes a note as a piece of its own. It has a name, so that it never becomes a line of the stream. A file that lost blocks
 * was not captured: it is never deleted for having been.
 * @param at the note's number: that of the last missing block, as numbers are never given twice
 */
export function insertGap(
  outbox: Outbox,
  at: number,
  {
    droppedBlocks,
    droppedBytes,
    fromMs,
    toMs,
    files,
    reason,
  }: Omit<GapNote, 'files'> & {
    readonly files: ReadonlySet<string>;
  },
  options: { readonly beginsStretch: boolean; readonly nowMs: number },
): void {
  for (const name of files)
    outbox.sql('UPDATE files SET end_seq = -1 WHERE path = ? OR captured_as = ?').run(name, name);
  const meta = {
    at: fromMs,
    // Else the blocks behind it would seem to be captured before those that are in the log.
    ...(options.beginsStretch ? { clock: 2 as const } : {}),
    ...{ name: `gaps/${fromMs}-${at}.json`, type: GAP_TYPE },
  };
  const note: GapNote = {
    ...{ droppedBlocks, droppedBytes, fromMs, toMs },
    files: [...files].slice(0, MAX_NAMED_FILES),
    ...(reason === undefined ? {} : { reason }),
  };
  insertPiece(outbox, at, [{ content: utf8(JSON.stringify(note)), meta }], options.nowMs, true);
}

/** @throws OutboxDamagedError when it is none */
export function parseGap(content: Uint8Array): GapNote {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8')) as GapNote;
  } catch (cause) {
    throw new OutboxDamagedError('A note about dropped blocks is damaged on this disk. Keep a copy of the outbox.', {
      cause,
    });
  }
}
