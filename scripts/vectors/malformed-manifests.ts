import type { Fault } from './malformed-segments.ts';
import { SECP256K1_ORDER } from './reference/accounts.ts';
import { concat, expand, flipBit, hex, u8, u256 } from './reference/bytes.ts';
import { cidOf, DAG_CBOR, RAW, type Section } from './reference/car.ts';
import { type Cbor, encode, Link, Pairs, Raw, sorted } from './reference/dag-cbor.ts';
import { chunkRoot, MIB } from './reference/protocol.ts';
import type { Segment } from './reference/segment.ts';

type Pair = [Cbor, Cbor];
type Entry = { [key: string]: Cbor };

export interface Edits {
  withManifest(segment: Segment, change: (pairs: Pair[]) => Pair[]): Uint8Array;
  rebuilt(manifest: Cbor, blocks: Section[]): Uint8Array;
}

/** Segments whose container is sound and whose manifest is not, or not true. */
export function manifestFaults(good: Record<string, Segment>, edits: Edits): Fault[] {
  return [
    ...shapes('encrypted-second-parts', good['encrypted-second-parts']!, edits),
    ...crypto('encrypted-second-parts', good['encrypted-second-parts']!, edits),
    ...entries('encrypted-second-parts', good['encrypted-second-parts']!, edits),
    ...metas('encrypted-second-parts', good['encrypted-second-parts']!, edits),
    ...plain('plain-one', good['plain-one']!, edits),
    ...untrue('encrypted-second-parts', good['encrypted-second-parts']!, edits),
  ];
}

