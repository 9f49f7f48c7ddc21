import { concat, expand, flipBit, sha256, sha512, u8 } from '../reference/bytes.ts';
import { car, carHeader, carSection, cidOf, DAG_CBOR, framed, RAW, type Section, varint } from '../reference/car.ts';
import type { Segment } from '../reference/segment.ts';
import { overlong } from './edits.ts';
import type { Fault } from './fault.ts';

export function sectionFaults(base: string, s: Segment): Fault[] {
  const [manifest, b0, b1, b2] = s.sections as [Section, Section, Section, Section];
  const header = carHeader([manifest.cid]);
  const file = (...parts: Uint8Array[]) => concat(header, ...parts);
  const all = s.sections.map(carSection) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const withBlock0 = (cid: Uint8Array) => file(all[0], carSection({ cid, data: b0.data }), all[2], all[3]);
  const body0 = concat(b0.cid, b0.data);
  const announced = (length: Uint8Array) => file(all[0], length, body0, all[2], all[3]);
  const recoded = (cid: Uint8Array) => car([cid], [{ cid, data: manifest.data }, b0, b1, b2]);
  const sha2 = sha256(manifest.data);
  const block: [name: string, expected: string, bytes: Uint8Array][] = [
    ['a block under dag-cbor', 'wrong-codec', withBlock0(cidOf(DAG_CBOR, b0.data))],
    ['a block under dag-pb', 'wrong-codec', withBlock0(cidOf(0x70, b0.data))],
    ['a block under CIDv0', 'bad-cid', withBlock0(concat(u8(0x12), u8(0x20), sha256(b0.data)))],
    ['a block under CID version 2', 'bad-cid', withBlock0(concat(u8(2), b0.cid.slice(1)))],
    [
      'a block under sha2-512',
      'wrong-multihash',
      withBlock0(concat(u8(1), u8(RAW), u8(0x13), u8(64), sha512(b0.data))),
    ],
    [
      'a block under sha2-256 cut to 20',
      'wrong-multihash',
      withBlock0(concat(u8(1), u8(RAW), u8(0x12), u8(20), sha256(b0.data).slice(0, 20))),
    ],
    ['a block under sha2-256 of no bytes', 'wrong-multihash', withBlock0(concat(u8(1), u8(RAW), u8(0x12), u8(0)))],
    [
      'a block under an identity CID',
      'wrong-multihash',
      withBlock0(concat(u8(1), u8(RAW), u8(0), varint(b0.data.length), b0.data)),
    ],
    ['an identity CID of no bytes', 'wrong-multihash', withBlock0(concat(u8(1), u8(RAW), u8(0), u8(0)))],
    ['a codec in too many bytes', 'bad-cid', withBlock0(concat(u8(1), u8(RAW | 0x80), u8(0), b0.cid.slice(2)))],
    [
      'a digest length beyond the section',
      'bad-cid',
      withBlock0(concat(u8(1), u8(RAW), u8(0x12), varint(5000), b0.cid.slice(4))),
    ],
    ['a CID that is not that of the bytes', 'hash-mismatch', withBlock0(flipBit(b0.cid, 20))],
    ['a section of length 0', 'bad-section', file(all[0], u8(0), all[1], all[2], all[3])],
    ['a section shorter than its CID', 'bad-section', file(all[0], framed(b0.cid.slice(0, 20)), all[2], all[3])],
    ['a section without data', 'wrong-size', file(all[0], framed(b0.cid), all[2], all[3])],
    ['a section length one too small', 'wrong-size', announced(varint(body0.length - 1))],
    ['a section length one too large', 'wrong-size', announced(varint(body0.length + 1))],
    ['a section length in too many bytes', 'bad-varint', announced(overlong(body0.length))],
    ['a section of 2^53 bytes announced', 'too-large', announced(varint(2n ** 53n))],
    ['a section of 2^64 bytes announced', 'bad-varint', announced(varint(2n ** 64n))],
    ['a section length that wraps around 2^64', 'bad-varint', announced(varint(2n ** 64n + BigInt(body0.length)))],
    ['a section of 4 GiB announced', 'too-large', announced(varint(2 ** 32))],
    ['a section length of eleven bytes', 'bad-varint', announced(concat(new Uint8Array(10).fill(0x80), u8(1)))],
  ];
  const manifestCids: [name: string, expected: string, bytes: Uint8Array][] = [
    ['the manifest under the raw codec', 'wrong-codec', recoded(cidOf(RAW, manifest.data))],
    ['the manifest under dag-json', 'wrong-codec', recoded(cidOf(0x0129, manifest.data))],
    ['the manifest under cbor', 'wrong-codec', recoded(cidOf(0x51, manifest.data))],
    [
      'the manifest under sha2-512',
      'wrong-multihash',
      recoded(concat(u8(1), u8(DAG_CBOR), u8(0x13), u8(64), sha512(manifest.data))),
    ],
    [
      'the manifest under an identity CID',
      'wrong-multihash',
      recoded(concat(u8(1), u8(DAG_CBOR), u8(0), varint(manifest.data.length), manifest.data)),
    ],
    ['the manifest under CIDv0', 'bad-cid', recoded(concat(u8(0x12), u8(0x20), sha2))],
    [
      'a manifest bit flipped',
      'hash-mismatch',
      file(carSection({ cid: manifest.cid, data: flipBit(manifest.data, 100, 3) }), ...all.slice(1)),
    ],
    ['root and manifest CID altered alike', 'hash-mismatch', recoded(flipBit(manifest.cid, 35))],
    ['the manifest left out', 'root-not-manifest', file(...all.slice(1))],
    ['the manifest last', 'root-not-manifest', file(...all.slice(1), all[0])],
    ['the manifest twice', 'wrong-cid', file(all[0], ...all)],
  ];
  const end: [name: string, expected: string, bytes: Uint8Array][] = [
    ['one zero at the end', 'trailing-bytes', concat(s.car, u8(0))],
    ['zeros at the end', 'trailing-bytes', concat(s.car, new Uint8Array(512))],
    ['one byte at the end', 'trailing-bytes', concat(s.car, u8(0x25))],
    ['noise at the end', 'trailing-bytes', concat(s.car, expand('malformed/end', 100))],
    ['an extra block at the end', 'extra-block', concat(s.car, carSection({ cid: cidOf(RAW, u8(7)), data: u8(7) }))],
    ['the last block once more', 'extra-block', concat(s.car, all[3])],
    ['the manifest once more at the end', 'extra-block', concat(s.car, all[0])],
    ['the segment twice', 'extra-block', concat(s.car, s.car)],
  ];
  const fault =
    (where: string) =>
    ([name, expected, bytes]: [string, string, Uint8Array]): Fault => ({
      name,
      base,
      where,
      layer: 'container',
      expected,
      bytes,
    });
  return [...block.map(fault('block 0')), ...manifestCids.map(fault('manifest')), ...end.map(fault('end'))];
}

