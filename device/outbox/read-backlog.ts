import type { Outbox } from './open-outbox.ts';
import { linesOfPiece, type PieceRow } from './read-blocks.ts';

/** What is captured and in no batch yet. */
export interface Unsealed {
  readonly blocks: number;
  readonly bytes: number;
}

/** The next captured block's number. */
export function nextSeq(outbox: Outbox): number {
  const piece = outbox.sql('SELECT seq + blocks AS seq FROM pieces ORDER BY pieces.seq DESC LIMIT 1').get();
  return Math.max((piece?.seq as number | undefined) ?? 0, sealedSeq(outbox));
}

/** Every block before this one is in a batch. Batches hold consecutive blocks, in order. */
export function sealedSeq(outbox: Outbox): number {
  const row = outbox.sql('SELECT to_seq FROM batches ORDER BY first DESC LIMIT 1').get();
  return (row?.to_seq as number | undefined) ?? 0;
}

export function readUnsealed(outbox: Outbox): Unsealed {
  const from = sealedSeq(outbox);
  const whole = outbox
    .sql('SELECT coalesce(sum(blocks), 0) AS blocks, coalesce(sum(bytes), 0) AS bytes FROM pieces WHERE seq >= ?')
    .get(from);
  const cut = outbox
    .sql('SELECT seq, blocks, crc, lines FROM pieces WHERE seq < ? ORDER BY seq DESC LIMIT 1')
    .get(from) as Omit<PieceRow, 'content'> | undefined;
  let blocks = whole?.blocks as number;
  let bytes = whole?.bytes as number;
  if (cut !== undefined && cut.seq + cut.blocks > from) {
    const rest = linesOfPiece(cut)?.slice(from - cut.seq) ?? [];
    blocks += rest.length;
    bytes += rest.reduce((sum, line) => sum + line.size, 0);
  }
  return { blocks, bytes };
}

/** Pages in use, and those the file has: deleted content leaves free pages that are used again. */
export function readDiskBytes(outbox: Outbox): { used: number; file: number } {
  const [pages] = Object.values(outbox.sql('PRAGMA page_count').get() ?? {}) as [number];
  const [free] = Object.values(outbox.sql('PRAGMA freelist_count').get() ?? {}) as [number];
  const [size] = Object.values(outbox.sql('PRAGMA page_size').get() ?? {}) as [number];
  return { used: (pages - free) * size, file: pages * size };
}
