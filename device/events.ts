import type { HeldUp } from '../core/ports/sent-transactions.ts';
import type { StepName } from './outbox/note-step.ts';
import type { Wait } from './outbox/read-waits.ts';

/** What a device tells while it runs; one JSON line each, without secrets. */
export type DeviceEvent =
  | { event: 'started'; dataset: string; account: string; unsealedBlocks: number }
  /** Kept on the disk: from here on nothing of it is lost. Totals count from the outbox's beginning. */
  | { event: 'captured'; blocks: number; bytes: number; totalBlocks: number; streamBytes: number }
  | { event: 'sealed'; first: number; blocks: number; bytes: number; root: string }
  | { event: 'stored'; first: number; blocks: number; bytes: number; again: boolean }
  /** `blocks` is the size of the chain's log, `block` a block of the chain. */
  | { event: 'recorded'; blocks: number; block: number }
  | { event: 'final'; blocks: number; block: number | null }
  /** A final round of the anchorer holds the log of so many blocks, and its path was verified here; `block` is a block of the chain. */
  /** `block`: the newest final one, where it was asked for. */
  | { event: 'anchored'; blocks: number; round: number; block: number | null }
  /** The owner has chartered the dataset to another anchorer; null: to be recorded directly. */
  | { event: 'anchorer'; anchorer: string | null; serial: number }
  | { event: 'checked'; first: number; blocks: number }
  /** A batch that was uploaded is not there: it is uploaded again. */
  | { event: 'missing'; first: number; blocks: number }
  /** Something waits longer than it should; said once, and again every ten minutes. */
  | ({ event: 'waiting' } & Omit<Wait, 'overdue'>)
  | { event: 'retry'; step: StepName; reason: string; inMs: number }
  /** `known` of the blocks were captured here too; `streamBytes` is where the stream's writer goes on. */
  | { event: 'adopted'; streamBytes: number; blocks: number; known: number }
  /** Blocks that had been sealed from block `from` on, which the final log has others in the place of. */
  | { event: 'resealed'; from: number; blocks: number }
  | { event: 'held'; reason: string }
  | { event: 'full'; usedBytes: number; maxBytes: number }
  | { event: 'gap'; blocks: number; bytes: number }
  /** Captured blocks that are not what was written to the disk: set aside, and a note stands in the log. */
  | { event: 'damaged'; blocks: number; bytes: number }
  /** Captured blocks that the outbox had answered for and does not hold: its log was cut, damaged or lost. */
  | { event: 'shortened'; blocks: number; bytes: number }
  /** Blocks that another outbox has sealed under this device's key while this one was at work. */
  | { event: 'second-writer'; from: number; blocks: number }
  | { event: 'skipped'; what: string; reason: string }
  /** The system does not tell what changes in `untold` of a watched directory's folders: all of it is looked at every so often. */
  | { event: 'scanning'; directory: string; folders: number; untold: number; everyMs: number }
  /** `blocks` is the size of the log that the transaction records. */
  | { event: 'sent'; tx: string; blocks: number }
  /** An earlier transaction of the device's account holds up the next one: it waits, or has taken its place. */
  | { event: 'held-up'; heldUp: HeldUp }
  /** The sealed digests of a batch are on the chain, too. */
  | { event: 'published'; first: number; blocks: number; tx: string }
  | { event: 'source-complete' }
  /** Nulls where the outbox's disk does not say. */
  | { event: 'stopped'; unsealedBlocks: number | null; pendingBatches: number | null };

export type Report = (event: DeviceEvent) => void;