/** Keys, types, canonical form, numbers. */
function shapes(base: string, s: Segment, { withManifest, rebuilt }: Edits): Fault[] {
  const blocks = s.sections.slice(1);
  const head = s.manifest.head as Entry;
  const set = (key: string, value: Cbor) => withManifest(s, replacing(key, value));
  const list: [name: string, expected: string, bytes: Uint8Array][] = [
    ...Object.keys(s.manifest).map((key): [string, string, Uint8Array] => [
      `${key} left out of the manifest`,
      'missing-key',
      withManifest(s, (pairs) => pairs.filter(([k]) => k !== key)),
    ]),
    ...Object.keys(head).map((key): [string, string, Uint8Array] => [
      `${key} left out of the head`,
      'missing-key',
      set('head', Object.fromEntries(Object.entries(head).filter(([k]) => k !== key))),
    ]),
    ['an unknown manifest key', 'unknown-key', rebuilt({ ...s.manifest, note: 'hello' }, blocks)],
    ['an unknown key in the head', 'unknown-key', set('head', { ...head, time: 0 })],
    ['a manifest key twice', 'duplicate-key', withManifest(s, (pairs) => [pairs[0]!, ...pairs])],
    ['a manifest key twice, other values', 'duplicate-key', withManifest(s, (pairs) => [['v', 2], ...pairs])],
    ['a head key twice', 'duplicate-key', set('head', new Pairs([['root', head.root!], ...sorted(head)]))],
    ['manifest keys unsorted', 'not-canonical', withManifest(s, (pairs) => [...pairs].reverse())],
    [
      'manifest keys sorted by bytes alone',
      'not-canonical',
      withManifest(s, (pairs) => [...pairs].sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1))),
    ],
    ['head keys unsorted', 'not-canonical', set('head', new Pairs(sorted(head).reverse()))],
    ['v in two bytes', 'not-canonical', set('v', new Raw('1801'))],
    ['first in nine bytes', 'not-canonical', set('first', new Raw('1b0000000000000003'))],
    ['a hash length in three bytes', 'not-canonical', set('salt', new Raw(`590020${hex(s.sealing.salt).slice(2)}`))],
    ['a manifest of indefinite length', 'not-canonical', rebuilt(indefinite(s), blocks)],
    [
      'blocks of indefinite length',
      'not-canonical',
      set('blocks', new Raw(`9f${hex(concat(...(s.manifest.blocks as Cbor[]).map(encode))).slice(2)}ff`)),
    ],
    [
      'a byte after the manifest map',
      'trailing-bytes',
      rebuilt(new Raw(`${hex(encode(s.manifest)).slice(2)}00`), blocks),
    ],
    ['the manifest map cut short', 'bad-manifest', rebuilt(new Raw(hex(encode(s.manifest)).slice(2, -20)), blocks)],
    ['an empty manifest', 'bad-manifest', rebuilt(new Raw(''), blocks)],
    ['a manifest that is an array', 'bad-manifest', rebuilt([1], blocks)],
    ['a manifest that is null', 'bad-manifest', rebuilt(null, blocks)],
    ['a manifest of nested arrays', 'bad-manifest', rebuilt(new Raw(`${'81'.repeat(20_000)}00`), blocks)],
    ['a manifest of nested tags', 'bad-manifest', rebuilt(new Raw(`${'d82a'.repeat(2000)}00`), blocks)],
    ['v: 2', 'wrong-version', set('v', 2)],
    ['v: 0', 'wrong-version', set('v', 0)],
    ['v as text', 'wrong-type', set('v', '1')],
    ['v as float', 'float', set('v', new Raw('fb3ff0000000000000'))],
    ['first as float', 'float', set('first', new Raw('fb4008000000000000'))],
    ['first as text', 'wrong-type', set('first', '3')],
    ['first negative', 'wrong-type', set('first', -1)],
    ['first 2^64-1', 'too-large', set('first', 2n ** 64n - 1n)],
    ['first 2^53', 'too-large', set('first', 2n ** 53n)],
    ['first one too small', 'wrong-head', set('first', s.first - 1n)],
    ['first one too large', 'wrong-head', set('first', s.first + 1n)],
    ['head size one too small', 'wrong-head', set('head', { ...head, size: s.head.size - 1n })],
    ['head size one too large', 'wrong-head', set('head', { ...head, size: s.head.size + 1n })],
    ['head size 0', 'wrong-head', set('head', { ...head, size: 0 })],
    ['head size negative', 'wrong-type', set('head', { ...head, size: -6 })],
    ['head size as float', 'float', set('head', { ...head, size: new Raw('fb4018000000000000') })],
    ['batches 0', 'wrong-head', set('head', { ...head, batches: 0 })],
    ['batches 2^32', 'too-large', set('head', { ...head, batches: 2n ** 32n })],
    ['batches as float', 'float', set('head', { ...head, batches: new Raw('f94000') })],
    ['head root of 31 bytes', 'wrong-length', set('head', { ...head, root: s.head.root.slice(1) })],
    ['head as an array', 'wrong-type', set('head', [s.head.size, s.head.batches, s.head.root])],
    ['head null', 'wrong-type', set('head', null)],
    ['dataset of 31 bytes', 'wrong-length', set('dataset', s.dataset.slice(1))],
    ['dataset of 33 bytes', 'wrong-length', set('dataset', concat(s.dataset, u8(0)))],
    ['dataset as hex text', 'wrong-type', set('dataset', hex(s.dataset))],
    ['published as integer', 'wrong-type', set('published', 0)],
    ['published null', 'wrong-type', set('published', null)],
    ['published undefined', 'wrong-type', set('published', new Raw('f7'))],
    ['blocks as a map', 'wrong-type', set('blocks', {})],
    ['blocks null', 'wrong-type', set('blocks', null)],
    [
      '2^32 blocks announced in the manifest',
      'bad-manifest',
      rebuilt(new Raw(`a1${hex(encode('blocks')).slice(2)}9b0000000100000000`), []),
    ],
    ['count 0', 'wrong-count', rebuilt({ ...s.manifest, blocks: [], head: { ...head, size: s.first } }, [])],
  ];
  return list.map(([name, expected, bytes]) => ({ name, base, where: 'manifest', layer: 'manifest', expected, bytes }));
}

