import { createHash } from 'node:crypto';

/*
 * The Merkle tree of RFC 9162 §2.1, written down as the page defines it and on node:crypto alone: what core/log is
 * compared with. Slow on purpose; `hash` remembers subtrees so that a thousand sizes take seconds.
 */

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** One list of leaves and every tree over a stretch of it. */
export class NaiveTree {
  readonly #leaves: readonly Uint8Array[];
  readonly #known = new Map<number, Uint8Array>();

  constructor(leaves: readonly Uint8Array[]) {
    this.#leaves = leaves;
  }

  /** MTH(D[from:to]) */
  hash(from: number, to: number): Uint8Array {
    if (to === from) return sha256(new Uint8Array(0));
    const name = from * 65_536 + to;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const hash =
      to - from === 1
        ? sha256(Uint8Array.of(0), this.#leaves[from] as Uint8Array)
        : sha256(Uint8Array.of(1), this.hash(from, from + split(to - from)), this.hash(from + split(to - from), to));
    this.#known.set(name, hash);
    return hash;
  }

  leafHashes(to: number): Uint8Array[] {
    return Array.from({ length: to }, (_, i) => this.hash(i, i + 1));
  }

  /** PATH(m, D[from:to]), m counted from `from`. */
  path(m: number, from: number, to: number): Uint8Array[] {
    if (to - from === 1) return [];
    const k = split(to - from);
    return m < k
      ? [...this.path(m, from, from + k), this.hash(from + k, to)]
      : [...this.path(m - k, from + k, to), this.hash(from, from + k)];
  }

  /** PROOF(m, D[0:n]) */
  consistency(m: number, n: number): Uint8Array[] {
    return this.#subproof(m, 0, n, true);
  }

  #subproof(m: number, from: number, to: number, whole: boolean): Uint8Array[] {
    const n = to - from;
    if (m === n) return whole ? [] : [this.hash(from, to)];
    const k = split(n);
    return m <= k
      ? [...this.#subproof(m, from, from + k, whole), this.hash(from + k, to)]
      : [...this.#subproof(m - k, from + k, to, false), this.hash(from, from + k)];
  }
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1);
}

/** Leaves that all differ. */
export function numberedLeaves(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new Uint8Array(Buffer.from(`leaf ${i}`)));
}
