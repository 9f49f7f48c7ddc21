import type { Outbox } from './open-outbox.ts';

/** Blocks that another outbox has sealed under this device's key while this one was at work. */
export interface SecondWriter {
  readonly firstMs: number;
  readonly lastMs: number;
  /** The first of them seen last, and how many of them were ever seen. */
  readonly fromBlock: number;
  readonly blocks: number;
}

/**
 * Keeps that another device writes with the same key.
 * @param adoptedStreamBytes by what this run has moved the stream's position for blocks that it took for its own of before:
 * they were the other's, and so is that part of the stream
 */
export function keepSecondWriter(
  outbox: Outbox,
  seen: { readonly from: number; readonly blocks: number },
  adoptedStreamBytes: number,
  nowMs: number,
): void {
  outbox.commit(() => {
    outbox
      .sql(`INSERT INTO second_writer (id, first_ms, last_ms, from_block, blocks) VALUES (1, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET last_ms = excluded.last_ms, from_block = excluded.from_block,
          blocks = blocks + excluded.blocks`)
      .run(nowMs, nowMs, seen.from, seen.blocks);
    outbox.sql('UPDATE counters SET stream_bytes = max(0, stream_bytes - ?)').run(adoptedStreamBytes);
  });
}

export function readSecondWriter(outbox: Outbox): SecondWriter | null {
  const row = outbox.sql('SELECT first_ms, last_ms, from_block, blocks FROM second_writer').get();
  if (row === undefined) return null;
  const { first_ms: firstMs, last_ms: lastMs, from_block: fromBlock, blocks } = row as Record<string, number>;
  return { firstMs, lastMs, fromBlock, blocks } as SecondWriter;
}
