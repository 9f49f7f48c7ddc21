import { concat, hex, type Json, u8 } from './reference/bytes.ts';
import { type Cbor, encode, Link, Pairs, Raw } from './reference/dag-cbor.ts';

const AT = 1_790_000_000_123;
const LAST_DATE_MS = 8_640_000_000_000_000;

/** Meta values and their bytes; byte strings that are no meta, each with its reason. */
export function metaVectors(): Json {
  const valid: { [key: string]: string | number }[] = [
    { at: 0 },
    { at: 23 },
    { at: 24 },
    { at: 255 },
    { at: 256 },
    { at: 65_535 },
    { at: 65_536 },
    { at: 2 ** 32 - 1 },
    { at: 2 ** 32 },
    { at: AT },
    { at: LAST_DATE_MS },
    { at: AT, clock: 1 },
    { at: AT, name: 'seattle-weather.csv' },
    { at: AT, type: 'text/csv' },
    { at: AT, clock: 1, name: 'Zürich/温度 🌡.csv', type: 'text/csv; charset=utf-8' },
    { at: AT, name: 'big.bin', part: 0, parts: 2 },
    { at: AT, name: 'big.bin', part: 1, parts: 2 },
    { at: AT, clock: 1, name: 'big.bin', type: 'application/octet-stream', part: 299, parts: 300 },
    { at: AT, name: 'n'.repeat(491) },
  ];
  const encoded = valid.map((meta) => ({ meta, bytes: encode(meta) }));
  if (encoded.at(-1)!.bytes.length !== 512)
    throw new Error(`the longest meta has ${encoded.at(-1)!.bytes.length} bytes`);
  return {
    about: 'meta: dag-cbor map {at, clock?, name?, type?, part?, parts?}, at most 512 bytes, design §4',
    valid: encoded.map(({ meta, bytes }) => ({ meta, bytes: hex(bytes) })),
    invalid: invalid().map(([name, reason, bytes]) => ({ name, reason, bytes: hex(bytes) })),
  };
}

