import type { StepName } from './outbox/note-step.ts';

/** What a device tells while it runs; one JSON line each, without secrets. */
export type DeviceEvent =
  | { event: 'started'; dataset: string; account: string; unsealedBlocks: number }
  /** Kept on the disk: from here on nothing of it is lost. Totals count from the outbox's beginning. */
  | { event: 'captured'; blocks: number; bytes: number; totalBlocks: number; streamBytes: number }
  | { event: 'sealed'; position: number; first: number; blocks: number; bytes: number; root: string }
  | { event: 'stored'; position: number; first: number; blocks: number; bytes: number; again: boolean }
  | { event: 'recorded'; batches: number; blocks: number; block: number }
  | { event: 'final'; batches: number; blocks: number; block: number }
  | { event: 'checked'; position: number; first: number; blocks: number }
  | { event: 'retry'; step: StepName; reason: string; inMs: number }
  /** `known` of the blocks were captured here too; `streamBytes` is where the stream's writer goes on. */
  | { event: 'adopted'; streamBytes: number; batches: number; blocks: number; known: number }
  | { event: 'resealed'; fromPosition: number; batches: number; blocks: number }
  | { event: 'held'; reason: string }
  | { event: 'full'; usedBytes: number; maxBytes: number }
  | { event: 'gap'; blocks: number; bytes: number }
  | { event: 'skipped'; what: string; reason: string }
  | { event: 'sent'; tx: string; batches: number }
  | { event: 'source-complete' }
  | { event: 'stopped'; unsealedBlocks: number; pendingBatches: number };

export type Report = (event: DeviceEvent) => void;
