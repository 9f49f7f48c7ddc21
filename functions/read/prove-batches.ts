import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { multiproof, rootFromMultiproof } from '../../core/log/multiproof.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import type { Table } from '../../core/ports/table.ts';
import type { LogEntry } from '../state/entries.ts';
import { leafHashOf, readLogEntry } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { LogHashes, type TileMemory } from './log-hashes.ts';

interface Ports {
  readonly primitives: Pick<Primitives, 'sha256'>;
  readonly table: Table;
}

const PARALLEL_NODES = 16;
const NOTHING = new Uint8Array(0);

/**
 * One proof of these batches in the log of `batches`; null when the log as it is stored does not hold together now, as
 * while it is being rewritten. Caches may be stale after that: a proof that leads elsewhere is made again without them.
 */
export async function proveBatches(
  ports: Ports,
  dataset: DatasetId,
  proven: readonly LogEntry[],
  batches: number,
  memory: TileMemory,
  signal?: AbortSignal,
): Promise<Uint8Array[] | null> {
  const end = await readLogEntry(ports.table, dataset, batches, signal);
  if (end === null) return null;
  const leaves = new Map(proven.map((entry) => [entry.batches - 1, leafHashOf(ports.primitives, dataset, entry)]));
  for (const trustCaches of [true, false]) {
    const hashes = new LogHashes(ports, dataset, memory, trustCaches, signal);
    const proof = await multiproofInParallel([...leaves.keys()], batches, (from, to) => hashes.subtree(from, to));
    if (equalBytes(rootFromMultiproof(ports.primitives, leaves, batches, proof), end.root)) return proof;
  }
  return null;
}

/** As multiproof, but its nodes are found many at once: first it is only asked which they are. */
async function multiproofInParallel(
  positions: readonly number[],
  batches: number,
  subtree: (from: number, to: number) => Promise<Uint8Array>,
): Promise<Uint8Array[]> {
  const ranges: [number, number][] = [];
  await multiproof(positions, batches, (...range) => {
    ranges.push(range);
    return NOTHING;
  });
  return mapBounded(ranges, PARALLEL_NODES, ([from, to]) => subtree(from, to));
}
