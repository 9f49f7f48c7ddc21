import { readFileSync } from 'node:fs';

export { carBytes, hex, type VectorBytes, type VectorPiece, vectorBytes } from './vector-bytes.ts';

/** A file of test/vectors, trusted to have the shape its README says. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Byte strings of a vector's map, written as hex with 0x, as bytes. */
export function withBytes<T>(map: Readonly<Record<string, unknown>>): T {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [
      key,
      typeof value === 'string' && /^0x([0-9a-f]{64})$/.test(value)
        ? new Uint8Array(Buffer.from(value.slice(2), 'hex'))
        : value,
    ]),
  ) as T;
}
