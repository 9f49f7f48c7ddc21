import { isZero } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { type DatasetId, datasetBytes, type MapRoot } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { bitAt, EMPTY_MAP, faultOfMapLeaf, MAP_DEPTH, type MapLeaf, mapLeafHash, mapNodeHash } from './map-leaf.ts';

/** What shows that a map has a dataset's head, or has none of it (specification#map). */
export interface MapProof {
  /** The other branch at each step, the deepest first. The prover chooses how many, 0 to 256. */
  readonly path: readonly Uint8Array[];
  /** What the path ends in: the dataset's leaf, another's with the same first bits, or nothing. */
  readonly end: MapLeaf | null;
}

/** Where a proof leads. */
export interface MapFinding {
  readonly map: MapRoot;
  /** The dataset's head in this map, or null: it is not there. */
  readonly leaf: MapLeaf | null;
}

/**
 * The map that a proof leads to, and what it says of the dataset there. Directions are the id's first bits, never the
 * prover's.
 * @throws ProofError when the path is too long, ends beside nothing, in a dataset of another branch or in what is no leaf
 * @example
 * const { map, leaf } = mapFromProof(hasher, dataset, await proveInMap(hasher, pages, root, dataset));
 * const isThere = equalBytes(map, root) && leaf !== null;
 */
export function mapFromProof(
  hasher: Pick<Primitives, 'sha256'>,
  dataset: DatasetId,
  { path, end }: MapProof,
): MapFinding {
  const depth = path.length;
  if (depth > MAP_DEPTH) throw new ProofError(`A path in a map has at most ${MAP_DEPTH} steps, not ${depth}.`);
  if (path.some((sibling) => sibling.length !== 32)) {
    throw new ProofError('A step of the path in the map does not have 32 bytes.');
  }
  // A branch with one dataset alone is not split any further: beside the end of a path there is always another one.
  if (depth > 0 && isZero(path[0] as Uint8Array)) {
    throw new ProofError('The path goes deeper than the map, because nothing lies beside its end.');
  }
  const id = datasetBytes(dataset);
  if (end !== null) {
    const fault = faultOfMapLeaf(end);
    if (fault !== null) throw new ProofError(fault);
    requireSamePrefix(id, datasetBytes(end.dataset), depth);
  }
  let map = end === null ? EMPTY_MAP : mapLeafHash(hasher, end);
  for (const [step, sibling] of path.entries()) {
    const isOne = bitAt(id, depth - 1 - step) === 1;
    map = isOne ? mapNodeHash(hasher, sibling, map) : mapNodeHash(hasher, map, sibling);
  }
  return { map, leaf: end?.dataset === dataset ? end : null };
}

function requireSamePrefix(id: Uint8Array, other: Uint8Array, depth: number): void {
  for (let bit = 0; bit < depth; bit++) {
    if (bitAt(id, bit) !== bitAt(other, bit)) {
      throw new ProofError(`The path ends in a dataset whose id differs at bit ${bit}, within its ${depth} steps.`);
    }
  }
}
