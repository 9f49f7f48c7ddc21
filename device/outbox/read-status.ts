import { equalBytes } from '../../core/bytes.ts';
import { BATCH_STATES, type BatchState } from './batch-rows.ts';
import { type HighMark, readHighMark, type Trouble } from './high-mark.ts';
import { type LeftOut, readLeftOut } from './left-out.ts';
import { type Loss, readLosses } from './losses.ts';
import type { Outbox } from './open-outbox.ts';
import { readDiskBytes, readUnsealed } from './read-backlog.ts';
import { readWaits, type Wait } from './read-waits.ts';
import { readSecondWriter, type SecondWriter } from './second-writer.ts';
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
  /** What waits, for what, since when, why, and whose turn it is. */
  readonly waits: readonly Wait[];
  /** Another device that writes with the same key, where one was seen. */
  readonly secondWriter: SecondWriter | null;
  /** Whether the outbox has all that it had answered for: else how many captured blocks it lacks, and nobody has noted yet. */
  readonly shortenedBlocks: number | null;
  /** When the oldest thing that has not been stored was captured, ms since 1970; null when all is stored. */
  readonly oldestUnsentMs: number | null;
  /** What this outbox has lost, the most recent first. */
  readonly losses: readonly Loss[];
  readonly disk: { readonly usedBytes: number; readonly fileBytes: number };
  /** What the source has and is not captured. */
  readonly leftOut: LeftOut;
  /** Steps that failed the last time they were tried, and since when. */
  readonly failures: readonly {
    readonly step: string;
    readonly sinceMs: number;
    readonly atMs: number;
    readonly reason: string;
  }[];
}

/** @param nowMs by this machine's clock, for what waits too long */
export function readStatus(outbox: Outbox, nowMs: number): OutboxStatus {
  // Before the counters, which a device at work raises first.
  const { mark, trouble } = readHighMark(outbox.path);
  const identity = outbox.sql('SELECT dataset, account, outbox_id FROM identity').get() ?? {};
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
    waits: [...(trouble === null ? [] : [diskWait(trouble)]), ...readWaits(outbox, nowMs)],
    secondWriter: readSecondWriter(outbox),
    shortenedBlocks: shortenedBy(mark, identity.outbox_id as Uint8Array | undefined, counters),
    oldestUnsentMs: (oldest?.at_ms as number | undefined) ?? null,
    losses: readLosses(outbox),
    disk: { usedBytes: disk.used, fileBytes: disk.file },
    leftOut: readLeftOut(outbox),
    failures: outbox
      .sql('SELECT step, since_ms, at_ms, reason FROM steps ORDER BY step')
      .all()
      .map((row) => ({
        ...{ step: row.step as string, reason: row.reason as string },
        ...{ sinceMs: row.since_ms as number, atMs: row.at_ms as number },
      })),
  };
}

/** What the outbox itself could not keep, as its disk takes no more. */
function diskWait({ sinceMs, reason }: Trouble): Wait {
  return { for: 'disk', blocks: 0, sinceMs, turn: 'operator', reason, overdue: true };
}

function shortenedBy(
  mark: HighMark | null,
  outboxId: Uint8Array | undefined,
  { commits = 0, blocks = 0 }: Record<string, number>,
): number | null {
  if (mark === null || outboxId === undefined) return null;
  if (!equalBytes(mark.outboxId, outboxId)) return mark.blocks;
  return mark.commits > commits ? Math.max(0, mark.blocks - blocks) : null;
}

function readStates(outbox: Outbox): OutboxStatus['states'] {
  const rows = outbox.sql('SELECT state, count(*) AS batches, sum(blocks) AS blocks FROM batches GROUP BY state').all();
  const entries = BATCH_STATES.map((state, number) => {
    const row = rows.find((one) => one.state === number);
    return [state, { batches: (row?.batches as number) ?? 0, blocks: (row?.blocks as number) ?? 0 }] as const;
  });
  return Object.fromEntries(entries) as OutboxStatus['states'];
}
