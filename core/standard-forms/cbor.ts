import { concatBytes, utf8 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';

/** What COSE needs of CBOR, as dag-cbor has neither tags nor numbers as keys. */
export type Cbor = number | string | Uint8Array | null | readonly Cbor[] | ReadonlyMap<number, Cbor>;

/** Deterministic CBOR (RFC 8949 §4.2.1): shortest lengths, keys by the bytes that they are written as. @throws ArgumentError */
export function encodeCbor(value: Cbor): Uint8Array {
  if (value === null) return Uint8Array.of(0xf6);
  if (typeof value === 'number') return value < 0 ? front(1, -1 - value) : front(0, value);
  if (typeof value === 'string') return sized(3, utf8(value));
  if (value instanceof Uint8Array) return sized(2, value);
  if (value instanceof Map) {
    const members = [...(value as ReadonlyMap<number, Cbor>)]
      .map(([key, member]) => [encodeCbor(key), encodeCbor(member)] as const)
      .sort(([a], [b]) => compareBytes(a, b));
    return concatBytes(front(5, members.length), ...members.flat());
  }
  const items = value as readonly Cbor[];
  return concatBytes(front(4, items.length), ...items.map(encodeCbor));
}

/**
 * A value under a tag.
 * @throws ArgumentError for a tag or a value that the form does not have
 */
export function encodeTagged(tag: number, value: Cbor): Uint8Array {
  return concatBytes(front(6, tag), encodeCbor(value));
}

function sized(kind: number, bytes: Uint8Array): Uint8Array {
  return concatBytes(front(kind, bytes.length), bytes);
}

/** The first byte, and the number behind it where that does not fit. */
function front(kind: number, number: number): Uint8Array {
  if (!Number.isSafeInteger(number))
    throw new ArgumentError(`${number} is not a whole number that this CBOR encoder takes.`);
  const width = number < 24 ? 0 : number < 2 ** 8 ? 1 : number < 2 ** 16 ? 2 : number < 2 ** 32 ? 4 : 8;
  const bytes = new Uint8Array(1 + width);
  bytes[0] = (kind << 5) | (width === 0 ? number : 24 + Math.log2(width));
  const view = new DataView(bytes.buffer);
  if (width === 1) view.setUint8(1, number);
  else if (width === 2) view.setUint16(1, number);
  else if (width === 4) view.setUint32(1, number);
  else if (width === 8) view.setBigUint64(1, BigInt(number));
  return bytes;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
