import { BATCH_STATES, type BatchState } from './batch-rows.ts';
import { type LeftOut, readLeftOut } from './left-out.ts';
import { type Loss, readLosses } from './losses.ts';
import type { Outbox } from './open-outbox.ts';
import { readDiskBytes, readUnsealed } from './read-backlog.ts';
import { countUnpublished } from './to-publish.ts';

/** What an outbox holds and how far it has come. */
export interface OutboxStatus {
  readonly dataset: string;
  readonly account: string;
  /** Ever captured, into this outbox. `streamBytes` is where the writer of a stream goes on after a crash. */
  readonly captured: { readonly blocks: number; readonly bytes: number; readonly streamBytes: number };
  readonly dropped: { readonly blocks: number; readonly bytes: number };
  readonly unsealed: { readonly blocks: number; readonly bytes: number };
  /** The log as it is known here, what was recorded long ago included. */
  readonly log: { readonly blocks: number };
  /** Batches and blocks in each state; of those checked only the most recent are remembered. */
  readonly states: Readonly<Record<BatchState, { readonly batches: number; readonly blocks: number }>>;
  /** Batches whose sealed digests are still to be published on the chain. */
  readonly unpublished: number;
  /** When the oldest thing that has not been stored was captured, ms since 1970; null when all is stored. */
  readonly oldestUnsentMs: number | null;
  /** What this outbox has lost, the most recent first. */
  readonly losses: readonly Loss[];
  readonly disk: { readonly usedBytes: number; readonly fileBytes: number };
  /** What the source has and is not captured. */
  readonly leftOut: LeftOut;
  /** Steps that failed the last time they were tried. */
  readonly failures: readonly { readonly step: string; readonly atMs: number; readonly reason: string }[];
}

export function readStatus(outbox: Outbox): OutboxStatus {
  const identity = outbox.sql('SELECT dataset, account FROM identity').get() ?? {};
  const counters = (outbox.sql('SELECT * FROM counters').get() ?? {}) as Record<string, number>;
  const last = outbox.sql('SELECT first, blocks FROM batches ORDER BY first DESC LIMIT 1').get() as
    | { first: number; blocks: number }
    | undefined;
  const oldest = outbox
    .sql(`SELECT at_ms FROM pieces WHERE seq + blocks > coalesce((SELECT min(from_seq) FROM batches WHERE state < 2),
      (SELECT to_seq FROM batches ORDER BY first DESC LIMIT 1), 0) ORDER BY seq LIMIT 1`)
    .get();
  const disk = readDiskBytes(outbox);
  return {
    dataset: identity.dataset as string,
    account: identity.account as string,
    captured: {
      blocks: counters.blocks ?? 0,
      bytes: counters.bytes ?? 0,
      streamBytes: counters.stream_bytes ?? 0,
    },
    dropped: { blocks: counters.dropped_blocks ?? 0, bytes: counters.dropped_bytes ?? 0 },
    unsealed: readUnsealed(outbox),
    log: { blocks: last === undefined ? 0 : last.first + last.blocks },
    states: readStates(outbox),
    unpublished: countUnpublished(outbox),
    oldestUnsentMs: (oldest?.at_ms as number | undefined) ?? null,
    losses: readLosses(outbox),
    disk: { usedBytes: disk.used, fileBytes: disk.file },
    leftOut: readLeftOut(outbox),
    failures: outbox
      .sql('SELECT step, at_ms, reason FROM steps ORDER BY step')
      .all()
      .map((row) => ({ step: row.step as string, atMs: row.at_ms as number, reason: row.reason as string })),
  };
}

function readStates(outbox: Outbox): OutboxStatus['states'] {
  const rows = outbox.sql('SELECT state, count(*) AS batches, sum(blocks) AS blocks FROM batches GROUP BY state').all();
  const entries = BATCH_STATES.map((state, number) => {
    const row = rows.find((one) => one.state === number);
    return [state, { batches: (row?.batches as number) ?? 0, blocks: (row?.blocks as number) ?? 0 }] as const;
  });
  return Object.fromEntries(entries) as OutboxStatus['states'];
}