/** Salt, nonce, commitment, signature. */
function crypto(base: string, s: Segment, { withManifest }: Edits): Fault[] {
  const set = (key: string, value: Cbor) => withManifest(s, replacing(key, value));
  const nonce = s.nonce!;
  const strict: [name: string, expected: string, bytes: Uint8Array][] = [
    ['salt of 31 bytes', 'wrong-length', set('salt', s.sealing.salt.slice(1))],
    ['salt of 33 bytes', 'wrong-length', set('salt', concat(s.sealing.salt, u8(0)))],
    ['salt as text', 'wrong-type', set('salt', hex(s.sealing.salt))],
    ['salt null', 'wrong-type', set('salt', null)],
    ['nonce of 15 bytes', 'wrong-length', set('nonce', nonce.slice(1))],
    ['nonce of 0 bytes', 'wrong-length', set('nonce', new Uint8Array())],
    ['nonce of 17 bytes', 'wrong-length', set('nonce', concat(nonce, u8(0)))],
    ['nonce null, contentCommitment not zero', 'nonce-commitment', set('nonce', null)],
    ['contentCommitment zero, nonce not null', 'nonce-commitment', set('contentCommitment', new Uint8Array(32))],
    ['contentCommitment of 31 bytes', 'wrong-length', set('contentCommitment', s.contentCommitment.slice(1))],
    ['contentCommitment null', 'wrong-type', set('contentCommitment', null)],
    ['signature of 64 bytes', 'wrong-length', set('signature', s.signature.slice(0, 64))],
    ['signature of 66 bytes', 'wrong-length', set('signature', concat(s.signature, u8(0)))],
    ['signature of no bytes', 'wrong-length', set('signature', new Uint8Array())],
    ['signature as text', 'wrong-type', set('signature', hex(s.signature))],
  ];
  const [r, sValue, v] = [s.signature.slice(0, 32), BigInt(hex(s.signature.slice(32, 64))), s.signature[64]!];
  const form: [name: string, bytes: Uint8Array][] = [
    ['the high-s twin of the signature', set('signature', concat(r, u256(SECP256K1_ORDER - sValue), u8(55 - v)))],
    ['a signature with v as 0 or 1', set('signature', concat(s.signature.slice(0, 64), u8(v - 27)))],
    ['a signature of zeros', set('signature', new Uint8Array(65))],
  ];
  return [
    ...strict.map(
      ([name, expected, bytes]): Fault => ({ name, base, where: 'manifest', layer: 'manifest', expected, bytes }),
    ),
    ...form.map(
      ([name, bytes]): Fault => ({
        name,
        base,
        where: 'manifest',
        layer: 'record',
        expected: 'may pass structural',
        bytes,
      }),
    ),
  ];
}

