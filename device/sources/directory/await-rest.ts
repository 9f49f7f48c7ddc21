import type { Runtime } from '../../../core/ports/runtime.ts';
import type { SeenFile } from './seen-file.ts';

/** Files that are seen and not captured yet: how long each has rested, and when it is tried again. */
export interface Awaited {
  /** Whether nobody has written to it for as long as it must rest, since it was first seen so, or for so long that it need not be watched. */
  hasRested(file: SeenFile): boolean;
  /** For how long it has been changing, or waiting; 0 when it is not awaited. */
  waitsMs(path: string): number;
  /** It could not be read. @returns how often so far */
  fail(file: SeenFile): number;
  /** Whether it may be tried: not while it pauses after a failure, unless it has changed. */
  mayTry(file: SeenFile): boolean;
  /** It is captured, or is left alone. */
  end(path: string): void;
  has(path: string): boolean;
  /** A file that is awaited under another name has this one now. */
  move(from: string, to: string): void;
  all(): readonly { readonly path: string; readonly inode: bigint; readonly sizeBytes: number }[];
  /** Those whose time has come. */
  due(): readonly string[];
  /** Until the next one's time comes; infinite when none is awaited. */
  nextMs(): number;
}

interface Waiting {
  file: SeenFile;
  readonly firstMs: number;
  sinceMs: number;
  dueMs: number;
  failures: number;
}

// A file this old when it is first seen, by the time of its last change, is complete.
const LONG_MS = 60_000;
/**
 * That is for what lay there when the device began. What comes later is watched in any case: its time may be another machine's,
 * or this clock may have jumped, and then a file of which half is written looks old.
 */
const BEGINNING_MS = 60_000;
const FIRST_PAUSE_MS = 1000;
const MOST_PAUSE_MS = 300_000;

export function createAwaited(runtime: Pick<Runtime, 'nowMs' | 'monotonicMs'>, settleMs: number): Awaited {
  const waiting = new Map<string, Waiting>();
  const beganMs = runtime.monotonicMs();

  const see = (file: SeenFile): Waiting => {
    const nowMs = runtime.monotonicMs();
    let one = waiting.get(file.path);
    if (one === undefined) {
      one = { file, firstMs: nowMs, sinceMs: nowMs, dueMs: nowMs + settleMs, failures: 0 };
      waiting.set(file.path, one);
    } else if (one.file.identity !== file.identity) {
      Object.assign(one, { file, sinceMs: nowMs, dueMs: nowMs + settleMs, failures: 0 });
    }
    return one;
  };

  return {
    hasRested(file) {
      const { sinceMs } = see(file);
      if (runtime.monotonicMs() - sinceMs >= settleMs) return true;
      const unchangedMs = runtime.nowMs() - Number(file.changedNs / 1_000_000n);
      return sinceMs - beganMs <= BEGINNING_MS && unchangedMs > Math.max(LONG_MS, settleMs);
    },
    waitsMs(path) {
      const one = waiting.get(path);
      return one === undefined ? 0 : runtime.monotonicMs() - one.firstMs;
    },
    fail(file) {
      const one = see(file);
      const pauseMs = Math.min(MOST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(one.failures, 30));
      one.failures++;
      one.dueMs = runtime.monotonicMs() + pauseMs;
      return one.failures;
    },
    mayTry(file) {
      const one = waiting.get(file.path);
      const pauses = one !== undefined && one.failures > 0 && one.file.identity === file.identity;
      return !pauses || runtime.monotonicMs() >= one.dueMs;
    },
    end: (path) => void waiting.delete(path),
    has: (path) => waiting.has(path),
    move(from, to) {
      const one = waiting.get(from);
      waiting.delete(from);
      if (one !== undefined && !waiting.has(to)) waiting.set(to, { ...one, file: { ...one.file, path: to } });
    },
    all: () => [...waiting].map(([path, { file }]) => ({ path, inode: file.inode, sizeBytes: file.sizeBytes })),
    due() {
      const nowMs = runtime.monotonicMs();
      return [...waiting].filter(([, { dueMs }]) => dueMs <= nowMs).map(([path]) => path);
    },
    nextMs() {
      let dueMs = Number.POSITIVE_INFINITY;
      for (const one of waiting.values()) dueMs = Math.min(dueMs, one.dueMs);
      return dueMs - runtime.monotonicMs();
    },
  };
}
