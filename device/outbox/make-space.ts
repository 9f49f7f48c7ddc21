import type { Report } from '../events.ts';
import { dropOldest } from './drop-oldest.ts';
import type { Outbox } from './open-outbox.ts';
import { readDiskBytes } from './read-backlog.ts';

export interface DiskLimits {
  /** Bytes the outbox may take on the disk. */
  readonly maxDiskBytes: number;
  readonly whenFull: 'wait' | 'drop-oldest';
}

// What the tables need beside content, and the write-ahead log: kept free so that stored batches can always move on.
const RESERVE_SHARE = 8;
const MAX_RESERVE_BYTES = 16 * 2 ** 20;

/** Whether so many bytes more fit within the bound, once the oldest are dropped where that is wanted. */
export function makeSpace(
  parts: { readonly outbox: Outbox; readonly report: Report; readonly nowMs: () => number },
  { maxDiskBytes, whenFull }: DiskLimits,
  bytes: number,
): { readonly fits: boolean; readonly usedBytes: number } {
  const mostBytes = maxDiskBytes - Math.min(MAX_RESERVE_BYTES, maxDiskBytes / RESERVE_SHARE);
  let { used } = readDiskBytes(parts.outbox);
  if (used + bytes > mostBytes && whenFull === 'drop-oldest') {
    const dropped = dropOldest(parts.outbox, used + bytes - mostBytes, parts.nowMs());
    if (dropped.blocks > 0) parts.report({ event: 'gap', blocks: dropped.blocks, bytes: dropped.bytes });
    used = readDiskBytes(parts.outbox).used;
  }
  return { fits: used + bytes <= mostBytes, usedBytes: used };
}
