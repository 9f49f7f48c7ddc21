import { concat, expand, hex, u8, unhex } from '../reference/bytes.ts';
import { carHeader, carSection, cidOf, DAG_CBOR, framed, RAW, type Section, varint } from '../reference/car.ts';
import { type Cbor, encode, Link, Pairs, Raw } from '../reference/dag-cbor.ts';
import type { Segment } from '../reference/segment.ts';
import { overlong } from './edits.ts';
import type { Fault } from './fault.ts';

export function truncations(base: string, s: Segment): Fault[] {
  const header = carHeader([s.sections[0]!.cid]).length;
  const [manifestAt, block0, block1, block2] = s.offsets as [number, number, number, number];
  const last = s.car.length;
  const cuts: [name: string, where: string, at: number][] = [
    ['an empty file', 'header', 0],
    ['one byte', 'header', 1],
    ['cut in the header', 'header', 20],
    ['cut one byte before the header ends', 'header', header - 1],
    ['cut after the header', 'manifest', header],
    ['cut in the length of the manifest', 'manifest', header + 1],
    ['cut in the CID of the manifest', 'manifest', manifestAt - 10],
    ['cut before the first byte of the manifest', 'manifest', manifestAt],
    ['cut in the manifest', 'manifest', manifestAt + 200],
    ['cut one byte before the manifest ends', 'manifest', manifestAt + s.sections[0]!.data.length - 1],
    ['cut after the manifest', 'block 0', manifestAt + s.sections[0]!.data.length],
    ['cut in the CID of block 0', 'block 0', block0 - 20],
    ['cut before the first byte of block 0', 'block 0', block0],
    ['cut in block 0', 'block 0', block0 + 3],
    ['cut at the boundary after block 0', 'block 1', block0 + s.stored[0]!.length],
    ['cut in the length of block 1', 'block 1', block0 + s.stored[0]!.length + 1],
    ['cut in block 1', 'block 1', block1 + 900],
    ['cut at the boundary after block 1', 'block 2', block1 + s.stored[1]!.length],
    ['cut in block 2', 'block 2', block2 + 1],
    ['cut by the last byte', 'block 2', last - 1],
  ];
  return cuts.map(([name, where, at]) => {
    const boundary = name.startsWith('cut at the boundary') || name === 'cut after the manifest';
    const expected = boundary ? 'missing-block' : 'truncated';
    return { name, base, where, layer: 'container', expected, bytes: s.car.slice(0, at) };
  });
}

export function headerFaults(base: string, s: Segment): Fault[] {
  const [manifest, ...blocks] = s.sections as [Section, ...Section[]];
  const rest = concat(...s.sections.map(carSection));
  const root = new Link(manifest.cid);
  const header = (value: Cbor) => concat(framed(encode(value)), rest);
  const goodHeader = encode({ version: 1, roots: [root] });
  const list: [name: string, expected: string, bytes: Uint8Array][] = [
    ['two roots', 'wrong-root-count', header({ version: 1, roots: [root, new Link(blocks[0]!.cid)] })],
    ['the same root twice', 'wrong-root-count', header({ version: 1, roots: [root, root] })],
    ['no root', 'wrong-root-count', header({ version: 1, roots: [] })],
    ['roots left out', 'bad-header', header({ version: 1 })],
    ['roots null', 'bad-header', header({ version: 1, roots: null })],
    ['a root as bytes, not a link', 'bad-header', header({ version: 1, roots: [manifest.cid] })],
    ['a link without its 00 prefix', 'bad-header', header({ version: 1, roots: [taggedBytes(manifest.cid)] })],
    ['the root is a block', 'root-not-manifest', header({ version: 1, roots: [new Link(blocks[0]!.cid)] })],
    [
      'the root is nothing in the file',
      'root-not-manifest',
      header({ version: 1, roots: [new Link(cidOf(DAG_CBOR, u8(1)))] }),
    ],
    [
      'the root under the raw codec',
      'wrong-codec',
      header({ version: 1, roots: [new Link(cidOf(RAW, manifest.data))] }),
    ],
    ['version left out', 'bad-header', header({ roots: [root] })],
    ['version 2 in a CARv1 header', 'bad-header', header({ version: 2, roots: [root] })],
    ['version 0', 'bad-header', header({ version: 0, roots: [root] })],
    ['version as text', 'bad-header', header({ version: '1', roots: [root] })],
    ['version as float', 'bad-header', header({ version: new Raw('fb3ff0000000000000'), roots: [root] })],
    ['an unknown header key', 'bad-header', header({ version: 1, roots: [root], index: 0 })],
    [
      'header keys unsorted',
      'bad-header',
      header(
        new Pairs([
          ['version', 1],
          ['roots', [root]],
        ]),
      ),
    ],
    [
      'a header key twice',
      'bad-header',
      header(
        new Pairs([
          ['roots', [root]],
          ['roots', [root]],
          ['version', 1],
        ]),
      ),
    ],
    ['a header that is an array', 'bad-header', header([1, [root]])],
    ['a byte after the header map', 'bad-header', concat(framed(concat(goodHeader, u8(0))), rest)],
    ['a header of length 0', 'bad-header', concat(u8(0), rest)],
    ['the header left out', 'bad-header', rest],
    ['the header twice', 'bad-cid', concat(framed(goodHeader), framed(goodHeader), rest)],
    ['a header length in too many bytes', 'bad-varint', concat(overlong(goodHeader.length), goodHeader, rest)],
    ['a header of 2^53 bytes announced', 'too-large', concat(varint(2n ** 53n), goodHeader, rest)],
    ['a header of 2^63 bytes announced', 'bad-varint', concat(varint(2n ** 63n), goodHeader, rest)],
    ['a header of 1 GiB announced', 'too-large', concat(varint(2 ** 30), goodHeader, rest)],
    ['a length that never ends', 'bad-varint', new Uint8Array(64).fill(0xff)],
    ['a CARv2 pragma before the CARv1', 'not-carv1', concat(carV2(s.car.length), s.car)],
    ['a CARv2 pragma alone', 'not-carv1', carV2(0).slice(0, 11)],
    ['a gzip file', 'bad-header', concat(unhex('0x1f8b0800000000000003'), expand('malformed/gzip', 300))],
    ['a page of HTML', 'bad-header', new TextEncoder().encode('<html><body>404 Not Found</body></html>')],
    ['zeros', 'bad-header', new Uint8Array(1024)],
    ['noise', 'bad-header', expand('malformed/noise', 2048)],
  ];
  return list.map(([name, expected, bytes]) => ({ name, base, where: 'header', layer: 'container', expected, bytes }));
}

/** CARv2: pragma and 40-byte header, for a CARv1 payload of this size right after. */
function carV2(dataSize: number): Uint8Array {
  const header = Buffer.alloc(40);
  header.writeBigUInt64LE(51n, 16);
  header.writeBigUInt64LE(BigInt(dataSize), 24);
  return concat(unhex('0x0aa16776657273696f6e02'), header);
}

const taggedBytes = (cid: Uint8Array) => new Raw(`d82a${hex(encode(cid)).slice(2)}`);
