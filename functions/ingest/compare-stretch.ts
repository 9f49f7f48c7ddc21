import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { parseCharterKey } from '../../core/charter/charter-file.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { ObjectLister } from '../../core/ports/object-store.ts';
import { isPassedOver } from '../log/is-passed-over.ts';
import type { TableReader } from '../ports.ts';
import { readCharters, readDatasetEntry } from '../state/dataset-entry.ts';
import { datasetPk, type LogEntry, segmentSk, waitingSk } from '../state/entries.ts';
import { findLogEntry, queryLog, readLogEnd } from '../state/log-entry.ts';
import { objectKey, type StoredSegment, segmentPages } from '../state/segment-entry.ts';
import { isSettled } from './check-in.ts';

/** Keys of one dataset that follow on each other in the bucket. */
export interface Stretch {
  readonly dataset: DatasetId;
  readonly keys: readonly string[];
  /** What was compared before; null: nothing of this dataset. */
  readonly after: string | null;
  /** Whether the bucket has no more keys of this dataset behind these. */
  readonly isWhole: boolean;
}

/**
 * What bucket and table differ in: a charter that is not kept; a segment that has no entry (`missed`), or whose entry is to be
 * looked at again, as it is not settled, has no place in the log, or lies where the log has only the chain's word; an entry whose
 * object is gone; what is to be set aside.
 */
export interface Difference {
  readonly kind: 'charter' | 'missed' | 'again' | 'gone' | 'junk';
  readonly key: string;
}

interface Ports {
  readonly table: TableReader;
  readonly objects: ObjectLister;
}

/** No bucket has more charters of one dataset than that, unless somebody else writes there. */
const MOST_CHARTERS = 1_000;
/** Charters tried in one stretch: what the chain has of a dataset is learnt with any of them. */
const MOST_TRIED = 20;
const LAST_BLOCK = Number.MAX_SAFE_INTEGER;

/** Compares a stretch of the bucket with the table: charters come first, then segments in the order of their keys. */
export async function* compareStretch(
  ports: Ports,
  stretch: Stretch,
  signal?: AbortSignal,
): AsyncGenerator<Difference> {
  const { dataset } = stretch;
  const known = new Set((await readCharters(ports.table, dataset, signal)).map(({ serial }) => serial));
  const lacking = (key: string) => {
    const serial = parseCharterKey(key)?.serial;
    return serial !== undefined && !known.has(serial);
  };
  // In the bucket they stand behind the segments, which are nobody's without them.
  const charters = known.size === 0 ? await listCharters(ports.objects, dataset, signal) : stretch.keys;
  for (const key of charters.filter(lacking).slice(0, MOST_TRIED)) yield { kind: 'charter', key };
  yield* compareSegments(ports, stretch, signal);
}

/** Keys of a dataset's charters, the first one first. */
export async function listCharters(
  objects: ObjectLister,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const found: { readonly key: string; readonly serial: number }[] = [];
  for await (const key of objects.list(`${dataset.slice(2)}/charter-`, signal)) {
    const serial = parseCharterKey(key)?.serial;
    if (serial !== undefined) found.push({ key, serial });
    if (found.length === MOST_CHARTERS) break;
  }
  return found.sort((a, b) => a.serial - b.serial).map(({ key }) => key);
}

async function* compareSegments(
  { table }: Ports,
  { dataset, keys, after, isWhole }: Stretch,
  signal?: AbortSignal,
): AsyncGenerator<Difference> {
  const end = await readLogEnd(table, dataset, signal);
  const readSize = async () => (await readLogEnd(table, dataset, signal))?.size ?? 0;
  let size = end?.size ?? 0;
  const hasGaps = (end?.gaps ?? 0) > 0;
  /** The last that was looked at: one segment in it makes all others there looked for, too. */
  let lastGap = -1;
  /** Neither in the log nor known to wait for its place there. */
  const isUnplaced = async ({ state, first, sha256Hex }: StoredSegment) => {
    if (state !== 'received' || first < size) return false;
    if ((await table.get(datasetPk(dataset), waitingSk(first, sha256Hex), signal)) !== null) return false;
    // What waits leaves the list when the log has taken it in.
    size = await readSize();
    return first >= size;
  };
  const { tiledTo = 0 } = await readDatasetEntry(table, dataset, signal);
  /** What can never be a segment, what was set aside and came again, and what was turned away and is passed over. */
  const isForAside = async (entry: StoredSegment) => {
    if (entry.rejection === 'content' || entry.expiresAtS !== undefined) return true;
    if (entry.rejection !== 'signer' && entry.rejection !== 'root') return false;
    return isPassedOver(table, dataset, entry, tiledTo, signal);
  };
  const stored = keys.filter((key) => parseSegmentKey(key) !== null);
  const to = isWhole ? END : skBehind(keys.at(-1) as string);
  let at = 0;
  const from = after === null ? segmentSk(0, '') : skBehind(after);
  for await (const page of segmentPages(table, dataset, { from, to }, signal)) {
    const gaps = hasGaps ? await readGaps(table, dataset, page, signal) : [];
    const isInGap = ({ state, first }: StoredSegment) => {
      const gap = gaps.find((one) => one.first <= first && first < one.size);
      if (gap === undefined || state !== 'received' || gap.first === lastGap) return false;
      lastGap = gap.first;
      return true;
    };
    for (const entry of page) {
      const key = objectKey(dataset, entry);
      for (; at < stored.length && (stored[at] as string) < key; at++) {
        yield { kind: 'missed', key: stored[at] as string };
      }
      if (stored[at] !== key) {
        const isGone = entry.lostAtMs === undefined && entry.expiresAtS === undefined && entry.rejection !== 'content';
        if (isGone) yield { kind: 'gone', key };
        continue;
      }
      at++;
      if (await isForAside(entry)) {
        yield { kind: 'junk', key };
        continue;
      }
      if (!isSettled(entry) || isInGap(entry) || (await isUnplaced(entry))) yield { kind: 'again', key };
    }
  }
  for (; at < stored.length; at++) yield { kind: 'missed', key: stored[at] as string };
}

/** Where the log has only the chain's word, among the blocks that these segments begin with. */
async function readGaps(
  table: TableReader,
  dataset: DatasetId,
  page: readonly StoredSegment[],
  signal?: AbortSignal,
): Promise<readonly LogEntry[]> {
  const [from, to] = [page[0]?.first, page.at(-1)?.first];
  if (from === undefined || to === undefined) return [];
  const begin = await findLogEntry(table, dataset, from, signal);
  const others = await queryLog(table, dataset, { from: from + 1, to, most: page.length }, signal);
  return [...(begin === null ? [] : [begin]), ...others].filter(({ sha256Hex }) => sha256Hex === null);
}

/** Behind all segments. */
const END = segmentSk(LAST_BLOCK, 'g');

/** Where the table's entries go on behind a key of the bucket: they are in the same order. */
function skBehind(key: string): string {
  const name = key.slice(key.indexOf('/') + 1);
  return `B#${name.slice(0, 16)}#${name.slice(17)}`;
}