/** The entry of block 1. */
function entries(base: string, s: Segment, edits: Edits): Fault[] {
  const blocks = s.manifest.blocks as Entry[];
  const entry = blocks[1]!;
  const put = (value: Cbor) => withEntry(s, edits, 1, value);
  const set = (key: string, value: Cbor) => put({ ...entry, [key]: value });
  const stored = s.stored[1]!;
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
    ['sealed of 33 bytes', 'manifest', 'wrong-length', set('sealed', concat(entry.sealed as Uint8Array, u8(0)))],
    ['sealed as text', 'manifest', 'wrong-type', set('sealed', hex(entry.sealed as Uint8Array))],
    [
      'commitment of 31 bytes',
      'manifest',
      'wrong-length',
      set('commitment', (entry.commitment as Uint8Array).slice(1)),
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
function metas(base: string, s: Segment, edits: Edits): Fault[] {
  const entry = (s.manifest.blocks as Entry[])[1]!;
  const set = (meta: Cbor) => withEntry(s, edits, 1, { ...entry, meta });
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

/** What only a plain, only an encrypted or only a first batch can get wrong. */
function plain(base: string, s: Segment, { withManifest, rebuilt }: Edits): Fault[] {
  const set = (key: string, value: Cbor) => withManifest(s, replacing(key, value));
  const entry = (s.manifest.blocks as Entry[])[0]!;
  const empty = {
    ...entry,
    cid: new Link(cidOf(RAW, new Uint8Array())),
    size: 0,
    chunkRoot: chunkRoot(new Uint8Array()),
  };
  const short = good16();
  const secret = {
    ...s.manifest,
    nonce: expand('malformed/nonce', 16),
    contentCommitment: expand('malformed/commitment', 32),
  };
  const shortEntry = { ...entry, cid: new Link(cidOf(RAW, short)), size: 16, chunkRoot: chunkRoot(short) };
  const head = s.manifest.head as Entry;
  const list: [name: string, layer: Fault['layer'], expected: string, bytes: Uint8Array][] = [
    ['a plain segment given a nonce', 'manifest', 'nonce-commitment', set('nonce', expand('malformed/nonce', 16))],
    [
      'a plain segment given a contentCommitment',
      'manifest',
      'nonce-commitment',
      set('contentCommitment', expand('malformed/commitment', 32)),
    ],
    [
      'an empty block, whole and consistent',
      'manifest',
      'wrong-size',
      rebuilt({ ...s.manifest, blocks: [empty] }, [{ cid: cidOf(RAW, new Uint8Array()), data: new Uint8Array() }]),
    ],
    [
      'an encrypted block of 16 bytes, a tag without content',
      'record',
      'may pass structural',
      rebuilt({ ...secret, blocks: [shortEntry] }, [{ cid: cidOf(RAW, short), data: short }]),
    ],
    [
      'the head root of a first batch altered',
      'record',
      'may pass structural',
      set('head', { ...head, root: flipBit(s.head.root, 0) }),
    ],
    ['more batches than blocks', 'record', 'may pass structural', set('head', { ...head, batches: 2 })],
    ['published turned on in a first batch', 'record', 'may pass structural', set('published', true)],
  ];
  return list.map(([name, layer, expected, bytes]) => ({ name, base, where: 'manifest', layer, expected, bytes }));
}

/** Nothing in the segment alone betrays these; DISSC, the signer's account or the dataset's key does. */
function untrue(base: string, s: Segment, { withManifest, rebuilt }: Edits): Fault[] {
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
    ['another batch count in the head', 'manifest', set('head', { ...head, batches: s.head.batches + 1 })],
    ['a signature with a bit of r flipped', 'manifest', set('signature', flipBit(s.signature, 5))],
    ['another dataset', 'manifest', set('dataset', flipBit(s.dataset, 0))],
    ['another salt', 'manifest', set('salt', flipBit(s.sealing.salt, 0))],
    ['another nonce', 'manifest', set('nonce', flipBit(s.nonce!, 0))],
    ['another contentCommitment', 'manifest', set('contentCommitment', flipBit(s.contentCommitment, 0))],
    ['published turned on', 'manifest', set('published', true)],
    ['another sealed digest', 'block 0', entry({ sealed: flipBit(blocks[0]!.sealed as Uint8Array, 0) })],
    ['another commitment', 'block 0', entry({ commitment: flipBit(blocks[0]!.commitment as Uint8Array, 0) })],
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

const replacing =
  (key: string, value: Cbor) =>
  (pairs: Pair[]): Pair[] =>
    pairs.map(([k, old]) => [k, k === key ? value : old]);

function withEntry(s: Segment, edits: Edits, at: number, value: Cbor): Uint8Array {
  const blocks = (s.manifest.blocks as Cbor[]).map((old, i) => (i === at ? value : old));
  return edits.withManifest(s, replacing('blocks', blocks));
}

function indefinite(s: Segment): Raw {
  const pairs = concat(...sorted(s.manifest).flatMap(([key, value]) => [encode(key), encode(value)]));
  return new Raw(`bf${hex(pairs).slice(2)}ff`);
}

const good16 = (): Uint8Array => expand('malformed/tag', 16);
