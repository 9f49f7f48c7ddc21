/** CIDs and CARv1 files, byte by byte. */
import { concat, sha256, u8 } from './bytes.ts';
import { encode, Link } from './dag-cbor.ts';

export const RAW = 0x55;
export const DAG_CBOR = 0x71;

export interface Section {
  cid: Uint8Array;
  data: Uint8Array;
}

/** CIDv1 with sha2-256. */
export function cidOf(codec: number, data: Uint8Array): Uint8Array {
  return concat(u8(1), varint(codec), u8(0x12), u8(0x20), sha256(data));
}

/** Multibase base32, lower case, unpadded: the `b…` by which people name a CIDv1. */
export function cidText(cid: Uint8Array): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let bits = '';
  for (const byte of cid) bits += byte.toString(2).padStart(8, '0');
  let text = 'b';
  for (let i = 0; i < bits.length; i += 5) text += alphabet[Number.parseInt(bits.slice(i, i + 5).padEnd(5, '0'), 2)]!;
  return text;
}

export function carHeader(roots: Uint8Array[]): Uint8Array {
  return framed(encode({ version: 1, roots: roots.map((root) => new Link(root)) }));
}

export const carSection = ({ cid, data }: Section): Uint8Array => framed(concat(cid, data));

export function car(roots: Uint8Array[], sections: Section[]): Uint8Array {
  return concat(carHeader(roots), ...sections.map(carSection));
}

/** Where the data of each section begins in `car(roots, sections)`. */
export function dataOffsets(roots: Uint8Array[], sections: Section[]): number[] {
  let at = carHeader(roots).length;
  return sections.map((section) => {
    at += carSection(section).length;
    return at - section.data.length;
  });
}

export const framed = (bytes: Uint8Array): Uint8Array => concat(varint(bytes.length), bytes);

/** Unsigned LEB128, minimal. */
export function varint(value: number | bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Uint8Array.from(out);
}
