import { SECP256K1_ORDER } from '../reference/accounts.ts';
import { concat, expand, hex, u8, u256 } from '../reference/bytes.ts';
import { type Cbor, encode, Pairs, Raw, sorted } from '../reference/dag-cbor.ts';
import type { Segment } from '../reference/segment.ts';
import { rebuilt, replacing, withManifest } from './edits.ts';
import type { Fault } from './fault.ts';

type Entry = { [key: string]: Cbor };

/** Keys, types, canonical form, numbers. */
export function manifestShapeFaults(base: string, s: Segment): Fault[] {
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
    ['a manifest key twice, other values', 'duplicate-key', withManifest(s, (pairs) => [['v', 1], ...pairs])],
    ['a head key twice', 'duplicate-key', set('head', new Pairs([['root', head.root!], ...sorted(head)]))],
    ['manifest keys unsorted', 'not-canonical', withManifest(s, (pairs) => [...pairs].reverse())],
    [
      'manifest keys sorted by bytes alone',
      'not-canonical',
      withManifest(s, (pairs) => [...pairs].sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1))),
    ],
    ['head keys unsorted', 'not-canonical', set('head', new Pairs(sorted(head).reverse()))],
    ['v in two bytes', 'not-canonical', set('v', new Raw('1802'))],
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
    ['v: 1', 'wrong-version', set('v', 1)],
    ['v: 3', 'wrong-version', set('v', 3)],
    ['v: 0', 'wrong-version', set('v', 0)],
    ['v as text', 'wrong-type', set('v', '2')],
    ['v as float', 'float', set('v', new Raw('fb4000000000000000'))],
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
    ['head size 2^48 + 1', 'too-large', set('head', { ...head, size: 2n ** 48n + 1n })],
    ['first 2^48', 'too-large', set('first', 2n ** 48n)],
    ['head with a count of batches', 'unknown-key', set('head', { ...head, batches: 2 })],
    ['published in the manifest', 'unknown-key', rebuilt({ ...s.manifest, published: false }, blocks)],
    [
      'contentCommitment for the whole batch',
      'unknown-key',
      rebuilt({ ...s.manifest, contentCommitment: expand('malformed/commitment', 32) }, blocks),
    ],
    ['serial 0', 'wrong-value', set('serial', 0)],
    ['serial -1', 'wrong-type', set('serial', -1)],
    ['serial 2^32', 'too-large', set('serial', 2n ** 32n)],
    ['serial as text', 'wrong-type', set('serial', '1790000000')],
    ['serial as float', 'float', set('serial', new Raw('fb41daac4ee0000000'))],
    ['serial null', 'wrong-type', set('serial', null)],
    ['head root of 31 bytes', 'wrong-length', set('head', { ...head, root: s.head.root.slice(1) })],
    ['head as an array', 'wrong-type', set('head', [s.head.size, s.head.root])],
    ['head null', 'wrong-type', set('head', null)],
    ['dataset of 31 bytes', 'wrong-length', set('dataset', s.dataset.slice(1))],
    ['dataset of 33 bytes', 'wrong-length', set('dataset', concat(s.dataset, u8(0)))],
    ['dataset as hex text', 'wrong-type', set('dataset', hex(s.dataset))],
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

/** Salt, nonce, signature. */
export function manifestKeyFaults(base: string, s: Segment): Fault[] {
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
    ['nonce null, content commitments not zero', 'nonce-commitment', set('nonce', null)],
    ['nonce as text', 'wrong-type', set('nonce', hex(nonce))],
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

function indefinite(s: Segment): Raw {
  const pairs = concat(...sorted(s.manifest).flatMap(([key, value]) => [encode(key), encode(value)]));
  return new Raw(`bf${hex(pairs).slice(2)}ff`);
}
