import type { Runtime } from '../../core/ports/runtime.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import type { BatchLimits } from '../outbox/plan-batch.ts';
import { readUnsealed } from '../outbox/read-backlog.ts';

/** What is captured and in no batch: counted along, as summing it up takes long when much is waiting. */
export interface Backlog {
  captured(added: { readonly blocks: number; readonly bytes: number }): void;
  sealed(batch: { readonly blocks: number; readonly bytes: number }): void;
  /** Nothing is left, as planning a batch has found. */
  clear(): void;
  /** Sums it up in the outbox, when others than these two have changed it. */
  recount(): void;
  blocks(): number;
  /** In how many ms the next batch is due: not above 0 when it is full or its oldest block is old enough. */
  dueInMs(limits: BatchLimits & { readonly maxAgeMs: number }): number;
}

export function createBacklog(runtime: Pick<Runtime, 'monotonicMs'>, outbox: Outbox): Backlog {
  let { blocks, bytes } = readUnsealed(outbox);
  // What a former run has left is old enough.
  let oldestMs = Number.NEGATIVE_INFINITY;
  return {
    captured(added) {
      if (blocks <= 0) oldestMs = runtime.monotonicMs();
      blocks += added.blocks;
      bytes += added.bytes;
    },
    sealed(batch) {
      blocks -= batch.blocks;
      bytes -= batch.bytes;
      oldestMs = runtime.monotonicMs();
    },
    clear() {
      blocks = 0;
      bytes = 0;
    },
    recount() {
      ({ blocks, bytes } = readUnsealed(outbox));
    },
    blocks: () => blocks,
    dueInMs({ maxBlocks, maxBytes, maxAgeMs }) {
      if (blocks >= maxBlocks || bytes >= maxBytes) return 0;
      return oldestMs + maxAgeMs - runtime.monotonicMs();
    },
  };
}
