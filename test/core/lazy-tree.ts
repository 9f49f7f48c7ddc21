import { createHash } from 'node:crypto';
import type { SubtreeSource } from '../../core/log/subtree-source.ts';

/*
 * A log of up to 2^48 records of which all but some are the same one: every root is the true RFC 9162 hash, and no more is
 * hashed than lies around the others. Written from RFC 9162 §2.1 on node:crypto alone.
 */

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Uint8Array.of(1), left, right);

export class LazyTree {
  readonly #others: ReadonlyMap<number, Uint8Array>;
  readonly #sorted: readonly number[];
  readonly #common = sha256(Uint8Array.of(0), Buffer.from('the common record'));
  readonly #ofCommon = new Map<number, Uint8Array>();
  readonly #known = new Map<string, Uint8Array>();

  /** `others` are the positions that have a record of their own, named by `salt`. */
  constructor(others: readonly number[], salt = '') {
    this.#sorted = [...new Set(others)].sort((a, b) => a - b);
    this.#others = new Map(
      this.#sorted.map((at) => [at, sha256(Uint8Array.of(0), Buffer.from(`record ${at} ${salt}`))]),
    );
  }

  leaf(index: number): Uint8Array {
    return this.#others.get(index) ?? this.#common;
  }

  /** MTH(D[from:to]) */
  hash(from: number, to: number): Uint8Array {
    const n = to - from;
    if (n === 1) return this.leaf(from);
    if (!this.#sorted.some((at) => at >= from && at < to)) return this.#commonHash(n);
    const name = `${from}-${to}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const k = split(n);
    const hash = node(this.hash(from, from + k), this.hash(from + k, to));
    this.#known.set(name, hash);
    return hash;
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

  readonly source: SubtreeSource = async (subtrees) =>
    subtrees.map(({ from, level }) => this.hash(from, from + 2 ** level));

  #subproof(m: number, from: number, to: number, whole: boolean): Uint8Array[] {
    const n = to - from;
    if (m === n) return whole ? [] : [this.hash(from, to)];
    const k = split(n);
    return m <= k
      ? [...this.#subproof(m, from, from + k, whole), this.hash(from + k, to)]
      : [...this.#subproof(m - k, from + k, to, false), this.hash(from, from + k)];
  }

  #commonHash(n: number): Uint8Array {
    if (n === 1) return this.#common;
    const known = this.#ofCommon.get(n);
    if (known !== undefined) return known;
    const hash = node(this.#commonHash(split(n)), this.#commonHash(n - split(n)));
    this.#ofCommon.set(n, hash);
    return hash;
  }
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  let k = 1n;
  while (2n * k < BigInt(n)) k *= 2n;
  return Number(k);
}
