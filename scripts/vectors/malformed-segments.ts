import { type Edits, manifestFaults } from './malformed-manifests.ts';
import { concat, EXPANSION, expand, flipBit, hex, type Json, sha256, sha512, u8, unhex } from './reference/bytes.ts';
import { car, carHeader, carSection, cidOf, DAG_CBOR, framed, RAW, type Section, varint } from './reference/car.ts';
import { type Cbor, encode, Link, Pairs, Raw, sorted } from './reference/dag-cbor.ts';
import { chunkRoot, MIB } from './reference/protocol.ts';
import { joinPieces, PIECES, type Piece, type Segment } from './reference/segment.ts';
import { goodSegments } from './segments.ts';

/**
 * How much a reader must have seen to notice:
 * container = the CAR alone; manifest = the manifest too; content = block bytes hashed in chunks;
 * record = nothing in the segment alone: key, signer, earlier log or sealing must be consulted.
 */
type Layer = 'container' | 'manifest' | 'content' | 'record';

export interface Fault {
  name: string;
  base: string;
  where: string;
  layer: Layer;
  /** a short kind, or `passes structural`, or `may pass structural` where only a careful reader of the segment alone sees it */
  expected: string;
  bytes: Uint8Array;
  pieces?: Piece[];
}

/** Segments with one fault each. */
export async function malformedSegmentVectors(): Promise<Json> {
  const good = await goodSegments();
  const three = good['encrypted-three']!;
  const faults = [
    ...truncations('encrypted-three', three),
    ...headerFaults('encrypted-three', three),
    ...sectionFaults('encrypted-three', three),
    ...blockFaults(good),
    ...manifestFaults(good, { withManifest, rebuilt }),
    ...oversized(),
  ];
  const names = new Set<string>();
  for (const { name, base, bytes } of faults) {
    if (names.has(name)) throw new Error(`two faults are called ${name}`);
    if (hex(bytes) === hex(good[base]?.car ?? new Uint8Array([1]))) throw new Error(`${name} changes nothing`);
    names.add(name);
  }
  return {
    about: 'segments with one fault each, made from the named segments of segments.json',
    expansion: EXPANSION,
    pieces: PIECES,
    note:
      'A reader may meet another consequence of the same fault first: expected is a guide, refusal is the requirement. ' +
      'layer says what must have been seen: container, manifest, content (block bytes hashed), record (key, signer, earlier ' +
      'log, sealing). "passes structural": nothing in the segment alone betrays it. "may pass structural": a careful reader ' +
      'of the segment alone can refuse it, a full verification must.',
    segments: faults.map(({ bytes, pieces, ...rest }) => ({
      ...rest,
      ...(pieces ? { carPieces: pieces } : { carHex: hex(bytes) }),
    })),
  };
}

/** A CAR from parts that need not fit together. */
const rebuilt: Edits['rebuilt'] = (manifest, blocks) => {
  const data = encode(manifest);
  const first = { cid: cidOf(DAG_CBOR, data), data };
  return car([first.cid], [first, ...blocks]);
};

/** The good segment with its manifest changed, CIDs of manifest and root made anew; blocks as they were. */
const withManifest: Edits['withManifest'] = (segment, change) =>
  rebuilt(new Pairs(change(sorted(segment.manifest))), segment.sections.slice(1));

