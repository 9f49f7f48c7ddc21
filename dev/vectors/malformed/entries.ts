import { concat, flipBit, hex, sha256, u8 } from '../reference/bytes.ts';
import { cidOf, DAG_CBOR, RAW } from '../reference/car.ts';
import { type Cbor, encode, Link, Pairs, Raw, sorted } from '../reference/dag-cbor.ts';
import { MIB } from '../reference/protocol.ts';
import type { Segment } from '../reference/segment.ts';
import { replacing, withManifest } from './edits.ts';
import type { Fault } from './fault.ts';

type Entry = { [key: string]: Cbor };

/** The entry of block 1. */
export function entryFaults(base: string, s: Segment): Fault[] {
  const blocks = s.manifest.blocks as Entry[];
  const entry = blocks[1]!;
  const put = (value: Cbor) => withEntry(s, 1, value);
  const set = (key: string, value: Cbor) => put({ ...entry, [key]: value });
  const stored = s.stored[1]!;
  const record = entry.record as Uint8Array;
  const object = { key: 'lake/a.parquet', versionId: null, offset: 0 };
  const list: [name: string, layer: Fault['layer'], expected: string, bytes: Uint8Array][] = [
    ...Object.keys(entry).map((key): [string, Fault['layer'], string, Uint8Array] => [
      `${key} left out of a block`,
      'manifest',
      'missing-key',
      put(Object.fromEntries(Object.entries(entry).filter(([k]) => k !== key))),
    ]),
    ['an unknown key in a block', 'manifest', 'unknown-key', set('offset', 0)],
    ['a key of a block twice', 'manifest', 'duplicate-key', put(new Pairs([['cid', entry.cid!], ...sorted(entry)]))],
    ['keys of a block unsorted', 'manifest', 'not-canonical', put(new Pairs(sorted(entry).reverse()))],
    ['a block that is null', 'manifest', 'wrong-type', put(null)],
    ['a block that is a link alone', 'manifest', 'wrong-type', put(entry.cid!)],
    ['cid as bytes, not a link', 'manifest', 'wrong-type', set('cid', s.sections[2]!.cid)],
    [
      'cid as text',
      'manifest',
      'wrong-type',
      set('cid', 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'),
    ],
    ['cid under dag-cbor', 'manifest', 'wrong-codec', set('cid', new Link(cidOf(DAG_CBOR, stored)))],
    [
      'cid as an identity CID',
      'manifest',
      'wrong-multihash',
      set('cid', new Link(concat(u8(1), u8(RAW), u8(0), u8(1), u8(7)))),
    ],
    ['cid as CIDv0', 'manifest', 'bad-cid', set('cid', new Link(s.sections[2]!.cid.slice(2)))],
    ['cid with a byte after', 'manifest', 'bad-cid', set('cid', new Link(concat(s.sections[2]!.cid, u8(0))))],
    ['cid of other bytes', 'container', 'wrong-cid', set('cid', new Link(cidOf(RAW, u8(7))))],
    ['size 0', 'manifest', 'wrong-size', set('size', 0)],
    ['size one too small', 'container', 'wrong-size', set('size', stored.length - 1)],
    ['size one too large', 'container', 'wrong-size', set('size', stored.length + 1)],
    ['size negative', 'manifest', 'wrong-type', set('size', -1)],
    ['size as float', 'manifest', 'float', set('size', new Raw('fb4090400000000000'))],
    ['size as text', 'manifest', 'wrong-type', set('size', `${stored.length}`)],
    ['size 1 MiB + 1', 'manifest', 'too-large', set('size', MIB + 1)],
    ['size 2^32', 'manifest', 'too-large', set('size', 2n ** 32n)],
    ['size 2^64-1', 'manifest', 'too-large', set('size', 2n ** 64n - 1n)],
    ['chunkRoot of 31 bytes', 'manifest', 'wrong-length', set('chunkRoot', (entry.chunkRoot as Uint8Array).slice(1))],
    ['record of 97 bytes', 'manifest', 'wrong-length', set('record', concat(record, u8(0)))],
    ['record of 95 bytes', 'manifest', 'wrong-length', set('record', record.slice(1))],
    ['record of 64 bytes', 'manifest', 'wrong-length', set('record', record.slice(0, 64))],
    ['record of no bytes', 'manifest', 'wrong-length', set('record', new Uint8Array())],
    ['record as text', 'manifest', 'wrong-type', set('record', hex(record))],
    ['record null', 'manifest', 'wrong-type', set('record', null)],
    [
      'record as a list of three',
      'manifest',
      'wrong-type',
      set('record', [record.slice(0, 32), record.slice(32, 64), record.slice(64)]),
    ],
    [
      'a record without a content commitment in an encrypted batch',
      'manifest',
      'nonce-commitment',
      set('record', concat(record.slice(0, 64), new Uint8Array(32))),
    ],
    ['an object in an encrypted batch', 'manifest', 'object-in-kind', set('object', object)],
    ['an object that is null', 'manifest', 'wrong-type', set('object', null)],
    [
      'a meta with an object in an encrypted batch',
      'manifest',
      'object-in-kind',
      set('meta', encode({ at: 1, object: sha256(encode(object)) })),
    ],
    [
      'chunkRoot with a bit flipped',
      'content',
      'wrong-chunk-root',
      set('chunkRoot', flipBit(entry.chunkRoot as Uint8Array, 0)),
    ],
    ['chunkRoot of zeros', 'content', 'wrong-chunk-root', set('chunkRoot', new Uint8Array(32))],
    ['the chunkRoot of another block', 'content', 'wrong-chunk-root', set('chunkRoot', blocks[0]!.chunkRoot!)],
    ['the SHA-256 for the chunkRoot', 'content', 'wrong-chunk-root', set('chunkRoot', s.sections[2]!.cid.slice(4))],
  ];
  return list.map(([name, layer, expected, bytes]) => ({ name, base, where: 'block 1', layer, expected, bytes }));
}

/** The meta of block 1; meta.json has more. */
export function metaFaults(base: string, s: Segment): Fault[] {
  const entry = (s.manifest.blocks as Entry[])[1]!;
  const set = (meta: Cbor) => withEntry(s, 1, { ...entry, meta });
  const bytes = (value: Cbor) => set(encode(value));
  const list: [name: string, expected: string, bytes: Uint8Array][] = [
    ['meta of 513 bytes', 'bad-meta', bytes({ at: 1_790_000_000_123, name: 'n'.repeat(492) })],
    ['meta of no bytes', 'bad-meta', set(new Uint8Array())],
    ['meta that is not dag-cbor', 'bad-meta', set(new TextEncoder().encode('{"at":1}'))],
    ['meta as a map, not as bytes', 'wrong-type', set({ at: 1 })],
    ['meta null', 'wrong-type', set(null)],
    ['meta without at', 'bad-meta', bytes({ name: 'a' })],
    ['meta with an unknown key', 'bad-meta', bytes({ at: 1, size: 2 })],
    ['meta with a float', 'bad-meta', set(encode(new Pairs([['at', new Raw('fb3ff8000000000000')]])))],
    [
      'meta with keys unsorted',
      'bad-meta',
      set(
        encode(
          new Pairs([
            ['name', 'a'],
            ['at', 1],
          ]),
        ),
      ),
    ],
    ['meta with a byte after', 'bad-meta', set(concat(encode({ at: 1 }), u8(0)))],
    ['meta with part = parts', 'bad-meta', bytes({ at: 1, name: 'a', part: 3, parts: 3 })],
  ];
  return list.map(([name, expected, made]) => ({
    name,
    base,
    where: 'block 1',
    layer: 'manifest',
    expected,
    bytes: made,
  }));
}

function withEntry(s: Segment, at: number, value: Cbor): Uint8Array {
  const blocks = (s.manifest.blocks as Cbor[]).map((old, i) => (i === at ? value : old));
  return withManifest(s, replacing('blocks', blocks));
}
