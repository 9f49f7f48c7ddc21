import { concat, u8 } from '../../vectors/reference/bytes.ts';
import { car, cidOf, DAG_CBOR, type Section, varint } from '../../vectors/reference/car.ts';
import { type Cbor, encode, Pairs, sorted } from '../../vectors/reference/dag-cbor.ts';
import type { Segment } from '../reference/segment.ts';

type Pair = [Cbor, Cbor];

/** A CAR from parts that need not fit together. */
export function rebuilt(manifest: Cbor, blocks: Section[]): Uint8Array {
  const data = encode(manifest);
  const first = { cid: cidOf(DAG_CBOR, data), data };
  return car([first.cid], [first, ...blocks]);
}

/** The good segment with its manifest changed, CIDs of manifest and root made anew; blocks as they were. */
export function withManifest(segment: Segment, change: (pairs: Pair[]) => Pair[]): Uint8Array {
  return rebuilt(new Pairs(change(sorted(segment.manifest))), segment.sections.slice(1));
}

export const replacing =
  (key: string, value: Cbor) =>
  (pairs: Pair[]): Pair[] =>
    pairs.map(([k, old]) => [k, k === key ? value : old]);

/** Minimal LEB128 with an empty seventh-bit group appended. */
export function overlong(value: number): Uint8Array {
  const minimal = varint(value);
  minimal[minimal.length - 1] = minimal.at(-1)! | 0x80;
  return concat(minimal, u8(0));
}
