import { flipBit, hex, sha256, utf8 } from '../reference/bytes.ts';
import { carSection, cidOf, RAW } from '../reference/car.ts';
import { type Cbor, encode, Pairs, Raw, sorted } from '../reference/dag-cbor.ts';
import type { Segment } from '../reference/segment.ts';
import { rebuilt, replacing, withManifest } from './edits.ts';
import type { Fault } from './fault.ts';

type Entry = { [key: string]: Cbor };

/** What only an attached dataset can get wrong: the second piece of an object of two, if not said otherwise. */
export function attachedFaults(base: string, s: Segment): Fault[] {
  const [first, second] = s.manifest.blocks as [Entry, Entry];
  const object = second.object as Entry;
  const put = (...blocks: Cbor[]) => withManifest(s, replacing('blocks', blocks));
  const bound = (entry: Entry, changed: Entry): Entry => ({
    ...entry,
    object: changed,
    meta: encode({ at: 1_790_000_000_000, object: sha256(encode(changed)) }),
  });
  const set = (key: string, value: Cbor) => put(first, bound(second, { ...object, [key]: value }));
  const alone = (entry: Entry) => Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'object'));
  const held = s.stored.map((data) => ({ cid: cidOf(RAW, data), data }));
  const list: [name: string, expected: string, bytes: Uint8Array][] = [
    ['object without key', 'missing-key', put(first, { ...second, object: { versionId: 'v1', offset: 2000 } })],
    ['object without versionId', 'missing-key', put(first, { ...second, object: { key: 'a', offset: 2000 } })],
    ['object without offset', 'missing-key', put(first, { ...second, object: { key: 'a', versionId: 'v1' } })],
    ['object with an unknown key', 'unknown-key', set('size', 500)],
    ['object as an array', 'wrong-type', put(first, { ...second, object: ['lake/a.parquet', 'v1', 2000] })],
    ['object as bytes', 'wrong-type', put(first, { ...second, object: encode(object) })],
    [
      'object with keys unsorted',
      'not-canonical',
      put(first, { ...second, object: new Pairs(sorted(object).reverse()) }),
    ],
    ['object key empty', 'wrong-value', set('key', '')],
    ['object key of 1,025 bytes', 'too-long', set('key', 'k'.repeat(1025))],
    ['object key as bytes', 'wrong-type', set('key', utf8('lake/a.parquet'))],
    ['object key null', 'wrong-type', set('key', null)],
    ['object key not UTF-8', 'invalid-utf8', put(first, { ...second, object: { ...object, key: new Raw('62c328') } })],
    ['versionId empty', 'wrong-value', set('versionId', '')],
    ['versionId of 1,025 bytes', 'too-long', set('versionId', 'v'.repeat(1025))],
    ['versionId as a number', 'wrong-type', set('versionId', 1)],
    ['versionId undefined', 'wrong-type', put(first, { ...second, object: { ...object, versionId: new Raw('f7') } })],
    ['offset negative', 'negative', set('offset', -1)],
    ['offset as float', 'float', put(first, { ...second, object: { ...object, offset: new Raw('f967d0') } })],
    ['offset as text', 'wrong-type', set('offset', '2000')],
    ['offset 2^53', 'too-large', set('offset', 2n ** 53n)],
    ['a gap between two pieces', 'wrong-offset', set('offset', 2001)],
    ['pieces that overlap', 'wrong-offset', set('offset', 1999)],
    ['the second piece at offset 0 again', 'wrong-offset', set('offset', 0)],
    ['the second piece of another version', 'wrong-offset', set('versionId', 'v2')],
    ['the second piece of another object', 'wrong-offset', set('key', 'lake/b.parquet')],
    ['a first block that begins within an object', 'wrong-offset', put(bound(first, { ...object, offset: 7 }), second)],
    ['pieces in the wrong order', 'wrong-offset', put(second, first)],
    ['the meta binds another object', 'wrong-object', put(first, { ...second, object: { ...object, key: 'lake/b' } })],
    ['the object hash with a bit flipped', 'wrong-object', put(first, flippedObject(second))],
    ['a meta without object', 'object-in-kind', put(first, { ...second, meta: encode({ at: 1 }) })],
    ['an entry without object', 'object-in-kind', put(first, alone(second))],
    ['the first entry without object', 'object-in-kind', put(alone(first), second)],
    ['an attached segment given a nonce', 'nonce-commitment', withManifest(s, replacing('nonce', new Uint8Array(16)))],
    ['a block in an attached segment', 'extra-block', rebuilt(s.manifest, held)],
    ['the first block alone in an attached segment', 'extra-block', rebuilt(s.manifest, held.slice(0, 1))],
    ['the manifest of an attached segment twice', 'extra-block', Buffer.concat([s.car, carSection(s.sections[0]!)])],
    ['an attached block of 1 MiB', 'wrong-size', put(first, { ...second, size: 1_048_576 })],
  ];
  const faults = list.map(
    ([name, expected, bytes]): Fault => ({
      name,
      base,
      where: 'attached',
      layer: 'manifest',
      expected,
      bytes: Uint8Array.from(bytes),
    }),
  );
  const moved = { ...object, offset: 2000, key: 'lake/other.parquet' };
  return [
    ...faults,
    {
      name: 'an object that is another one, hash and all',
      base,
      where: 'attached',
      layer: 'record',
      expected: 'passes structural',
      bytes: put(bound(first, { ...moved, offset: 0 }), bound(second, moved)),
    },
  ];
}

function flippedObject(entry: Entry): Entry {
  const hash = sha256(encode(entry.object!));
  if (!hex(entry.meta as Uint8Array).includes(hex(hash).slice(2))) throw new Error('the meta does not hold the object');
  return { ...entry, meta: encode({ at: 1_790_000_000_000, object: flipBit(hash, 3) }) };
}
