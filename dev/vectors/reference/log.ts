/** Peaks, growth and multiproofs of specification#growth, by their words, in whole numbers. */
import { leafHash, treeHash } from './merkle.ts';
import { ZERO32 } from './protocol.ts';

export const rootOf = (records: Uint8Array[]): Uint8Array => (records.length === 0 ? ZERO32 : treeHash(records));

/** The roots of the perfect subtrees, one for each bit set in the size, the largest first. */
export function peaks(records: Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  let at = 0;
  for (let width = 2 ** 20; width >= 1; width /= 2) {
    if ((records.length & width) === 0) continue;
    out.push(treeHash(records.slice(at, at + width)));
    at += width;
  }
  return out;
}

/** At each position p the largest 2^k that divides p and does not pass the new size. */
export function appended(from: number, records: Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let p = from; p < records.length; ) {
    let width = 2 ** 20;
    while (p % width !== 0 || p + width > records.length) width /= 2;
    out.push(treeHash(records.slice(p, p + width)));
    p += width;
  }
  return out;
}

/** The hashes of the largest subtrees that contain none of the records asked for, left to right. */
export function multiproof(wanted: number[], records: Uint8Array[], base = 0): Uint8Array[] {
  const mine = wanted.filter((index) => index >= base && index < base + records.length);
  if (mine.length === 0) return [treeHash(records)];
  if (records.length === 1) return [];
  let k = 1;
  while (2 * k < records.length) k *= 2;
  return [...multiproof(wanted, records.slice(0, k), base), ...multiproof(wanted, records.slice(k), base + k)];
}

export { leafHash };
