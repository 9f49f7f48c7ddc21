import { equalBytes, toHex } from '../bytes.ts';
import type { LogRoot } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from './frontier.ts';
import type { Head } from './head.ts';

/** A batch as its stored segment describes it: where it says it stands, and its leaf in the log. */
export interface StoredBatch {
  readonly first: number;
  readonly count: number;
  /** Of the head after it, by the segment's own word. */
  readonly batches: number;
  readonly root: LogRoot;
  readonly leafHash: Uint8Array;
}

/**
 * The log that leads to a head read from DISSC, found among stored batches of which some may be rivals or lies; null when
 * one is missing. A root stands for everything before it: no batch is taken whose own root does not follow, and none
 * twice, so however much is stored, each way is gone once.
 */
export function rebuildLog<T extends StoredBatch>(
  hasher: Pick<Primitives, 'sha256'>,
  stored: readonly T[],
  head: Head,
): T[] | null {
  const byFirst = Map.groupBy(stored, (batch) => batch.first);
  const path: { readonly batch: T; readonly frontier: Frontier }[] = [];
  const open: { readonly depth: number; readonly batch: T }[] = [];
  const gone = new Set<string>();
  const next = (size: number): void => {
    for (const batch of byFirst.get(size) ?? []) {
      if (batch.batches === path.length + 1) open.push({ depth: path.length, batch });
    }
  };
  next(0);
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    path.length = step.depth;
    const frontier = appendLeaf(hasher, path[path.length - 1]?.frontier ?? EMPTY_FRONTIER, step.batch.leafHash);
    const root = frontierRoot(hasher, frontier);
    if (!equalBytes(root, step.batch.root) || gone.has(toHex(root))) continue;
    gone.add(toHex(root));
    path.push({ batch: step.batch, frontier });
    const size = step.batch.first + step.batch.count;
    if (path.length < head.batches) next(size);
    else if (size === head.size && equalBytes(root, head.root)) return path.map(({ batch }) => batch);
  }
  return null;
}
