/** RFC 9162 §2.1, word by word: the recursive definitions to make trees and proofs, the iterative algorithms to check them. */
import { concat, hex, sha256, u8 } from './bytes.ts';

/** MTH (§2.1.1). */
export function treeHash(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array());
  if (leaves.length === 1) return leafHash(leaves[0]!);
  const k = split(leaves.length);
  return nodeHash(treeHash(leaves.slice(0, k)), treeHash(leaves.slice(k)));
}

export const leafHash = (data: Uint8Array): Uint8Array => sha256(concat(u8(0), data));

/** PATH (§2.1.3.1), checked by §2.1.3.2 before it is given out. */
export function inclusionPath(index: number, leaves: Uint8Array[]): Uint8Array[] {
  const path = pathOf(index, leaves);
  if (!inclusionHolds(leafHash(leaves[index]!), index, leaves.length, path, treeHash(leaves)))
    throw new Error(`inclusion path of ${index} in ${leaves.length} does not verify`);
  return path;
}

/** PROOF (§2.1.4.1), checked by §2.1.4.2 before it is given out. */
export function consistencyProof(from: number, leaves: Uint8Array[]): Uint8Array[] {
  if (from < 1 || from > leaves.length) throw new Error(`no proof from ${from} to ${leaves.length}`);
  const proof = subproof(from, leaves, true);
  if (!consistencyHolds(from, leaves.length, treeHash(leaves.slice(0, from)), treeHash(leaves), proof))
    throw new Error(`consistency proof from ${from} to ${leaves.length} does not verify`);
  return proof;
}

function pathOf(index: number, leaves: Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...pathOf(index, leaves.slice(0, k)), treeHash(leaves.slice(k))]
    : [...pathOf(index - k, leaves.slice(k)), treeHash(leaves.slice(0, k))];
}

function subproof(from: number, leaves: Uint8Array[], complete: boolean): Uint8Array[] {
  if (from === leaves.length) return complete ? [] : [treeHash(leaves)];
  const k = split(leaves.length);
  return from <= k
    ? [...subproof(from, leaves.slice(0, k), complete), treeHash(leaves.slice(k))]
    : [...subproof(from - k, leaves.slice(k), false), treeHash(leaves.slice(0, k))];
}

export function inclusionHolds(leaf: Uint8Array, index: number, size: number, path: Uint8Array[], root: Uint8Array) {
  if (index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let r = leaf;
  for (const p of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && hex(r) === hex(root);
}

export function consistencyHolds(from: number, to: number, first: Uint8Array, second: Uint8Array, proof: Uint8Array[]) {
  if (from === to) return proof.length === 0 && hex(first) === hex(second);
  if (proof.length === 0) return false;
  const path = Number.isInteger(Math.log2(from)) ? [first, ...proof] : proof;
  let fn = from - 1;
  let sn = to - 1;
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let fr = path[0]!;
  let sr = path[0]!;
  for (const c of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && hex(fr) === hex(first) && hex(sr) === hex(second);
}

const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(u8(1), left, right));
const half = (n: number): number => Math.floor(n / 2);

/** The largest power of two smaller than n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
