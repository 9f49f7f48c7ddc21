import { StateError } from '../../core/errors.ts';
import type { Runtime, Timer } from '../../core/ports/runtime.ts';
import type { Report } from '../events.ts';
import { appendBlocks, type CaptureEntry } from './append-blocks.ts';
import { OutboxUnavailableError } from './errors.ts';
import { type DiskLimits, makeSpace } from './make-space.ts';
import { noteStep, type StepFailure } from './note-step.ts';
import type { Outbox } from './open-outbox.ts';

export interface CaptureLimits extends DiskLimits {
  /** How long an entry may wait for others before the disk is synchronised for all of them. */
  readonly commitWithinMs: number;
  /** Bytes waiting for a commit beyond which a source is to pause. */
  readonly maxPendingBytes: number;
}

/** The way into the outbox. Nothing is acknowledged before it is on the disk. */
export interface CaptureQueue {
  /** Resolves once the entry is durable; rejects only when the queue is closed before that, or the disk fails. */
  capture(entry: CaptureEntry): Promise<void>;
  /** Resolves when there is room for more: a source waits for it before it reads on. */
  room(): Promise<void>;
  /** Resolves once everything given so far is durable. */
  settled(): Promise<void>;
  /** Tries again after space was released. */
  retry(): void;
  /** Commits what waits, if it fits, and takes nothing more. */
  close(): void;
}

interface Waiting {
  readonly entry: CaptureEntry;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

// A commit this large is worth an fsync of its own.
const COMMIT_BYTES = 2 ** 20;
// Sizes, metas and page fractions beside the content of one block.
const BLOCK_OVERHEAD_BYTES = 64;
const DISK_RETRY_MS = 2000;

/**
 * Groups what sources give into commits.
 * @param parts.onCommit told after each commit, before its entries are acknowledged
 */
export function createCaptureQueue(
  parts: {
    readonly runtime: Pick<Runtime, 'after' | 'nowMs'>;
    readonly outbox: Outbox;
    readonly report: Report;
    readonly nowMs: () => number;
    readonly onCommit: (added: { readonly blocks: number; readonly bytes: number }) => void;
    readonly onFailure: (cause: unknown) => void;
  },
  limits: CaptureLimits,
): CaptureQueue {
  let waiting: Waiting[] = [];
  let pendingBytes = 0;
  let timer: Timer | null = null;
  let full = false;
  let trouble: string | null = null;
  let failures = 0;
  let closed = false;
  let roomWaiters: (() => void)[] = [];

  const schedule = (): void => {
    if (full || closed || waiting.length === 0) return;
    const soon = pendingBytes >= COMMIT_BYTES ? 0 : limits.commitWithinMs;
    if (timer !== null && soon > 0) return;
    timer?.stop();
    timer = parts.runtime.after(soon, flush);
  };

  const flush = (): void => {
    timer?.stop();
    timer = null;
    const taken = takeCommit();
    if (taken.length === 0) return;
    const bytes = taken.reduce((sum, one) => sum + one.bytes, 0);
    let totals: Totals;
    try {
      if (!fits(bytes)) {
        waiting = [...taken, ...waiting];
        return;
      }
      const atMs = parts.nowMs();
      const entries = taken.map((one) => one.entry);
      parts.outbox.requirePlace();
      totals = parts.outbox.commit(() => {
        appendBlocks(parts.outbox, entries, atMs);
        return readTotals(parts.outbox);
      });
    } catch (cause) {
      if (cause instanceof OutboxUnavailableError) {
        waitForDisk(taken, cause);
        return;
      }
      for (const one of taken) one.reject(cause);
      parts.onFailure(cause);
      return;
    }
    pendingBytes -= bytes;
    acknowledge(taken, bytes, totals);
    schedule();
    if (trouble !== null) note(null);
    trouble = null;
    failures = 0;
  };

  /** The disk does not take it now, for a reason that is not ours: it is tried again, and the source waits. */
  const waitForDisk = (taken: readonly Waiting[], cause: OutboxUnavailableError): void => {
    waiting = [...taken, ...waiting];
    const reason = cause.shortMessage;
    if (reason !== trouble) parts.report({ event: 'retry', step: 'capture', reason, inMs: DISK_RETRY_MS });
    trouble = reason;
    full = true;
    note({ reason, failures: ++failures, kind: cause.kind });
    timer = parts.runtime.after(DISK_RETRY_MS, () => {
      full = false;
      flush();
    });
  };

  const takeCommit = (): Waiting[] => {
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && (count === 0 || bytes < COMMIT_BYTES))
      bytes += (waiting[count++] as Waiting).bytes;
    const taken = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return taken;
  };

  const fits = (bytes: number): boolean => {
    const space = makeSpace(parts, limits, bytes);
    if (!space.fits) noteFull(space.usedBytes);
    full = !space.fits;
    return space.fits;
  };

  /** Said once, until there is room again. */
  const noteFull = (usedBytes: number): void => {
    if (!full) parts.report({ event: 'full', usedBytes, maxBytes: limits.maxDiskBytes });
    full = true;
  };

  /** Called by a timer: what it throws would be nobody's. */
  const note = (failure: StepFailure | null): void => {
    try {
      noteStep(parts, 'capture', failure);
    } catch (cause) {
      parts.onFailure(cause);
    }
  };

  const acknowledge = (taken: readonly Waiting[], bytes: number, totals: Totals): void => {
    const blocks = taken.reduce((sum, one) => sum + one.entry.blocks.length, 0);
    const added = { blocks, bytes: bytes - blocks * BLOCK_OVERHEAD_BYTES };
    if (blocks > 0) parts.report({ event: 'captured', ...added, ...totals });
    parts.onCommit(added);
    for (const one of taken) one.resolve();
    if (pendingBytes < limits.maxPendingBytes) {
      for (const wake of roomWaiters) wake();
      roomWaiters = [];
    }
  };

  const capture = (entry: CaptureEntry): Promise<void> =>
    new Promise((resolve, reject) => {
      if (closed) {
        reject(new StateError('The device is stopping, so its outbox takes no more data. Start the device again.'));
        return;
      }
      const bytes = entry.blocks.reduce((sum, block) => sum + block.content.length + BLOCK_OVERHEAD_BYTES, 0);
      waiting.push({ entry, bytes, resolve, reject });
      pendingBytes += bytes;
      schedule();
    });

  return {
    capture,
    room: () =>
      pendingBytes < limits.maxPendingBytes || closed
        ? Promise.resolve()
        : new Promise((resolve) => roomWaiters.push(resolve)),
    async settled() {
      // Entries are committed in order: behind an empty one, all before it are durable.
      if (waiting.length > 0) await capture({ blocks: [] });
    },
    retry() {
      if (!full) return;
      full = false;
      flush();
    },
    close() {
      // A disk that did not take it is asked once more.
      if (trouble !== null) full = false;
      while (waiting.length > 0 && !full) flush();
      closed = true;
      timer?.stop();
      for (const one of waiting) one.reject(new StateError('The device stopped before it could keep this.'));
      for (const wake of roomWaiters) wake();
    },
  };
}

/** What was ever captured, into this outbox. */
interface Totals {
  readonly totalBlocks: number;
  readonly streamBytes: number;
}

function readTotals(outbox: Outbox): Totals {
  const row = outbox.sql('SELECT blocks, stream_bytes FROM counters').get();
  return { totalBlocks: row?.blocks as number, streamBytes: row?.stream_bytes as number };
}
