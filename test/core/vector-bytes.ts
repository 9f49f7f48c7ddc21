import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Bytes in a vector file: hex, or what a seed expands to. */
export type VectorBytes = string | { seed: string; size: number };
export type VectorPiece = VectorBytes | { hex: string; times: number };

/** A file of test/vectors, trusted to have the shape its README says. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as T;
}

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
}

/** {seed, size} is SHA-256(seed ‖ u32 0) ‖ SHA-256(seed ‖ u32 1) ‖ … cut to size. */
export function vectorBytes(value: VectorBytes): Uint8Array {
  if (typeof value === 'string') return hex(value);
  const parts: Buffer[] = [];
  for (let counter = 0; 32 * counter < value.size; counter++) {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(counter);
    parts.push(createHash('sha256').update(value.seed, 'utf8').update(number).digest());
  }
  return new Uint8Array(Buffer.concat(parts).subarray(0, value.size));
}

/** The CAR of a segment vector, written whole or in pieces. */
export function carBytes(vector: { carHex?: string; carPieces?: VectorPiece[] }): Uint8Array {
  if (vector.carHex !== undefined) return hex(vector.carHex);
  const pieces = (vector.carPieces ?? []).map((piece) =>
    typeof piece === 'object' && 'hex' in piece
      ? Buffer.concat(Array.from({ length: piece.times }, () => hex(piece.hex)))
      : vectorBytes(piece),
  );
  return new Uint8Array(Buffer.concat(pieces));
}
