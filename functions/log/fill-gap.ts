import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import { TILE_WIDTH } from '../../core/log/tiles.ts';
import { changeDatasetEntry } from '../state/dataset-entry.ts';
import { datasetPk, type LogEntry, logSk, segmentSk } from '../state/entries.ts';
import { segmentPages } from '../state/segment-entry.ts';
import { findPath, type Step } from './find-path.ts';
import { findTorn } from './find-torn.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { keepRecordsOf } from './keep-records-of.ts';
import { readmitSegment } from './reject-root.ts';

/**
 * Puts stored segments where the log had only the chain's word: they came late, or nobody knew of them. False when they do not
 * lead all the way through yet. The gap stands until everything is written that takes its place.
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
  const [first, ...others] = steps ?? [];
  if (first === undefined) return false;
  for (const step of [...others.reverse(), first]) {
    if (!(await writeStep(ports, dataset, step, signal))) return false;
  }
  const written = new Set([first, ...others].map(({ entry }) => entry.first));
  for (const entry of torn.entries) {
    if (!written.has(entry.first)) await table.delete(datasetPk(dataset), logSk(entry.first), 'any', signal);
  }
  // Tiles that reached into the gap were left out.
  await changeDatasetEntry(
    table,
    dataset,
    (entry) => ((entry.tiledTo ?? 0) <= gap.first ? null : { ...entry, tiledTo: tileBegin(gap.first) }),
    signal,
  );
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

/** False when the entry, or the segment, cannot be written as it should be now. */
async function writeStep(
  ports: GrowingPorts,
  dataset: DatasetId,
  { entry, segment }: Step,
  signal?: AbortSignal,
): Promise<boolean> {
  const { table } = ports;
  if (!(await keepRecordsOf(ports, dataset, segment, signal))) return false;
  await table.put({ pk: datasetPk(dataset), sk: logSk(entry.first), ...entry }, 'any', signal);
  if (segment.state === 'rejected') await readmitSegment(table, dataset, segment, signal);
  return true;
}
