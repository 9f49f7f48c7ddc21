import { concat, expand, hex, u8 } from '../reference/bytes.ts';
import { car, carHeader, carSection, cidOf, DAG_CBOR, RAW, varint } from '../reference/car.ts';
import { type Cbor, encode, Link } from '../reference/dag-cbor.ts';
import { chunkRoot, MIB } from '../reference/protocol.ts';
import { joinPieces, type Piece } from '../reference/segment.ts';
import type { Fault, Layer } from './fault.ts';

/** Too large to print: whole, consistent segments beyond a limit. */
export function oversized(): Fault[] {
  const seed = 'malformed/block';
  const block = expand(seed, MIB + 1);
  const entry = (data: Uint8Array) => ({
    cid: new Link(cidOf(RAW, data)),
    size: data.length,
    chunkRoot: chunkRoot(data),
    meta: encode({ at: 0 }),
    record: concat(expand('malformed/record', 64), new Uint8Array(32)),
  });
  const manifest = (blocks: Cbor[], size: number) => {
    const data = encode({
      v: 2,
      dataset: expand('malformed/dataset', 32),
      serial: 1,
      first: 0,
      salt: expand('malformed/salt', 32),
      nonce: null,
      head: { size, root: expand('malformed/root', 32) },
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
