import { concatBytes } from '../bytes.ts';
import { ArgumentError, ProofError } from '../errors.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** RFC 9162 §2.1.1: H(00 ‖ data). */
export function leafHash(hasher: Hasher, data: Uint8Array): Uint8Array {
  return hasher.sha256(concatBytes(LEAF, data));
}

/** RFC 9162 §2.1.1: H(01 ‖ left ‖ right). */
export function nodeHash(hasher: Hasher, left: Uint8Array, right: Uint8Array): Uint8Array {
  return hasher.sha256(concatBytes(NODE, left, right));
}

/** MTH over leaf data, RFC 9162 §2.1.1. An empty list hashes to H(""); an empty *log* has 32 zero bytes instead. */
export function merkleTreeHash(hasher: Hasher, leaves: readonly Uint8Array[]): Uint8Array {
  return rootOfLeafHashes(
    hasher,
    leaves.map((leaf) => leafHash(hasher, leaf)),
  );
}

/** MTH over leaves that are already hashed, level by level; a last odd node moves up unchanged. */
export function rootOfLeafHashes(hasher: Hasher, leafHashes: readonly Uint8Array[]): Uint8Array {
  if (leafHashes.length === 0) return hasher.sha256(new Uint8Array(0));
  let level = leafHashes;
  while (level.length > 1) level = parentLevel(hasher, level);
  return level[0] as Uint8Array;
}

/**
 * Path of leaf `index` in a tree of these leaves, from the leaf upwards. RFC 9162 §2.1.3.1.
 * @throws ArgumentError when there is no such leaf
 */
export function inclusionPath(hasher: Hasher, leafHashes: readonly Uint8Array[], index: number): Uint8Array[] {
  requireLeaf(index, leafHashes.length);
  const path: Uint8Array[] = [];
  let level = leafHashes;
  let position = index;
  while (level.length > 1) {
    const sibling = level[position ^ 1];
    if (sibling !== undefined) path.push(sibling);
    level = parentLevel(hasher, level);
    position >>= 1;
  }
  return path;
}

/**
 * The root that a path leads to. Number and direction of the steps follow from (index, size), never from the prover.
 * RFC 9162 §2.1.3.2.
 * @throws ProofError when the path is longer or shorter than (index, size) asks for
 * @throws ArgumentError when there is no such leaf
 */
export function rootFromPath(
  hasher: Hasher,
  hash: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array {
  requireLeaf(index, size);
  let node = hash;
  let step = 0;
  for (
    let position = index, last = size - 1;
    last > 0;
    position = Math.floor(position / 2), last = Math.floor(last / 2)
  ) {
    if (position === last && position % 2 === 0) continue;
    const sibling = path[step++];
    if (sibling?.length !== 32) {
      throw new ProofError(
        `The path of leaf ${index} of ${size} is too short at step ${step}, or that step does not have 32 bytes.`,
      );
    }
    node = position % 2 === 1 ? nodeHash(hasher, sibling, node) : nodeHash(hasher, node, sibling);
  }
  if (step !== path.length) {
    throw new ProofError(`The path of leaf ${index} of ${size} has ${path.length} steps; it must have ${step}.`);
  }
  return node;
}

/** The largest power of two below n (n >= 2): where RFC 9162 splits a tree. */
export function splitPoint(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

/** @throws ArgumentError unless leaf `index` exists in a tree of `size` */
export function requireLeaf(index: number, size: number): void {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) {
    throw new ArgumentError(`A tree of ${size} leaves has no leaf ${index}.`);
  }
}

function parentLevel(hasher: Hasher, level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let i = 0; i + 1 < level.length; i += 2) {
    parents.push(nodeHash(hasher, level[i] as Uint8Array, level[i + 1] as Uint8Array));
  }
  if (level.length % 2 === 1) parents.push(level[level.length - 1] as Uint8Array);
  return parents;
}
