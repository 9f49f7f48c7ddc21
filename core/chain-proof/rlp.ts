import { concatBytes, u8 } from '../bytes.ts';
import { ProofError } from '../errors.ts';

/** Recursive length prefix: what Ethereum's blocks, tries and receipts are written in (yellow paper, appendix B). */
export type Rlp = Uint8Array | readonly Rlp[];

export function encodeRlp(value: Rlp): Uint8Array {
  if (value instanceof Uint8Array) {
    if (value.length === 1 && (value[0] as number) < 0x80) return value;
    return concatBytes(prefix(0x80, value.length), value);
  }
  const body = concatBytes(...value.map(encodeRlp));
  return concatBytes(prefix(0xc0, body.length), body);
}

/** The bytes of a number as RLP has them: big-endian, no zero in front, none for 0. */
export function rlpNumber(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array();
  const hex = value.toString(16);
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/**
 * Reads one value, all of the bytes, in its one form.
 * @throws ProofError when it is written in a longer form, is cut, is followed by something, or is nested too deep
 */
export function decodeRlp(bytes: Uint8Array): Rlp {
  const { value, end } = read(bytes, 0, bytes.length, 0);
  if (end !== bytes.length) throw new ProofError(`${bytes.length - end} extra bytes follow the RLP of ${end} bytes.`);
  return value;
}

/** Nodes of a trie lie in each other, where they are small: no deeper than this. */
const MAX_DEPTH = 16;

function read(bytes: Uint8Array, at: number, limit: number, depth: number): { value: Rlp; end: number } {
  if (at >= limit || depth > MAX_DEPTH) throw new ProofError('The RLP is cut, or nested too deep.');
  const first = bytes[at] as number;
  if (first < 0x80) return { value: bytes.slice(at, at + 1), end: at + 1 };
  const isList = first >= 0xc0;
  const base = isList ? 0xc0 : 0x80;
  const { start, length } = lengthAt(bytes, at, first - base, limit);
  const end = start + length;
  if (end > limit) throw new ProofError('The RLP is cut.');
  if (!isList) {
    if (length === 1 && (bytes[start] as number) < 0x80)
      throw new ProofError('The RLP encodes a byte in more than its shortest form.');
    return { value: bytes.slice(start, end), end };
  }
  const list: Rlp[] = [];
  for (let next = start; next < end; ) {
    const item = read(bytes, next, end, depth + 1);
    list.push(item.value);
    next = item.end;
  }
  return { value: list, end };
}

function lengthAt(bytes: Uint8Array, at: number, marker: number, limit: number): { start: number; length: number } {
  if (marker < 56) return { start: at + 1, length: marker };
  const size = marker - 55;
  if (size > 4 || at + 1 + size > limit) throw new ProofError('The RLP is cut, or larger than anything allowed here.');
  let length = 0;
  for (let i = 0; i < size; i++) length = length * 256 + (bytes[at + 1 + i] as number);
  if (length < 56 || bytes[at + 1] === 0)
    throw new ProofError('The RLP encodes a length in more than its shortest form.');
  return { start: at + 1 + size, length };
}

function prefix(base: number, length: number): Uint8Array {
  if (length < 56) return u8(base + length);
  const size = rlpNumber(BigInt(length));
  return concatBytes(u8(base + 55 + size.length), size);
}
