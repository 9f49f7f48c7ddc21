import type { ErrorKind } from '../../core/errors.ts';
import { type BatchState, stateNumber } from './batch-rows.ts';
import type { Outbox } from './open-outbox.ts';
import { sealedSeq } from './read-backlog.ts';
import { countUnpublished } from './to-publish.ts';

/** What something in the outbox waits for. */
export type AwaitedThing = 'disk' | 'sealing' | 'upload' | 'check-in' | 'record' | 'finality' | 'proof' | 'publication';

/** Who has to do something for it to go on. `device`: nobody else; it goes on by itself. */
export type Turn = 'device' | 'operator' | 'owner' | 'service' | 'chain';

/** Something that waits. */
export interface Wait {
  readonly for: AwaitedThing;
  readonly blocks: number;
  /** When the oldest of it began to wait, ms since 1970 by this machine's clock. */
  readonly sinceMs: number;
  readonly turn: Turn;
  /** What stands in its way, as it was last seen; null where nothing does but time. */
  readonly reason: string | null;
  /** It waits longer than it should. */
  readonly overdue: boolean;
}

const MINUTE_MS = 60_000;

/** How long each may take before a person should know: the chain's finality is a quarter of an hour, a relayer has cadences. */
const PATIENCE_MS: Readonly<Record<AwaitedThing, number>> = {
  disk: 0,
  sealing: 5 * MINUTE_MS,
  upload: 5 * MINUTE_MS,
  'check-in': 3 * MINUTE_MS,
  record: 60 * MINUTE_MS,
  finality: 60 * MINUTE_MS,
  proof: 10 * MINUTE_MS,
  publication: 60 * MINUTE_MS,
};

/** Whose turn it is where nothing fails. */
const TURN: Readonly<Record<AwaitedThing, Turn>> = {
  ...{ disk: 'operator', sealing: 'device', upload: 'device', 'check-in': 'service' },
  ...{ record: 'service', finality: 'chain', proof: 'device', publication: 'device' },
};

const TURN_OF_KIND: Readonly<Record<ErrorKind, Turn>> = {
  ...{ arguments: 'operator', file: 'operator', answer: 'service', unavailable: 'service', chain: 'chain' },
  ...{ refused: 'owner', 'not-recorded': 'device', state: 'owner', defect: 'operator' },
};

/** The steps that stand behind each, in the order in which their failures count. */
const STEPS: Readonly<Record<AwaitedThing, readonly string[]>> = {
  disk: ['capture', 'outbox'],
  sealing: ['hold', 'seal', 'compare'],
  upload: ['upload'],
  'check-in': ['look'],
  record: ['record', 'look', 'anchorer', 'follow'],
  finality: ['follow'],
  proof: ['check'],
  publication: ['publish'],
};

/** Everything that waits in an outbox, in the order of a block's life. */
export function readWaits(outbox: Outbox, nowMs: number): Wait[] {
  const steps = new Map(
    outbox
      .sql('SELECT step, since_ms, reason, kind FROM steps')
      .all()
      .map((row) => [row.step as string, row]),
  );
  const waitOf = (awaited: AwaitedThing, blocks: number, sinceMs: number): Wait => {
    const name = STEPS[awaited].find((step) => steps.has(step));
    const failure = name === undefined ? null : steps.get(name);
    const reason = (failure?.reason as string | undefined) ?? null;
    const turn = failure == null ? TURN[awaited] : TURN_OF_KIND[failure.kind as ErrorKind];
    // How old a batch may be before it is sealed is the user's choice: only what hinders it is too long.
    const isLate = nowMs - sinceMs > PATIENCE_MS[awaited] && (awaited !== 'sealing' || reason !== null);
    return { for: awaited, blocks, sinceMs, turn: awaited === 'disk' ? 'operator' : turn, reason, overdue: isLate };
  };
  const waits: Wait[] = [];
  const add = (awaited: AwaitedThing, found: Found | null): void => {
    if (found !== null) waits.push(waitOf(awaited, found.blocks, found.sinceMs));
  };
  const disk = STEPS.disk.map((step) => steps.get(step)).find((row) => row !== undefined);
  if (disk !== undefined) add('disk', { blocks: 0, sinceMs: disk.since_ms as number });
  add('sealing', unsealed(outbox));
  add('upload', batches(outbox, ['planned', 'sealed'], ''));
  add('check-in', batches(outbox, ['stored'], 'AND looked IS NULL'));
  add('record', batches(outbox, ['stored'], 'AND looked IS NOT NULL'));
  add('finality', batches(outbox, ['recorded'], ''));
  add('proof', batches(outbox, ['final'], ''));
  const unpublished = countUnpublished(outbox);
  const oldest = outbox.sql('SELECT min(b.since_ms) AS since FROM to_publish p JOIN batches b USING (first)').get();
  if (unpublished > 0) add('publication', { blocks: unpublished, sinceMs: (oldest?.since as number | null) ?? nowMs });
  return waits;
}

interface Found {
  readonly blocks: number;
  readonly sinceMs: number;
}

function batches(outbox: Outbox, states: readonly BatchState[], also: string): Found | null {
  const [from, to] = [stateNumber(states[0] as BatchState), stateNumber(states.at(-1) as BatchState)];
  const row = outbox
    .sql(`SELECT sum(blocks) AS blocks, min(since_ms) AS since FROM batches WHERE state BETWEEN ? AND ? ${also}`)
    .get(from, to);
  return row?.blocks == null ? null : { blocks: row.blocks as number, sinceMs: row.since as number };
}

function unsealed(outbox: Outbox): Found | null {
  const from = sealedSeq(outbox);
  const row = outbox
    .sql(`SELECT sum(min(blocks, seq + blocks - ?)) AS blocks, min(at_ms) AS since FROM pieces WHERE seq + blocks > ?
      AND seq >= coalesce((SELECT max(seq) FROM pieces WHERE seq <= ?), 0)`)
    .get(from, from, from);
  return row?.blocks == null ? null : { blocks: row.blocks as number, sinceMs: row.since as number };
}
