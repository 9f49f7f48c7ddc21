/** Map and round of specification#map, by their words. */
import { concat, hex, sha256, u8, u32, u64 } from './bytes.ts';
import { treeHash } from './merkle.ts';
import { ZERO32 } from './protocol.ts';

export interface Leaf {
  dataset: Uint8Array;
  size: bigint;
  root: Uint8Array;
  serial: number;
  signature: Uint8Array;
}

export const leafBytes = (l: Leaf): Uint8Array =>
  concat(u8(0x07), l.dataset, u64(l.size), l.root, u32(l.serial), sha256(l.signature));

const bit = (id: Uint8Array, depth: number): number => Number((BigInt(hex(id)) >> BigInt(255 - depth)) & 1n);

/** none -> 32 zero bytes; exactly one -> H(07 …); more -> H(08 ‖ map of those with bit 0 ‖ map of those with bit 1) */
export function map(leaves: Leaf[], depth = 0): Uint8Array {
  if (leaves.length === 0) return ZERO32;
  if (leaves.length === 1) return sha256(leafBytes(leaves[0]!));
  const half = (value: number) => leaves.filter((leaf) => bit(leaf.dataset, depth) === value);
  return sha256(concat(u8(0x08), map(half(0), depth + 1), map(half(1), depth + 1)));
}

/** Siblings, the deepest first, down to where one dataset or none is left. */
export function mapProof(leaves: Leaf[], dataset: Uint8Array, depth = 0): { path: Uint8Array[]; end: Leaf | null } {
  if (leaves.length <= 1) return { path: [], end: leaves[0] ?? null };
  const mine = bit(dataset, depth);
  const below = mapProof(
    leaves.filter((leaf) => bit(leaf.dataset, depth) === mine),
    dataset,
    depth + 1,
  );
  const other = leaves.filter((leaf) => bit(leaf.dataset, depth) !== mine);
  return { path: [...below.path, map(other, depth + 1)], end: below.end };
}

export const history = (rounds: Uint8Array[]): Uint8Array => (rounds.length === 0 ? ZERO32 : treeHash(rounds));

export const body = (number: bigint, roundsBefore: Uint8Array[], mapRoot: Uint8Array): Uint8Array =>
  sha256(concat(u8(0x06), u64(number), history(roundsBefore), mapRoot));

export const round = (time: bigint, previous: Uint8Array, roundBody: Uint8Array): Uint8Array =>
  sha256(concat(u8(0x05), u64(time), previous, roundBody));
