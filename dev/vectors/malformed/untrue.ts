import { concat, expand, flipBit } from '../reference/bytes.ts';
import { cidOf, RAW } from '../reference/car.ts';
import { type Cbor, encode, Link } from '../reference/dag-cbor.ts';
import { chunkRoot, MIB } from '../reference/protocol.ts';
import type { Segment } from '../reference/segment.ts';
import { rebuilt, replacing, withManifest } from './edits.ts';
import type { Fault } from './fault.ts';

type Entry = { [key: string]: Cbor };

/** What only a plain, only an encrypted or only a first batch can get wrong. */
export function firstBatchFaults(base: string, s: Segment): Fault[] {
  const set = (key: string, value: Cbor) => withManifest(s, replacing(key, value));
  const entry = (s.manifest.blocks as Entry[])[0]!;
  const empty = {
    ...entry,
    cid: new Link(cidOf(RAW, new Uint8Array())),
    size: 0,
    chunkRoot: chunkRoot(new Uint8Array()),
  };
  const short = good16();
  const committed = concat((entry.record as Uint8Array).slice(0, 64), expand('malformed/commitment', 32));
  const secret = { ...s.manifest, nonce: expand('malformed/nonce', 16) };
  const shortEntry = {
    ...entry,
    cid: new Link(cidOf(RAW, short)),
    size: 16,
    chunkRoot: chunkRoot(short),
    record: committed,
  };
  const large = expand('malformed/large', MIB - 15);
  const largeEntry = { ...entry, cid: new Link(cidOf(RAW, large)), size: large.length, chunkRoot: chunkRoot(large) };
  const head = s.manifest.head as Entry;
  const list: [name: string, layer: Fault['layer'], expected: string, bytes: Uint8Array][] = [
    ['a plain segment given a nonce', 'manifest', 'nonce-commitment', set('nonce', expand('malformed/nonce', 16))],
    [
      'a plain record given a content commitment',
      'manifest',
      'nonce-commitment',
      set('blocks', [{ ...entry, record: committed }]),
    ],
    [
      'a plain block of 1 MiB - 15 announced',
      'manifest',
      'wrong-size',
      rebuilt({ ...s.manifest, blocks: [largeEntry] }, []),
    ],
    [
      'an empty block, whole and consistent',
      'manifest',
      'wrong-size',
      rebuilt({ ...s.manifest, blocks: [empty] }, [{ cid: cidOf(RAW, new Uint8Array()), data: new Uint8Array() }]),
    ],
    [
      'an encrypted block of 16 bytes, a tag without content',
      'manifest',
      'wrong-size',
      rebuilt({ ...secret, blocks: [shortEntry] }, [{ cid: cidOf(RAW, short), data: short }]),
    ],
    [
      'the head root of a first batch altered',
      'record',
      'may pass structural',
      set('head', { ...head, root: flipBit(s.head.root, 0) }),
    ],
  ];
  return list.map(([name, layer, expected, bytes]) => ({ name, base, where: 'manifest', layer, expected, bytes }));
}

/** Nothing in the segment alone betrays these; DISSC, the signer's account or the dataset's key does. */
export function untrueFaults(base: string, s: Segment): Fault[] {
  const head = s.manifest.head as Entry;
  const blocks = s.manifest.blocks as Entry[];
  const sections = s.sections.slice(1);
  const set = (key: string, value: Cbor) => withManifest(s, replacing(key, value));
  const entry = (change: Entry) => set('blocks', [{ ...blocks[0]!, ...change }, ...blocks.slice(1)]);
  const swap = <T>(list: T[]): T[] => [list[1]!, list[0]!, ...list.slice(2)];
  const other = expand('malformed/other', s.stored[0]!.length);
  const forged = { ...blocks[0]!, cid: new Link(cidOf(RAW, other)), chunkRoot: chunkRoot(other) };
  const list: [name: string, where: string, bytes: Uint8Array][] = [
    ['another head root', 'manifest', set('head', { ...head, root: flipBit(s.head.root, 31, 5) })],
    ['a signature with a bit of r flipped', 'manifest', set('signature', flipBit(s.signature, 5))],
    ['another dataset', 'manifest', set('dataset', flipBit(s.dataset, 0))],
    ['another salt', 'manifest', set('salt', flipBit(s.sealing.salt, 0))],
    ['another nonce', 'manifest', set('nonce', flipBit(s.nonce!, 0))],
    ['another serial', 'manifest', set('serial', s.serial + 1)],
    ['another sealed digest', 'block 0', entry({ record: flipBit(blocks[0]!.record as Uint8Array, 0) })],
    ['another commitment', 'block 0', entry({ record: flipBit(blocks[0]!.record as Uint8Array, 40) })],
    ['another content commitment', 'block 0', entry({ record: flipBit(blocks[0]!.record as Uint8Array, 70) })],
    ['the records of two blocks swapped', 'block 0', set('blocks', swapRecords(blocks))],
    ['another time in the meta', 'block 0', entry({ meta: encode({ ...s.blocks[0]!.meta, at: 1 }) })],
    [
      'a block forged with its CID and chunkRoot',
      'block 0',
      rebuilt({ ...s.manifest, blocks: [forged, ...blocks.slice(1)] }, [
        { cid: cidOf(RAW, other), data: other },
        ...sections.slice(1),
      ]),
    ],
    [
      'blocks and their entries swapped together',
      'block 0',
      rebuilt({ ...s.manifest, blocks: swap(blocks) }, swap(sections)),
    ],
    [
      'first and head moved on together',
      'manifest',
      rebuilt({ ...s.manifest, first: s.first + 1n, head: { ...head, size: s.head.size + 1n } }, sections),
    ],
    [
      'the last block left out everywhere',
      'manifest',
      rebuilt(
        { ...s.manifest, blocks: blocks.slice(0, -1), head: { ...head, size: s.head.size - 1n } },
        sections.slice(0, -1),
      ),
    ],
  ];
  return list.map(([name, where, bytes]) => ({
    name,
    base,
    where,
    layer: 'record',
    expected: 'passes structural',
    bytes,
  }));
}

const swapRecords = ([a, b, ...rest]: Entry[]): Entry[] => [
  { ...a!, record: b!.record! },
  { ...b!, record: a!.record! },
  ...rest,
];

const good16 = (): Uint8Array => expand('malformed/tag', 16);
