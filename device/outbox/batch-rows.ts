import type { LogRoot } from '../../core/ids.ts';
import type { Peaks } from '../../core/log/peaks.ts';
import { OutboxDamagedError } from './errors.ts';
import { joinHashes, splitHashes } from './hash-list.ts';
import type { Outbox } from './open-outbox.ts';

/** How far a batch has come. `planned`: its blocks are fixed, nothing has been made with them yet. */
export const BATCH_STATES = ['planned', 'sealed', 'stored', 'recorded', 'final', 'checked'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** A batch whose blocks are fixed. */
export interface PlannedBatch {
  /** Its first block's index: a batch's name in this outbox. */
  readonly first: number;
  readonly state: BatchState;
  readonly blocks: number;
  /** Captured blocks it holds; none when it was adopted from the log and no captured block was found in it. */
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Of the device that sealed it; UNKNOWN_SERIAL for a stretch of the log that is known by its peaks alone. */
  readonly serial: number;
  /** Random part of the nonce, drawn with the blocks; empty when it was adopted. */
  readonly random16: Uint8Array;
  /** Hash of a final chain block that was known when it was planned; null where the chain could not be read. */
  readonly after: Uint8Array | null;
  /** `at` of the block before, ms; null when that is not known or another device's: a new stretch of time begins. */
  readonly beforeAtMs: number | null;
  readonly plannedMs: number;
}

/** What sealing made of it, or what was adopted. */
export interface SealedRow extends PlannedBatch {
  readonly sha256: Uint8Array;
  readonly segmentBytes: number;
  readonly root: LogRoot;
  readonly signature: Uint8Array;
  /** The log's peaks after it. */
  readonly end: Peaks;
  /** `at` of its last block, ms; null where it is not known. */
  readonly endAtMs: number | null;
  /** It cannot be made again from what was captured here: its front is kept until it is checked (readFront). */
  readonly adopted: boolean;
}

export type BatchRow = PlannedBatch | SealedRow;

/** Of no device: charters count from 1. */
export const UNKNOWN_SERIAL = 0;

export function isSealed(row: BatchRow): row is SealedRow {
  return 'root' in row;
}

export function stateNumber(state: BatchState): number {
  return BATCH_STATES.indexOf(state);
}

// Without leaf hashes and front, which may have 32 kB and 1 MiB.
const COLUMNS = `first, state, blocks, from_seq, to_seq, serial, random16, after, before_at_ms, planned_ms, sha256,
  segment_bytes, root, peaks, signature, end_at_ms, front IS NOT NULL AS adopted`;

export function lastBatch(outbox: Outbox): BatchRow | null {
  return rowOf(outbox.sql(`SELECT ${COLUMNS} FROM batches ORDER BY first DESC LIMIT 1`).get());
}

/** The batch that begins with this block. */
export function batchAt(outbox: Outbox, first: number): BatchRow | null {
  return rowOf(outbox.sql(`SELECT ${COLUMNS} FROM batches WHERE first = ?`).get(first));
}

/** The batch that holds the block before this size, or null where it is forgotten or there is none. */
export function batchBefore(outbox: Outbox, size: number): BatchRow | null {
  return rowOf(outbox.sql(`SELECT ${COLUMNS} FROM batches WHERE first < ? ORDER BY first DESC LIMIT 1`).get(size));
}

/** Batches in one state, oldest first. */
export function batchesIn(outbox: Outbox, state: BatchState, limit: number): BatchRow[] {
  const rows = outbox
    .sql(`SELECT ${COLUMNS} FROM batches WHERE state = ? ORDER BY first LIMIT ?`)
    .all(stateNumber(state), limit);
  return rows.map((row) => rowOf(row) as BatchRow);
}

/** Since when the oldest batch of a state is in it, ms since 1970; null where there is none. */
export function waitingSince(outbox: Outbox, state: BatchState): number | null {
  const row = outbox.sql('SELECT min(since_ms) AS since FROM batches WHERE state = ?').get(stateNumber(state));
  return (row?.since as number | null | undefined) ?? null;
}

/** Whether any batch is in one of these states: asked at every turn, so it reads no row. */
export function hasBatchIn(outbox: Outbox, ...states: readonly BatchState[]): boolean {
  const any = outbox.sql('SELECT 1 FROM batches WHERE state = ? LIMIT 1');
  return states.some((state) => any.get(stateNumber(state)) !== undefined);
}

/** Batches from a block on, in order. */
export function* batchesFrom(outbox: Outbox, first: number): Generator<BatchRow> {
  for (let at = first; ; ) {
    const row = rowOf(outbox.sql(`SELECT ${COLUMNS} FROM batches WHERE first >= ? ORDER BY first LIMIT 1`).get(at));
    if (row === null) return;
    yield row;
    at = row.first + 1;
  }
}

export function insertPlanned(outbox: Outbox, batch: PlannedBatch): void {
  outbox
    .sql(`INSERT INTO batches (first, state, blocks, from_seq, to_seq, serial, random16, after, before_at_ms, planned_ms, since_ms)
      VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    .run(
      ...[batch.first, batch.blocks, batch.fromSeq, batch.toSeq, batch.serial],
      ...[batch.random16, batch.after, batch.beforeAtMs, batch.plannedMs, batch.plannedMs],
    );
}

/** What is kept of a batch beside its row: leaf hashes, and of an adopted one the front of its segment. */
export interface KeptOfBatch {
  readonly leafHashes: readonly Uint8Array[];
  readonly front: Uint8Array | null;
}

/** Writes what sealing made of a batch whose row is there. */
export function updateSealed(outbox: Outbox, row: SealedRow, { leafHashes, front }: KeptOfBatch): void {
  outbox
    .sql(`UPDATE batches SET state = ?, sha256 = ?, segment_bytes = ?, root = ?, signature = ?, peaks = ?, end_at_ms = ?,
      leaves = ?, front = ? WHERE first = ?`)
    .run(
      ...[stateNumber(row.state), row.sha256, row.segmentBytes, row.root, row.signature],
      ...[joinHashes(row.end.peaks), row.endAtMs, joinHashes(leafHashes), front, row.first],
    );
}

/** The front of an adopted batch's segment. @throws OutboxDamagedError when it is not there */
export function readFront(outbox: Outbox, first: number): Uint8Array {
  const front = outbox.sql('SELECT front FROM batches WHERE first = ?').get(first)?.front;
  if (front instanceof Uint8Array) return front;
  throw new OutboxDamagedError(`The outbox no longer has the front of the batch at block ${first}.`);
}

/** The leaf hashes of a batch that is not checked yet. @throws OutboxDamagedError when they are not there */
export function readLeafHashes(outbox: Outbox, { first, blocks }: PlannedBatch): Uint8Array[] {
  const leaves = outbox.sql('SELECT leaves FROM batches WHERE first = ?').get(first)?.leaves;
  const hashes = leaves instanceof Uint8Array ? splitHashes(leaves) : [];
  if (hashes.length === blocks) return hashes;
  throw new OutboxDamagedError(`The outbox no longer has the leaf hashes of the batch at block ${first}.`);
}

/** Moves a batch to another state, if it still is this one: a fork may have put another in its place meanwhile. */
export function moveBatch(outbox: Outbox, row: SealedRow, from: BatchState, to: BatchState, nowMs: number): boolean {
  const { changes } = outbox.commit(() =>
    outbox
      .sql('UPDATE batches SET state = ?, since_ms = ?, looked = NULL WHERE first = ? AND sha256 = ? AND state = ?')
      .run(stateNumber(to), nowMs, row.first, row.sha256, stateNumber(from)),
  );
  return changes === 1;
}

/** The service has said that stored batches between two blocks are there. */
export function noteLooked(outbox: Outbox, from: number, to: number): void {
  const among = 'state = ? AND looked IS NULL AND first >= ? AND first < ?';
  const stored = stateNumber('stored');
  if (outbox.sql(`SELECT 1 FROM batches WHERE ${among}`).get(stored, from, to) === undefined) return;
  outbox.commit(() => outbox.sql(`UPDATE batches SET looked = 1 WHERE ${among}`).run(stored, from, to));
}

/** Whether any batch still has to be stored, recorded or checked. */
export function countUnchecked(outbox: Outbox): number {
  const row = outbox.sql('SELECT count(*) AS n FROM batches WHERE state < ?').get(stateNumber('checked'));
  return row?.n as number;
}

function rowOf(row: Record<string, unknown> | undefined): BatchRow | null {
  if (row === undefined) return null;
  const planned: PlannedBatch = {
    first: row.first as number,
    state: BATCH_STATES[row.state as number] as BatchState,
    blocks: row.blocks as number,
    fromSeq: row.from_seq as number,
    toSeq: row.to_seq as number,
    serial: row.serial as number,
    random16: row.random16 as Uint8Array,
    after: row.after as Uint8Array | null,
    beforeAtMs: row.before_at_ms as number | null,
    plannedMs: row.planned_ms as number,
  };
  if (planned.state === 'planned') return planned;
  return {
    ...planned,
    sha256: row.sha256 as Uint8Array,
    segmentBytes: row.segment_bytes as number,
    root: row.root as LogRoot,
    signature: row.signature as Uint8Array,
    end: { size: planned.first + planned.blocks, peaks: splitHashes(row.peaks as Uint8Array) },
    endAtMs: row.end_at_ms as number | null,
    adopted: row.adopted === 1,
  };
}
