import { equalBytes } from '../../core/bytes.ts';
import type { BlockIndex, DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import { TILE_WIDTH } from '../../core/log/tiles.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import { datasetPk, type LogEntry, logSk, segmentSk } from '../state/entries.ts';
import { type Filling, forgetFilling, noteFilling } from '../state/filling-entry.ts';
import { findLogEntry, readLogEntry } from '../state/log-entry.ts';
import { segmentPages } from '../state/segment-entry.ts';
import { findPath, type Step } from './find-path.ts';
import { findTorn } from './find-torn.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { keepRecordsOf } from './keep-records-of.ts';
import { readmitSegment } from './reject-root.ts';

/**
 * Puts stored segments where the log had only the chain's word: they came late, or nobody knew of them. False when they do not
 * lead all the way through yet. The gap stands until everything is written that takes its place; what is cut off on the way, the
 * reconciliation does again.
 */
export async function fillGap(
  ports: GrowingPorts,
  dataset: DatasetId,
  gap: LogEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  const { table } = ports;
  const torn = await findTorn(table, dataset, gap, signal);
  const target = torn?.entries.at(-1);
  // As long as the last segment is missing, looking for the others would be in vain, each time another one comes.
  if (torn === null || target === undefined || !(await isLastThere(ports, dataset, target, signal))) return false;
  const steps = await findPath(ports, dataset, torn.before, target, signal);
  if (steps === null || !(await keepRecordsOfAll(ports, dataset, steps, signal))) return false;
  const { size, root } = target;
  const filling = { dataset, from: torn.before?.size ?? 0, size, root, torn: torn.entries.map(({ first }) => first) };
  await noteFilling(table, filling, signal);
  await write(ports, filling, steps, signal);
  return true;
}

/** The same where a block lies, if there is a gap: for a segment that was turned away, and that the chain may have recorded before. */
export async function fillGapAt(
  ports: GrowingPorts,
  dataset: DatasetId,
  block: BlockIndex,
  signal?: AbortSignal,
): Promise<boolean> {
  const there = await findLogEntry(ports.table, dataset, block, signal);
  return there !== null && there.sha256Hex === null && fillGap(ports, dataset, there, signal);
}

/**
 * Does again what was cut off while segments took a gap's place: all of it, as each step may have been done. `stuck`: segments
 * on the way are lost or damaged by now; it goes on when they are back, or a rebuild has made the log anew.
 */
export async function finishFilling(
  ports: GrowingPorts,
  filling: Filling,
  signal?: AbortSignal,
): Promise<'filled' | 'stuck'> {
  const { table } = ports;
  const { dataset, from, size, root } = filling;
  const before = await readLogEntry(table, dataset, from, signal);
  const end = await readLogEntry(table, dataset, size, signal);
  // The log was made anew meanwhile: it leads elsewhere, or is not so long yet.
  if ((from > 0 && before === null) || end === null || !equalBytes(end.root, root)) {
    await forgetFilling(table, filling, signal);
    return 'filled';
  }
  const steps = await findPath(ports, dataset, before, filling, signal);
  if (steps === null || !(await keepRecordsOfAll(ports, dataset, steps, signal))) return 'stuck';
  await write(ports, filling, steps, signal);
  return 'filled';
}

/** The gap's own place is written last but for what it leaves behind: until then the log has the gap. */
async function write(
  ports: GrowingPorts,
  filling: Filling,
  steps: readonly Step[],
  signal?: AbortSignal,
): Promise<void> {
  const { table } = ports;
  const { dataset, from, torn } = filling;
  const [first, ...others] = steps as [Step, ...Step[]];
  for (const { entry, segment } of [...others.reverse(), first]) {
    await table.put({ pk: datasetPk(dataset), sk: logSk(entry.first), ...entry }, 'any', signal);
    if (segment.state === 'rejected') await readmitSegment(ports, dataset, segment, signal);
  }
  const written = new Set(steps.map(({ entry }) => entry.first));
  for (const gone of torn) if (!written.has(gone)) await table.delete(datasetPk(dataset), logSk(gone), 'any', signal);
  // Tiles that reached into the gap were left out.
  await changeDatasetEntry(
    table,
    dataset,
    (entry) => ((entry.tiledTo ?? 0) <= from ? null : { ...entry, tiledTo: tileBegin(from) }),
    signal,
  );
  await forgetFilling(table, filling, signal);
}

async function keepRecordsOfAll(
  ports: GrowingPorts,
  dataset: DatasetId,
  steps: readonly Step[],
  signal?: AbortSignal,
): Promise<boolean> {
  for (const { segment } of steps) if (!(await keepRecordsOf(ports, dataset, segment, signal))) return false;
  return true;
}

function tileBegin(block: number): number {
  return TILE_WIDTH * Math.floor(block / TILE_WIDTH);
}

async function isLastThere(
  { table }: GrowingPorts,
  dataset: DatasetId,
  { size, root }: LogEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  const [from, to] = [segmentSk(Math.max(0, size - MAX_BATCH_BLOCKS), ''), segmentSk(size - 1, 'g')];
  for await (const page of segmentPages(table, dataset, { from, to, reverse: true }, signal)) {
    const isThere = page.some(
      ({ headSize, headRoot }) => headSize === size && headRoot !== undefined && equalBytes(headRoot, root),
    );
    if (isThere) return true;
  }
  return false;
}
