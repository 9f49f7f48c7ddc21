import type { Outbox } from './open-outbox.ts';

/** The newest final head that was found to be a state of our log, and a chain block at which it was that. */
export interface SeenFinalHead {
  readonly size: number;
  readonly chainBlock: number;
}

export function readFinalHead(outbox: Outbox): SeenFinalHead | null {
  const row = outbox.sql('SELECT size, chain_block FROM final_head').get();
  return row === undefined ? null : { size: row.size as number, chainBlock: row.chain_block as number };
}

/** Keeps it where it is a longer one than before: the same again would cost the disk a write at every look. */
export function keepFinalHead(outbox: Outbox, { size, chainBlock }: SeenFinalHead): void {
  const seen = readFinalHead(outbox);
  if (seen !== null && seen.size >= size) return;
  outbox.sql('INSERT OR REPLACE INTO final_head (id, size, chain_block) VALUES (1, ?, ?)').run(size, chainBlock);
}
