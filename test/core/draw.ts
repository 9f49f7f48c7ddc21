import { createHash } from 'node:crypto';

/** Numbers that look random and are the same in every run: from 0 to `below` - 1. */
export function draws(seed: string): (below: number) => number {
  let counter = 0;
  return (below) => {
    const hash = createHash('sha256').update(`${seed}/${counter++}`).digest();
    return Number(hash.readBigUInt64BE(0) % BigInt(below));
  };
}

/** The same bytes with one bit of them changed. */
export function withBitFlipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[Math.floor(bit / 8) % bytes.length]! ^= 1 << (bit % 8);
  return changed;
}
