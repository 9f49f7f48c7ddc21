import { equalBytes, toHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import { appendLeaves, EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import type { Subtree } from '../../core/log/subtrees.ts';
import { TILE_BYTES, TILE_WIDTH, tileKey } from '../../core/log/tiles.ts';
import { splitHashes } from '../state/log-entry.ts';
import type { Segment } from './find-path.ts';
import { leavesOfSegment, type SegmentLeaves } from './leaves-of-segment.ts';
import type { LogPorts } from './log-ports.ts';

/** Consecutive blocks of one batch; or of nobody, whose leaf hashes a tile has all the same. */
export interface Covered {
  readonly from: number;
  readonly to: number;
  readonly segment: Segment | null;
  /** Of these blocks in a tile, of the whole batch otherwise. */
  readonly known: SegmentLeaves;
}

/** What is read at most for one event. */
export interface Budget {
  left: number;
}

interface Way {
  readonly covered: Covered;
  readonly back: Way | null;
}

/**
 * Stored batches, and tiles where a batch is gone, that lead to the root which the chain's event gives a subtree; null when they
 * do not. Batches may cross its borders, and rivals be among them: the root decides.
 * @param segments in the order of their first blocks
 */
export async function coverSubtree(
  ports: LogPorts,
  dataset: DatasetId,
  { from, level, root }: Subtree & { readonly root: Uint8Array },
  segments: readonly Segment[],
  budget: Budget,
  signal?: AbortSignal,
): Promise<Covered[] | null> {
  const { primitives } = ports;
  const to = from + 2 ** level;
  const near = segments.filter(({ first, headSize }) => first < to && headSize > from);
  if (near.length === 0) return null;
  const known = new Map<string, Promise<SegmentLeaves | null>>();
  const leavesOf = (segment: Segment): Promise<SegmentLeaves | null> => {
    const read = known.get(segment.key) ?? leavesOfSegment(ports, dataset, segment, signal);
    if (!known.has(segment.key)) budget.left -= 1;
    known.set(segment.key, read);
    return read;
  };
  // What leads to the same place with the same root is one way, however many lead there.
  const seen = new Set<string>();
  const open: { readonly at: Peaks; readonly way: Way | null }[] = [{ at: EMPTY_PEAKS, way: null }];
  for (let next = open.pop(); next !== undefined && budget.left > 0; next = open.pop()) {
    const { at, way } = next;
    const here = from + at.size;
    if (here === to) {
      if (equalBytes(rootOfPeaks(primitives, at), root)) return stepsOf(way);
      continue;
    }
    for (const covered of await coversAt(ports, dataset, near, leavesOf, { here, to, budget }, signal)) {
      const { segment, known } = covered;
      const begin = segment?.first ?? here;
      const grown = appendLeaves(primitives, at, known.leaves.slice(here - begin, covered.to - begin));
      const name = `${grown.size} ${toHex(rootOfPeaks(primitives, grown))}`;
      if (seen.has(name)) continue;
      seen.add(name);
      open.push({ at: grown, way: { covered, back: way } });
    }
  }
  return null;
}

/** What goes on from a block: the batches that hold it, else what a tile has of it. The likeliest comes last. */
async function coversAt(
  { objects }: LogPorts,
  dataset: DatasetId,
  segments: readonly Segment[],
  leavesOf: (segment: Segment) => Promise<SegmentLeaves | null>,
  { here, to, budget }: { readonly here: number; readonly to: number; readonly budget: Budget },
  signal?: AbortSignal,
): Promise<Covered[]> {
  const covers: Covered[] = [];
  const holding = segments.slice(countBelow(segments, here - MAX_BATCH_BLOCKS + 1), countBelow(segments, here + 1));
  for (const segment of holding.filter(({ headSize }) => headSize > here)) {
    const known = await leavesOf(segment);
    if (known !== null) covers.push({ from: here, to: Math.min(to, segment.headSize), segment, known });
  }
  if (covers.length > 0) return covers.sort((a, b) => received(b) - received(a));
  const number = Math.floor(here / TILE_WIDTH);
  budget.left -= 1;
  const tile = await objects.read(tileKey(dataset, { level: 0, number }), { start: 0, end: TILE_BYTES + 1 }, signal);
  if (tile?.length !== TILE_BYTES) return [];
  const begin = number * TILE_WIDTH;
  const next = segments[countBelow(segments, here + 1)]?.first ?? to;
  const end = Math.min(to, next, begin + TILE_WIDTH);
  const leaves = splitHashes(tile).slice(here - begin, end - begin);
  return [{ from: here, to: end, segment: null, known: { leaves, onlyRecords: null } }];
}

function received({ segment }: Covered): number {
  return segment === null ? 0 : segment.receivedAtMs;
}

/** How many of these begin before a block. */
function countBelow(segments: readonly Segment[], block: number): number {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((segments[middle] as Segment).first < block) low = middle + 1;
    else high = middle;
  }
  return low;
}

function stepsOf(way: Way | null): Covered[] {
  const steps: Covered[] = [];
  for (let one = way; one !== null; one = one.back) {
    const { covered } = one;
    const next = steps.at(-1);
    // Of neighbouring tiles one gap is made.
    if (covered.segment !== null || next === undefined || next.segment !== null) steps.push(covered);
    else {
      const leaves = [...covered.known.leaves, ...next.known.leaves];
      steps[steps.length - 1] = { ...covered, to: next.to, known: { leaves, onlyRecords: null } };
    }
  }
  return steps.reverse();
}