export function blockFaults(good: Record<string, Segment>): Fault[] {
  const three = good['encrypted-three']!;
  const equal = good['plain-equal-blocks']!;
  const at = (s: Segment, i: number) => s.sections[i]!;
  const file = (s: Segment, ...order: number[]) =>
    car(
      [at(s, 0).cid],
      order.map((i) => at(s, i)),
    );
  const end = three.offsets[3]! + three.stored[2]!.length;
  const list: [name: string, base: string, where: string, expected: string, bytes: Uint8Array][] = [
    [
      'the first bit of block 0 flipped',
      'encrypted-three',
      'block 0',
      'hash-mismatch',
      flipBit(three.car, three.offsets[1]!),
    ],
    [
      'a middle bit of block 1 flipped',
      'encrypted-three',
      'block 1',
      'hash-mismatch',
      flipBit(three.car, three.offsets[2]! + 900, 4),
    ],
    ['the last bit of block 2 flipped', 'encrypted-three', 'block 2', 'hash-mismatch', flipBit(three.car, end - 1, 7)],
    [
      'a bit in the CID of block 1 flipped',
      'encrypted-three',
      'block 1',
      'wrong-cid',
      flipBit(three.car, three.offsets[2]! - 1),
    ],
    [
      'a bit in the version of the CID of block 1 flipped',
      'encrypted-three',
      'block 1',
      'bad-cid',
      flipBit(three.car, three.offsets[2]! - 36),
    ],
    ['two equally long blocks swapped', 'encrypted-three', 'block 0', 'wrong-cid', file(three, 0, 3, 2, 1)],
    ['two blocks of other length swapped', 'encrypted-three', 'block 0', 'wrong-cid', file(three, 0, 2, 1, 3)],
    ['the data of two equally long blocks swapped', 'encrypted-three', 'block 0', 'hash-mismatch', swapData(three)],
    ['the first block missing', 'encrypted-three', 'block 0', 'wrong-cid', file(three, 0, 2, 3)],
    ['the middle block missing', 'encrypted-three', 'block 1', 'wrong-cid', file(three, 0, 1, 3)],
    ['the first block in place of the last', 'encrypted-three', 'block 2', 'wrong-cid', file(three, 0, 1, 2, 1)],
    ['equal blocks merged', 'plain-equal-blocks', 'block 2', 'missing-block', file(equal, 0, 1, 2)],
    ['equal blocks merged, the other repeated', 'plain-equal-blocks', 'block 1', 'wrong-cid', file(equal, 0, 1, 3, 2)],
    [
      'a block of another segment in place',
      'encrypted-three',
      'block 2',
      'wrong-cid',
      car([at(three, 0).cid], [at(three, 0), at(three, 1), at(three, 2), at(equal, 1)]),
    ],
  ];
  return list.map(([name, base, where, expected, bytes]) => ({
    name,
    base,
    where,
    layer: 'container',
    expected,
    bytes,
  }));
}

function swapData(s: Segment): Uint8Array {
  const [manifest, b0, b1, b2] = s.sections as [Section, Section, Section, Section];
  return car([manifest.cid], [manifest, { cid: b0.cid, data: b2.data }, b1, { cid: b2.cid, data: b0.data }]);
}