function truncations(base: string, s: Segment): Fault[] {
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

function headerFaults(base: string, s: Segment): Fault[] {
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

function sectionFaults(base: string, s: Segment): Fault[] {
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

function blockFaults(good: Record<string, Segment>): Fault[] {
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

/** Too large to print: whole, consistent segments beyond a limit. */
function oversized(): Fault[] {
  const seed = 'malformed/block';
  const block = expand(seed, MIB + 1);
  const entry = (data: Uint8Array) => ({
    cid: new Link(cidOf(RAW, data)),
    size: data.length,
    chunkRoot: chunkRoot(data),
    meta: encode({ at: 0 }),
    sealed: expand('malformed/sealed', 32),
    commitment: expand('malformed/commitment', 32),
  });
  const manifest = (blocks: Cbor[], size: number) => {
    const data = encode({
      v: 1,
      dataset: expand('malformed/dataset', 32),
      first: 0,
      salt: expand('malformed/salt', 32),
      nonce: null,
      contentCommitment: new Uint8Array(32),
      published: false,
      head: { size, batches: 1, root: expand('malformed/root', 32) },
      signature: concat(expand('malformed/signature', 32), u8(0x11), expand('malformed/signature', 31), u8(27)),
      blocks,
    });
    const cid = cidOf(DAG_CBOR, data);
    return { cid, data };
  };
  const many = u8(0x61);
  const one = entry(many);
  const tooMany = manifest(new Array(1025).fill(one), 1025);
  const oneHex = hex(encode(one));
  const split = hex(tooMany.data).slice(2).split(oneHex.slice(2).repeat(1025)) as [string, string];
  const start = hex(concat(carHeader([tooMany.cid]), varint(36 + tooMany.data.length), tooMany.cid));
  const big = manifest([entry(block)], 1);
  const total = new Array(33).fill({ ...one, size: MIB });
  const heavy = manifest(total, 33);
  const full: [name: string, where: string, layer: Layer, expected: string, pieces: Piece[]][] = [
    [
      'a block of 1 MiB + 1, whole and consistent',
      'block 0',
      'manifest',
      'too-large',
      [
        hex(car([big.cid], [big])),
        hex(concat(varint(36 + block.length), cidOf(RAW, block))),
        { seed, size: block.length },
      ],
    ],
    [
      '1,025 blocks, whole and consistent',
      'manifest',
      'manifest',
      'wrong-count',
      [
        start + split[0],
        { hex: oneHex, times: 1025 },
        `0x${split[1]}`,
        { hex: hex(carSection({ cid: cidOf(RAW, many), data: many })), times: 1025 },
      ],
    ],
    ['33 blocks of 1 MiB announced', 'manifest', 'manifest', 'too-large', [hex(car([heavy.cid], [heavy]))]],
    [
      'a manifest of 2 MiB announced',
      'manifest',
      'container',
      'too-large',
      [hex(concat(carHeader([big.cid]), varint(36 + 2 * MIB), big.cid, big.data))],
    ],
    [
      'a manifest section of 2 MiB of noise',
      'manifest',
      'container',
      'too-large',
      [hex(concat(carHeader([big.cid]), varint(36 + 2 * MIB), big.cid)), { seed: 'malformed/manifest', size: 2 * MIB }],
    ],
  ];
  return full.map(([name, where, layer, expected, pieces]) => {
    const bytes = joinPieces(pieces);
    return { name, base: 'none', where, layer, expected, bytes, pieces };
  });
}

/** Minimal LEB128 with an empty seventh-bit group appended. */
function overlong(value: number): Uint8Array {
  const minimal = varint(value);
  minimal[minimal.length - 1] = minimal.at(-1)! | 0x80;
  return concat(minimal, u8(0));
}

/** CARv2: pragma and 40-byte header, for a CARv1 payload of this size right after. */
function carV2(dataSize: number): Uint8Array {
  const header = Buffer.alloc(40);
  header.writeBigUInt64LE(51n, 16);
  header.writeBigUInt64LE(BigInt(dataSize), 24);
  return concat(unhex('0x0aa16776657273696f6e02'), header);
}

const taggedBytes = (cid: Uint8Array) => new Raw(`d82a${hex(encode(cid)).slice(2)}`);

function swapData(s: Segment): Uint8Array {
  const [manifest, b0, b1, b2] = s.sections as [Section, Section, Section, Section];
  return car([manifest.cid], [manifest, { cid: b0.cid, data: b2.data }, b1, { cid: b2.cid, data: b0.data }]);
}
