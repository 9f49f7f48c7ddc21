import { equalBytes } from '../../core/bytes.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { growthOfLeaves } from '../../core/log/build-growth.ts';
import { EMPTY_PEAKS, type Peaks, pushSubtree, rootOfPeaks } from '../../core/log/peaks.ts';
import { type RecordedGrowth, rebuildPeaks } from '../../core/log/rebuild-peaks.ts';
import { type BlockRecord, recordHash } from '../../core/log/record.ts';
import { appendedSubtrees, subtreeName } from '../../core/log/subtrees.ts';
import type { Primitives } from '../../core/ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** What is kept of a batch that somebody shows: enough to find its place in the log, whatever its size. */
export interface ListedSegment {
  /** By which its records are found again. */
  readonly key: string;
  readonly first: BlockIndex;
  readonly count: number;
  /** The log's root after it, by its own word; null where it says none. */
  readonly root: Uint8Array | null;
  /** Roots of the perfect subtrees that its records append to the log, in their order. */
  readonly appended: readonly Uint8Array[];
}

/**
 * A batch by its records. `root` is the log's after it, by the batch's own word.
 * @throws ArgumentError when there are no records in it
 */
export function listSegment(
  hasher: Hasher,
  { key, first, root }: Pick<ListedSegment, 'key' | 'first' | 'root'>,
  records: readonly BlockRecord[],
): ListedSegment {
  const leaves = records.map((record) => recordHash(hasher, record));
  // Of the peaks before it nothing is needed: which subtrees are appended follows from the places alone.
  const { appended } = growthOfLeaves(hasher, { size: first, peaks: [] }, leaves);
  return { key, first, count: records.length, root, appended };
}

/**
 * The segments of the log that the chain has, by their first block: from each recorded head on to the next, through segments
 * that follow on each other. Of rivals only those count that lead to what is recorded; the first of them in the order given is
 * tried first. In a stretch where one is missing, those that are left are given as they lie; what they prove, a proof shows.
 * `recorded` are the chain's events.
 * @throws ProofError when subtrees do not lie as the batches say
 */
export function findLog(
  hasher: Hasher,
  segments: readonly ListedSegment[],
  recorded: readonly RecordedGrowth[],
): Map<BlockIndex, ListedSegment> {
  const byFirst = Map.groupBy(segments, ({ first }) => first);
  const events = [...recorded].sort((a, b) => a.size - b.size);
  const log = new Map<BlockIndex, ListedSegment>();
  let before: Peaks = EMPTY_PEAKS;
  let next = 0;
  for (const after of rebuildPeaks(hasher, events)) {
    const { appended } = events[next] as RecordedGrowth;
    const path =
      pathBetween(hasher, byFirst, before, after) ?? leftBetween(segments, before.size, after.size, appended);
    for (const segment of path) if (!log.has(segment.first)) log.set(segment.first, segment);
    before = after;
    next += 1;
  }
  return log;
}

/**
 * What is left of a stretch in which a batch is missing, as it lies. What contradicts the subtrees that the chain gives of it is
 * left out, and so is what says nothing of its place in the log and is not shown to be there by one of them.
 */
function leftBetween(
  segments: readonly ListedSegment[],
  from: BlockIndex,
  to: BlockIndex,
  appended: readonly Uint8Array[],
): ListedSegment[] {
  const known = new Map(appendedSubtrees(from, to).map((subtree, i) => [subtreeName(subtree), appended[i]]));
  return segments.filter((segment) => {
    const { first, count, root } = segment;
    if (first < from || first + count > to) return false;
    const shown = appendedSubtrees(first, first + count).flatMap((subtree, i) => {
      const wanted = known.get(subtreeName(subtree));
      return wanted === undefined ? [] : [equalBytes(wanted, segment.appended[i] as Uint8Array)];
    });
    return shown.every(Boolean) && (root !== null || shown.length > 0);
  });
}

/** The segment of a log, in order, that holds a block: the last that begins at or before it, if it reaches so far. */
export function segmentWith(log: readonly ListedSegment[], index: BlockIndex): ListedSegment | null {
  let low = 0;
  let high = log.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle] as ListedSegment).first <= index) low = middle + 1;
    else high = middle;
  }
  const found = log[low - 1];
  return found !== undefined && index < found.first + found.count ? found : null;
}

/** Where a chain of segments stands, and how it came there. */
interface Step {
  readonly peaks: Peaks;
  readonly segment: ListedSegment;
  readonly previous: Step | null;
}

/** A thief with the device's key can store as many rivals as it wants; each costs one step, and no more are followed. */
const MAX_RIVALS = 4096;
/** Those that do not say what they lead to all lead on: each costs a step for every later batch up to the recorded head. */
const MAX_SILENT_RIVALS = 256;

/** The segments that lead from one recorded state to the next; null when one is missing. */
function pathBetween(
  hasher: Hasher,
  byFirst: ReadonlyMap<BlockIndex, readonly ListedSegment[]>,
  before: Peaks,
  after: Peaks,
): ListedSegment[] | null {
  const goal = rootOfPeaks(hasher, after);
  const open = new Map<BlockIndex, (Step | null)[]>([[before.size, [null]]]);
  for (let at: BlockIndex | undefined = before.size; at !== undefined && at < after.size; at = leastKey(open)) {
    const steps = open.get(at) ?? [];
    open.delete(at);
    for (const segment of byFirst.get(at) ?? []) {
      const end = at + segment.count;
      if (end > after.size) continue;
      for (const step of steps) {
        const peaks = appendSegment(hasher, step?.peaks ?? before, segment);
        const root = rootOfPeaks(hasher, peaks);
        if (segment.root !== null && !equalBytes(root, segment.root)) continue;
        const there = open.get(end) ?? [];
        const isGoal = end < after.size || equalBytes(root, goal);
        const most = segment.root === null ? MAX_SILENT_RIVALS : MAX_RIVALS;
        if (isGoal && there.length < most) open.set(end, [...there, { peaks, segment, previous: step }]);
      }
    }
  }
  const found = open.get(after.size)?.[0];
  if (found === undefined || found === null) return null;
  const path: ListedSegment[] = [];
  for (let step: Step | null = found; step !== null; step = step.previous) path.push(step.segment);
  return path.reverse();
}

function appendSegment(hasher: Hasher, before: Peaks, { first, count, appended }: ListedSegment): Peaks {
  const peaks = [...before.peaks];
  for (const [i, subtree] of appendedSubtrees(first, first + count).entries()) {
    pushSubtree(hasher, peaks, subtree, appended[i] as Uint8Array);
  }
  return { size: first + count, peaks };
}

function leastKey(open: ReadonlyMap<BlockIndex, unknown>): BlockIndex | undefined {
  return open.size === 0 ? undefined : Math.min(...open.keys());
}
