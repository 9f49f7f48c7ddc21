import type { BlockMeta } from '../../../core/block/meta.ts';
import { GAP_TYPE, type GapNote } from '../../../device/outbox/gap-note.ts';
import type { OutboxStatus } from '../../../device/outbox/read-status.ts';
import type { Source } from '../../../device/sources/source.ts';

/** What came back of one block. */
export interface Restored {
  readonly content: Uint8Array;
  readonly meta: BlockMeta;
}

/** What a device is given to capture, and what must come back of it. */
export interface Writing {
  /** The source of one life, whose outbox has so much of it. */
  connect(kept: OutboxStatus['captured'], isAlive: () => boolean): Source;
  /** Whether all that is ever written is in the outbox. */
  isAllKept(captured: OutboxStatus['captured']): boolean;
  /**
   * What is wrong with what came back. What is missing must stand in a note of the gap.
   * @param isWhole whether all must be there; else the beginning may do
   */
  faultsOf(blocks: readonly Restored[], isWhole: boolean): string[];
}

/** What a note in the log says is missing there; null for any other block. */
export function gapOf({ content, meta }: Restored): GapNote | null {
  return meta.type === GAP_TYPE ? (JSON.parse(Buffer.from(content).toString()) as GapNote) : null;
}
