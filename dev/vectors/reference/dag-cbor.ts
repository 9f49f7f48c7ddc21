/** Canonical dag-cbor by hand, and the ways to write it wrongly on purpose. */
import { concat, u8, u32, u64, unhex, utf8 } from './bytes.ts';

export type Cbor =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | Link
  | Raw
  | Pairs
  | Cbor[]
  | { [key: string]: Cbor };

/** A CID, written as tag 42 over a byte string with the 00 prefix. */
export class Link {
  readonly cid: Uint8Array;
  constructor(cid: Uint8Array) {
    this.cid = cid;
  }
}

/** Bytes put in as they are, for what no encoder would write. */
export class Raw {
  readonly bytes: Uint8Array;
  constructor(hexText: string) {
    this.bytes = unhex(`0x${hexText}`);
  }
}

/** A map in exactly this order, for unsorted and repeated keys. */
export class Pairs {
  readonly pairs: [Cbor, Cbor][];
  constructor(pairs: [Cbor, Cbor][]) {
    this.pairs = pairs;
  }
}

export function encode(value: Cbor): Uint8Array {
  if (value === null) return u8(0xf6);
  if (value === false) return u8(0xf4);
  if (value === true) return u8(0xf5);
  if (typeof value === 'number' || typeof value === 'bigint') return integer(BigInt(value));
  if (typeof value === 'string') return concat(head(3, BigInt(utf8(value).length)), utf8(value));
  if (value instanceof Uint8Array) return concat(head(2, BigInt(value.length)), value);
  if (value instanceof Link) return concat(u8(0xd8), u8(42), encode(concat(u8(0), value.cid)));
  if (value instanceof Raw) return value.bytes;
  if (Array.isArray(value)) return concat(head(4, BigInt(value.length)), ...value.map(encode));
  const pairs = value instanceof Pairs ? value.pairs : sorted(value);
  return concat(head(5, BigInt(pairs.length)), ...pairs.flatMap(([key, item]) => [encode(key), encode(item)]));
}

/** Key order of dag-cbor: shorter first, then by bytes. */
export function sorted(map: { [key: string]: Cbor }): [string, Cbor][] {
  return Object.entries(map).sort(([a], [b]) => {
    const [x, y] = [utf8(a), utf8(b)];
    return x.length - y.length || Buffer.compare(x, y);
  });
}

function integer(value: bigint): Uint8Array {
  return value >= 0n ? head(0, value) : head(1, -1n - value);
}

function head(major: number, value: bigint): Uint8Array {
  const type = major << 5;
  if (value < 24n) return u8(type | Number(value));
  if (value < 1n << 8n) return concat(u8(type | 24), u8(Number(value)));
  if (value < 1n << 16n) return concat(u8(type | 25), u32(Number(value)).subarray(2));
  if (value < 1n << 32n) return concat(u8(type | 26), u32(Number(value)));
  return concat(u8(type | 27), u64(value));
}
