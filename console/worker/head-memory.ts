import type { Address, DatasetId } from '../../core/ids.ts';
import type { HeadMemory, SeenAnchorer, SeenHeads } from '../../core/ports/head-memory.ts';

/** What was seen since the page was opened. A browser is no place to keep what a later visit rests on: the commands do. */
export function createHeadMemory(): HeadMemory {
  const heads = new Map<DatasetId, SeenHeads>();
  const anchorers = new Map<Address, SeenAnchorer>();
  return {
    problems: [],
    readHeads: (dataset) => heads.get(dataset) ?? null,
    keepHeads(entries) {
      for (const [dataset, seen] of entries) heads.set(dataset, seen);
    },
    readAnchorer: (anchorer) => anchorers.get(anchorer) ?? null,
    keepAnchorer: (anchorer, seen) => void anchorers.set(anchorer, seen),
    forget(dataset) {
      const anchorer = heads.get(dataset)?.round?.anchorer;
      if (anchorer !== undefined) anchorers.delete(anchorer);
      heads.delete(dataset);
    },
  };
}
