import type { Statements } from '../../adapters/sqlite/prepare-statements.ts';

/** `damaged`: read back otherwise than written. `shortened`: acknowledged, and not in the outbox when it was opened. */
export type LossKind = 'damaged' | 'shortened';

/** Captured blocks that this outbox has lost. */
export interface Loss {
  readonly kind: LossKind;
  readonly atMs: number;
  readonly blocks: number;
  readonly bytes: number;
}

const KEPT = 100;

export function keepLoss(outbox: Statements, { kind, atMs, blocks, bytes }: Loss, noted: boolean): void {
  outbox
    .sql('INSERT INTO losses (kind, at_ms, blocks, bytes, noted) VALUES (?, ?, ?, ?, ?)')
    .run(kind, atMs, blocks, bytes, Number(noted));
  outbox.sql(`DELETE FROM losses WHERE id <= (SELECT max(id) FROM losses) - ${KEPT}`).run();
}

/** The most recent first. */
export function readLosses(outbox: Statements): Loss[] {
  const rows = outbox.sql('SELECT kind, at_ms, blocks, bytes FROM losses ORDER BY id DESC').all();
  return rows.map((row) => ({
    kind: row.kind as LossKind,
    atMs: row.at_ms as number,
    blocks: row.blocks as number,
    bytes: row.bytes as number,
  }));
}

/** What the log has of it after all: found in a batch that was adopted. */
export function reduceUnnotedLoss(
  outbox: Statements,
  found: { readonly blocks: number; readonly bytes: number },
): void {
  outbox
    .sql('UPDATE losses SET blocks = max(0, blocks - ?), bytes = max(0, bytes - ?) WHERE noted = 0')
    .run(found.blocks, found.bytes);
}

/** Losses of which no note stands in the log yet, as one; null when there is none. */
export function readUnnotedLosses(outbox: Statements): { readonly blocks: number; readonly bytes: number } | null {
  const row = outbox
    .sql('SELECT count(*) AS n, sum(blocks) AS blocks, sum(bytes) AS bytes FROM losses WHERE noted = 0')
    .get();
  return row?.n === 0 ? null : { blocks: row?.blocks as number, bytes: row?.bytes as number };
}

/** They count as noted from now on. */
export function takeUnnotedLosses(outbox: Statements, nowMs: number): void {
  outbox.sql('UPDATE losses SET noted = 1, at_ms = iif(at_ms = 0, ?, at_ms) WHERE noted = 0').run(nowMs);
}
