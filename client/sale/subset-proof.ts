import { StateError } from '../../core/errors.ts';
import { nodeHash, splitPoint } from '../../core/log/merkle.ts';
import { type BlockRecord, recordHash } from '../../core/log/record.ts';
import type { Primitives } from '../../core/ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** Consecutive records of a log, and the multiproof of all of them, which was verified. */
export interface ProvenRun {
  readonly first: number;
  readonly records: readonly BlockRecord[];
  readonly proof: readonly Uint8Array[];
}

/**
 * The multiproof (core/log/multiproof.ts) of some records, made of the proofs of runs that hold them: nobody has to be asked
 * for another one.
 * @throws StateError when a position is in none of the runs
 */
export function subsetProof(
  hasher: Hasher,
  size: number,
  runs: readonly ProvenRun[],
  positions: readonly number[],
): Uint8Array[] {
  const known = new Map<string, Uint8Array>();
  for (const run of runs) noteRun(known, hasher, size, run);
  const hashOf = (from: number, to: number): Uint8Array => {
    const name = nameOf(from, to);
    const hash = known.get(name);
    if (hash !== undefined) return hash;
    if (to - from === 1) throw new StateError(`The record of block ${from} is not among those that are held.`);
    const middle = from + splitPoint(to - from);
    const made = nodeHash(hasher, hashOf(from, middle), hashOf(middle, to));
    known.set(name, made);
    return made;
  };
  const nodes: Uint8Array[] = [];
  const visit = (from: number, to: number, wanted: readonly number[]): void => {
    if (wanted.length === 0) {
      nodes.push(hashOf(from, to));
    } else if (to - from > 1) {
      const middle = from + splitPoint(to - from);
      visit(
        from,
        middle,
        wanted.filter((position) => position < middle),
      );
      visit(
        middle,
        to,
        wanted.filter((position) => position >= middle),
      );
    } else {
      hashOf(from, to);
    }
  };
  visit(0, size, positions);
  return nodes;
}

/** How many nodes the multiproof of these positions has; ascending, at least one. */
export function countProofNodes(positions: readonly number[], size: number): number {
  const visit = (from: number, to: number, low: number, high: number): number => {
    if (low === high) return 1;
    if (to - from === high - low) return 0;
    const middle = from + splitPoint(to - from);
    let cut = low;
    while (cut < high && (positions[cut] as number) < middle) cut++;
    return visit(from, middle, low, cut) + visit(middle, to, cut, high);
  };
  return visit(0, size, 0, positions.length);
}

/** Notes the hash of every record of a run, and which part of the log each node of its proof stands for. */
function noteRun(known: Map<string, Uint8Array>, hasher: Hasher, size: number, run: ProvenRun): void {
  const end = run.first + run.records.length;
  for (const [i, record] of run.records.entries()) {
    known.set(nameOf(run.first + i, run.first + i + 1), recordHash(hasher, record));
  }
  let next = 0;
  const visit = (from: number, to: number): void => {
    if (to <= run.first || from >= end) {
      known.set(nameOf(from, to), run.proof[next++] as Uint8Array);
    } else if (from < run.first || to > end) {
      const middle = from + splitPoint(to - from);
      visit(from, middle);
      visit(middle, to);
    }
  };
  visit(0, size);
}

function nameOf(from: number, to: number): string {
  return `${from}-${to}`;
}