function invalid(): [name: string, reason: string, bytes: Uint8Array][] {
  const map = (value: { [key: string]: Cbor }) => encode(value);
  const pairs = (...list: [Cbor, Cbor][]) => encode(new Pairs(list));
  const raw = (hexText: string) => new Raw(hexText);
  return [
    ['513 bytes', 'too-long', map({ at: AT, name: 'n'.repeat(492) })],
    ['4 KiB', 'too-long', map({ at: AT, name: 'n'.repeat(4096) })],
    ['nothing', 'truncated', new Uint8Array()],
    ['map cut after its head', 'truncated', map({ at: AT }).slice(0, 1)],
    ['map cut in a key', 'truncated', map({ at: AT }).slice(0, 3)],
    ['map cut in a value', 'truncated', map({ at: AT }).slice(0, -1)],
    ['text longer than what is left', 'truncated', pairs(['at', 1], ['name', raw('7a7fffffff6161')])],
    ['text of 2^63 bytes announced', 'truncated', pairs(['at', 1], ['name', raw('7b80000000000000006161')])],
    ['map of 2^64-1 pairs announced', 'truncated', concat(new Raw('bbffffffffffffffff').bytes, encode('at'), u8(1))],
    ['an array', 'wrong-type', encode([AT])],
    ['an integer', 'wrong-type', encode(AT)],
    ['null', 'wrong-type', encode(null)],
    ['a byte string holding meta', 'wrong-type', encode(map({ at: AT }))],
    ['at as text', 'wrong-type', map({ at: `${AT}` })],
    ['at null', 'wrong-type', map({ at: null })],
    ['at undefined', 'wrong-type', pairs(['at', raw('f7')])],
    ['at as a link', 'wrong-type', map({ at: new Link(new Uint8Array([1, 0x55, 0, 0])) })],
    ['at as a tagged time', 'wrong-type', pairs(['at', raw('c11a6ab1a2c0')])],
    ['at as a big number (tag 2)', 'wrong-type', pairs(['at', raw('c24101')])],
    ['clock true', 'wrong-type', map({ at: AT, clock: true })],
    ['clock 0', 'wrong-value', map({ at: AT, clock: 0 })],
    ['clock 2', 'wrong-value', map({ at: AT, clock: 2 })],
    ['name as bytes', 'wrong-type', map({ at: AT, name: new Uint8Array([97]) })],
    ['name as a number', 'wrong-type', map({ at: AT, name: 1 })],
    ['name null', 'wrong-type', map({ at: AT, name: null })],
    ['type as an array', 'wrong-type', map({ at: AT, type: ['text/csv'] })],
    ['part as text', 'wrong-type', map({ at: AT, name: 'a', part: '0', parts: 2 })],
    ['parts as text', 'wrong-type', map({ at: AT, name: 'a', part: 0, parts: '2' })],
    ['name not UTF-8', 'invalid-utf8', pairs(['at', AT], ['name', raw('62c328')])],
    ['name with a lone surrogate', 'invalid-utf8', pairs(['at', AT], ['name', raw('63eda080')])],
    ['keys unsorted by length', 'not-canonical', pairs(['name', 'a'], ['at', AT])],
    ['keys unsorted by bytes', 'not-canonical', pairs(['at', AT], ['type', 'a'], ['name', 'a'])],
    ['keys sorted by bytes alone', 'not-canonical', pairs(['at', AT], ['clock', 1], ['name', 'a'])],
    ['at twice', 'duplicate-key', pairs(['at', AT], ['at', AT])],
    ['at twice, other values', 'duplicate-key', pairs(['at', AT], ['at', 1])],
    ['at 1 in two bytes', 'not-canonical', pairs(['at', raw('1801')])],
    ['at 255 in three bytes', 'not-canonical', pairs(['at', raw('1900ff')])],
    ['at 65,535 in five bytes', 'not-canonical', pairs(['at', raw('1a0000ffff')])],
    ['at 2^32-1 in nine bytes', 'not-canonical', pairs(['at', raw('1b00000000ffffffff')])],
    ['length of a key in two bytes', 'not-canonical', pairs([raw('78026174'), AT])],
    ['length of the map in two bytes', 'not-canonical', concat(u8(0xb8), u8(1), encode('at'), encode(AT))],
    ['map of indefinite length', 'indefinite-length', concat(u8(0xbf), encode('at'), encode(AT), u8(0xff))],
    ['text of indefinite length', 'indefinite-length', pairs(['at', AT], ['name', raw('7f61616162ff')])],
    ['at 1.0 as float16', 'float', pairs(['at', raw('f93c00')])],
    ['at as float32', 'float', pairs(['at', raw('fa47c35000')])],
    ['at 1.0 as float64', 'float', pairs(['at', raw('fb3ff0000000000000')])],
    ['at 1.5', 'float', pairs(['at', raw('fb3ff8000000000000')])],
    ['at NaN', 'float', pairs(['at', raw('fb7ff8000000000000')])],
    ['at infinite', 'float', pairs(['at', raw('fb7ff0000000000000')])],
    ['at -1', 'negative', map({ at: -1 })],
    ['at -2^63', 'negative', map({ at: -(2n ** 63n) })],
    ['part -1', 'negative', map({ at: AT, name: 'a', part: -1, parts: 2 })],
    ['parts -2', 'negative', map({ at: AT, name: 'a', part: 0, parts: -2 })],
    ['at 2^53', 'too-large', map({ at: 2n ** 53n })],
    ['at 2^64-1', 'too-large', map({ at: 2n ** 64n - 1n })],
    ['an unknown key', 'unknown-key', map({ at: AT, size: 1 })],
    ['an unknown key before at', 'unknown-key', map({ a: 1, at: AT })],
    ['the empty key', 'unknown-key', map({ '': 1, at: AT })],
    ['a key in capitals', 'unknown-key', map({ at: AT, Name: 'a' })],
    ['__proto__', 'unknown-key', pairs(['at', AT], ['__proto__', new Pairs([['part', 0]])])],
    ['a number for a key', 'unknown-key', pairs([1, 1], ['at', AT])],
    ['a byte string for a key', 'unknown-key', pairs([new Uint8Array([0x61, 0x74]), AT])],
    ['the empty map', 'missing-at', map({})],
    ['a name and no at', 'missing-at', map({ name: 'a' })],
    ['a byte after', 'trailing-bytes', concat(map({ at: AT }), u8(0))],
    ['meta twice', 'trailing-bytes', concat(map({ at: AT }), map({ at: AT }))],
    ['part without parts', 'part-without-parts', map({ at: AT, name: 'a', part: 0 })],
    ['parts without part', 'parts-without-part', map({ at: AT, name: 'a', parts: 2 })],
    ['part = parts', 'part-not-below-parts', map({ at: AT, name: 'a', part: 2, parts: 2 })],
    ['part > parts', 'part-not-below-parts', map({ at: AT, name: 'a', part: 3, parts: 2 })],
    ['no parts', 'part-not-below-parts', map({ at: AT, name: 'a', part: 0, parts: 0 })],
    ['part without name', 'part-without-name', map({ at: AT, part: 0, parts: 2 })],
    ['the break code alone', 'wrong-type', u8(0xff)],
    ['a reserved head', 'wrong-type', u8(0x1c)],
    ['meta under a tag', 'wrong-type', concat(u8(0xd9), u8(0xd9), u8(0xf7), map({ at: AT }))],
    ['ten thousand nested arrays', 'too-long', concat(new Uint8Array(10_000).fill(0x81), u8(0))],
    ['five hundred nested arrays for a name', 'wrong-type', pairs(['at', 1], ['name', raw(`${'81'.repeat(500)}00`)])],
  ];
}
