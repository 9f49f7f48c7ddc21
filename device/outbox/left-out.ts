import type { Outbox } from './open-outbox.ts';

/** What is there and is not captured now, and what is gone for good, as `plumb device status` shows it. */
export interface LeftOut {
  /** All of it. */
  readonly count: number;
  /** By reason, the most frequent first; `examples` are three at most. */
  readonly reasons: readonly {
    readonly reason: string;
    readonly count: number;
    readonly sinceMs: number;
    readonly examples: readonly string[];
  }[];
  /** What came and went and was never captured. */
  readonly missed: readonly {
    readonly reason: string;
    readonly count: number;
    readonly last: string;
    readonly lastMs: number;
  }[];
}

const EXAMPLES = 3;
const MAX_NAME = 300;

/** What is left out under these names, with its reason. */
export function leftOutNow(outbox: Outbox): Map<string, string> {
  const rows = outbox.sql('SELECT what, reason FROM left_out').all();
  return new Map(rows.map((row) => [row.what as string, row.reason as string]));
}

/** Notes a reason for each name, or with null that nothing of that name is left out. The caller commits. */
export function noteLeftOut(outbox: Outbox, changes: ReadonlyMap<string, string | null>, nowMs: number): void {
  for (const [what, reason] of changes) {
    if (reason === null) outbox.sql('DELETE FROM left_out WHERE what = ?').run(what);
    else
      outbox
        .sql(`INSERT INTO left_out (what, reason, since_ms) VALUES (?, ?, ?)
          ON CONFLICT (what) DO UPDATE SET reason = excluded.reason`)
        .run(what, reason, nowMs);
  }
}

/** Counts something that is gone for good and was not captured. */
export function noteMissed(outbox: Outbox, what: string, reason: string, nowMs: number): void {
  outbox
    .sql(`INSERT INTO missed (reason, count, last, last_ms) VALUES (?, 1, ?, ?)
      ON CONFLICT (reason) DO UPDATE SET count = count + 1, last = excluded.last, last_ms = excluded.last_ms`)
    .run(reason, what.slice(0, MAX_NAME), nowMs);
}

export function readLeftOut(outbox: Outbox): LeftOut {
  const reasons = outbox
    .sql('SELECT reason, count(*) AS n, min(since_ms) AS since FROM left_out GROUP BY reason ORDER BY n DESC, reason')
    .all() as { reason: string; n: number; since: number }[];
  return {
    count: reasons.reduce((sum, { n }) => sum + n, 0),
    reasons: reasons.map(({ reason, n, since }) => ({
      ...{ reason, count: n, sinceMs: since },
      examples: outbox
        .sql('SELECT what FROM left_out WHERE reason = ? ORDER BY what LIMIT ?')
        .all(reason, EXAMPLES)
        .map((row) => row.what as string),
    })),
    missed: outbox
      .sql('SELECT reason, count, last, last_ms FROM missed ORDER BY last_ms DESC')
      .all()
      .map((row) => ({
        reason: row.reason as string,
        count: row.count as number,
        last: row.last as string,
        lastMs: row.last_ms as number,
      })),
  };
}
