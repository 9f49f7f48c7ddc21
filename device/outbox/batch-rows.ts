import { EMPTY_LOG, type LogEnd } from '../../core/batch/seal-batch.ts';
import type { BatchRoot, LogRoot, Salt } from '../../core/ids.ts';
import type { Frontier } from '../../core/log/frontier.ts';
import { OutboxDamagedError } from './errors.ts';
import type { Outbox } from './open-outbox.ts';

/** How far a batch has come. `planned`: blocks and nonce are fixed, nothing has been made with them yet. */
export const BATCH_STATES = ['planned', 'sealed', 'stored', 'recorded', 'final', 'checked'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

/** A batch whose blocks and nonce are fixed. */
export interface PlannedBatch {
  /** Place in the log, from 0. */
  readonly position: number;
  readonly state: BatchState;
  readonly first: number;
  readonly blocks: number;
  /** Captured blocks it holds; none when it was adopted from the log and no captured block was found in it. */
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly published: boolean;
  readonly nonce: Uint8Array;
  readonly plannedMs: number;
}

/** What sealing made of it, or what was adopted. */
export interface SealedRow extends PlannedBatch {
  readonly sha256: Uint8Array;
  readonly segmentBytes: number;
  readonly salt: Salt;
  readonly batchRoot: BatchRoot;
  readonly root: LogRoot;
  readonly signature: Uint8Array;
  /** The log's frontier after it. */
  readonly frontier: Frontier;
  /** It cannot be made again from what was captured here: its front is kept until it is checked (readFront). */
  readonly adopted: boolean;
}

export type BatchRow = PlannedBatch | SealedRow;

export function isSealed(row: BatchRow): row is SealedRow {
  return 'root' in row;
}

export function stateNumber(state: BatchState): number {
  return BATCH_STATES.indexOf(state);
}

// Without the manifest, which may have 250 kB.
const COLUMNS = `position, state, first, blocks, from_seq, to_seq, published, nonce, planned_ms, sha256, segment_bytes, salt,
  batch_root, root, peaks, signature, manifest IS NOT NULL AS adopted`;

export function lastBatch(outbox: Outbox): BatchRow | null {
  return rowOf(outbox.sql(`SELECT ${COLUMNS} FROM batches ORDER BY position DESC LIMIT 1`).get());
}

export function batchAt(outbox: Outbox, position: number): BatchRow | null {
  return rowOf(outbox.sql(`SELECT ${COLUMNS} FROM batches WHERE position = ?`).get(position));
}

/** Batches in one state, oldest first. */
export function batchesIn(outbox: Outbox, state: BatchState, limit: number): BatchRow[] {
  const rows = outbox
    .sql(`SELECT ${COLUMNS} FROM batches WHERE state = ? ORDER BY position LIMIT ?`)
    .all(stateNumber(state), limit);
  return rows.map((row) => rowOf(row) as BatchRow);
}

/** Batches from a position on, in order. */
export function batchesFrom(outbox: Outbox, position: number, limit: number): BatchRow[] {
  const rows = outbox
    .sql(`SELECT ${COLUMNS} FROM batches WHERE position >= ? ORDER BY position LIMIT ?`)
    .all(position, limit);
  return rows.map((row) => rowOf(row) as BatchRow);
}

export function insertPlanned(outbox: Outbox, batch: PlannedBatch): void {
  outbox
    .sql(`INSERT INTO batches (position, state, first, blocks, from_seq, to_seq, published, nonce, planned_ms)
      VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?)`)
    .run(
      ...[batch.position, batch.first, batch.blocks, batch.fromSeq, batch.toSeq],
      ...[Number(batch.published), batch.nonce, batch.plannedMs],
    );
}

/** Writes what sealing made of a batch whose row is there; `front` is that of an adopted one's segment. */
export function updateSealed(outbox: Outbox, row: SealedRow, front: Uint8Array | null): void {
  outbox
    .sql(`UPDATE batches SET state = ?, sha256 = ?, segment_bytes = ?, salt = ?, batch_root = ?, root = ?, signature = ?,
      peaks = ?, manifest = ? WHERE position = ?`)
    .run(
      ...[stateNumber(row.state), row.sha256, row.segmentBytes, row.salt, row.batchRoot, row.root, row.signature],
      ...[Buffer.concat(row.frontier.peaks), front, row.position],
    );
}

/** The front of an adopted batch's segment. @throws OutboxDamagedError when it is not there */
export function readFront(outbox: Outbox, position: number): Uint8Array {
  const front = outbox.sql('SELECT manifest FROM batches WHERE position = ?').get(position)?.manifest;
  if (front instanceof Uint8Array) return front;
  throw new OutboxDamagedError(`The outbox has not kept the front of batch ${position}.`);
}

/** Moves a batch to its next state, if it still is this one: a fork may have put another in its place meanwhile. */
export function moveBatch(outbox: Outbox, row: SealedRow, from: BatchState, to: BatchState): boolean {
  const { changes } = outbox
    .sql('UPDATE batches SET state = ? WHERE position = ? AND sha256 = ? AND state = ?')
    .run(stateNumber(to), row.position, row.sha256, stateNumber(from));
  return changes === 1;
}

/** Where the log ends that this outbox knows. A batch that is being sealed is not in it yet. */
export function logEnd(outbox: Outbox): LogEnd {
  const last = lastBatch(outbox);
  if (last === null) return EMPTY_LOG;
  return isSealed(last) ? endAfter(last) : logEndBefore(outbox, last.position);
}

/** The log's end before a batch: after the one before it. */
export function logEndBefore(outbox: Outbox, position: number): LogEnd {
  if (position === 0) return EMPTY_LOG;
  const before = batchAt(outbox, position - 1);
  if (before === null) throw new OutboxDamagedError(`The outbox does not know the log before batch ${position}.`);
  return endAfter(before);
}

/** The log's end after a batch. @throws OutboxDamagedError when it has not been sealed */
export function endAfter(row: BatchRow): LogEnd {
  if (!isSealed(row)) throw new OutboxDamagedError(`Batch ${row.position} is not sealed yet.`);
  return { size: row.first + row.blocks, frontier: row.frontier };
}

/** Whether any batch still has to be stored, recorded or checked. */
export function countUnchecked(outbox: Outbox): number {
  const row = outbox.sql('SELECT count(*) AS n FROM batches WHERE state < ?').get(stateNumber('checked'));
  return row?.n as number;
}

function rowOf(row: Record<string, unknown> | undefined): BatchRow | null {
  if (row === undefined) return null;
  const position = row.position as number;
  const planned: PlannedBatch = {
    position,
    state: BATCH_STATES[row.state as number] as BatchState,
    first: row.first as number,
    blocks: row.blocks as number,
    fromSeq: row.from_seq as number,
    toSeq: row.to_seq as number,
    published: row.published === 1,
    nonce: row.nonce as Uint8Array,
    plannedMs: row.planned_ms as number,
  };
  if (planned.state === 'planned') return planned;
  return {
    ...planned,
    sha256: row.sha256 as Uint8Array,
    segmentBytes: row.segment_bytes as number,
    salt: row.salt as Salt,
    batchRoot: row.batch_root as BatchRoot,
    root: row.root as LogRoot,
    signature: row.signature as Uint8Array,
    frontier: { leaves: position + 1, peaks: splitPeaks(row.peaks as Uint8Array) },
    adopted: row.adopted === 1,
  };
}

function splitPeaks(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.slice(32 * i, 32 * (i + 1)));
}
