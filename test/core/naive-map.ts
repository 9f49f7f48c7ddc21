import { createHash } from 'node:crypto';

/*
 * The map of specification#map, written down as the page defines it and on node:crypto alone. Slow on purpose.
 */

export interface NaiveLeaf {
  readonly dataset: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly serial: number;
  readonly signatureHash: Uint8Array;
}

const h = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

const known = new Map<string, string>();

function bits(dataset: string): string {
  const before = known.get(dataset);
  if (before !== undefined) return before;
  const digits = [...dataset.slice(2)].map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0'));
  known.set(dataset, digits.join(''));
  return digits.join('');
}

function leafHash(leaf: NaiveLeaf): Uint8Array {
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(leaf.size));
  const serial = Buffer.alloc(4);
  serial.writeUInt32BE(leaf.serial);
  return h(Uint8Array.of(7), Buffer.from(leaf.dataset.slice(2), 'hex'), size, leaf.root, serial, leaf.signatureHash);
}

/** The map of these leaves, all of whose ids share the first `depth` bits. */
export function naiveMap(leaves: readonly NaiveLeaf[], depth = 0): Uint8Array {
  if (leaves.length === 0) return new Uint8Array(32);
  if (leaves.length === 1) return leafHash(leaves[0] as NaiveLeaf);
  const [zero, one] = ['0', '1'].map((bit) => leaves.filter((leaf) => bits(leaf.dataset)[depth] === bit)) as [
    NaiveLeaf[],
    NaiveLeaf[],
  ];
  return h(Uint8Array.of(8), naiveMap(zero, depth + 1), naiveMap(one, depth + 1));
}

/** The only proof that the rules leave: down to where one dataset or none is left. */
export function naiveProof(
  leaves: readonly NaiveLeaf[],
  dataset: string,
  depth = 0,
): { path: Uint8Array[]; end: NaiveLeaf | null } {
  if (leaves.length <= 1) return { path: [], end: leaves[0] ?? null };
  const mine = leaves.filter((leaf) => bits(leaf.dataset)[depth] === bits(dataset)[depth]);
  const others = leaves.filter((leaf) => bits(leaf.dataset)[depth] !== bits(dataset)[depth]);
  const { path, end } = naiveProof(mine, dataset, depth + 1);
  return { path: [...path, naiveMap(others, depth + 1)], end };
}
