import { TypedDataEncoder, verifyTypedData } from 'ethers';
import { charterValue, ownerAccount, same, signCharter, TYPES, typedDomain } from './reference/accounts.ts';
import { concat, expand, flipBit, hex, type Json, u8, unhex, utf8 } from './reference/bytes.ts';
import { type Cbor, encode, Link, Pairs, Raw, sorted } from './reference/dag-cbor.ts';
import {
  type Charter,
  charterHash,
  charterKey,
  DOMAIN,
  datasetId,
  MNEMONIC,
  name32,
  ZERO20,
} from './reference/protocol.ts';

type Map = { [key: string]: Cbor };

const OWNER = ownerAccount(MNEMONIC);
const base: Charter = {
  owner: unhex(OWNER.address),
  name: name32('weather'),
  kind: 0,
  device: expand('charters/device', 20),
  anchorer: expand('charters/anchorer', 20),
  serial: 1_790_000_000,
  from: 0n,
};

const fileOf = (c: Charter, signature: Uint8Array | null): Map => ({
  v: 2,
  owner: c.owner,
  name: c.name,
  kind: c.kind,
  device: c.device,
  anchorer: c.anchorer,
  serial: c.serial,
  from: c.from,
  signature,
});

/** Charters with hash, signature, file and key, and files with one fault each. */
export async function charterVectors(): Promise<Json> {
  const good: Charter[] = [
    base,
    { ...base, kind: 1, anchorer: ZERO20 },
    { ...base, kind: 2, serial: 2 ** 32 - 1, from: 2n ** 48n },
    { ...base, name: name32('n'.repeat(32)), serial: 1, from: 12_345n },
    { ...base, name: name32('Zürich/温度'), serial: 1_790_000_001, from: 2n ** 32n },
  ];
  return {
    about: 'charters: EIP-712 hash and signature by the owner, file in the bucket and its key, specification#charter',
    domain: { ...DOMAIN },
    owner: OWNER.address,
    ownerPrivateKey: hex(OWNER.privateKey),
    good: await Promise.all(good.map(goodCase)),
    malformed: (await malformed()).map(([name, bytes]) => ({ name, bytes: hex(bytes) })),
  };
}

async function goodCase(charter: Charter): Promise<Json> {
  const signature = await signCharter(OWNER.privateKey, DOMAIN, charter);
  const types = { Charter: TYPES.Charter };
  const value = charterValue(charter);
  same('EIP-712 hash', hex(charterHash(DOMAIN, charter)), TypedDataEncoder.hash(typedDomain(DOMAIN), types, value));
  same('recovered owner', verifyTypedData(typedDomain(DOMAIN), types, value, hex(signature)), OWNER.address);
  const { chainId, verifyingContract } = DOMAIN;
  const dataset = datasetId(chainId, verifyingContract, OWNER.address, charter.name, charter.kind);
  return {
    charter: { owner: hex(charter.owner), ...value },
    dataset: hex(dataset),
    hash: hex(charterHash(DOMAIN, charter)),
    signature: hex(signature),
    file: hex(encode(fileOf(charter, signature))),
    fileWithoutSignature: hex(encode(fileOf(charter, null))),
    key: charterKey(dataset, charter.serial),
  };
}

async function malformed(): Promise<[string, Uint8Array][]> {
  const signature = await signCharter(OWNER.privateKey, DOMAIN, base);
  const file = fileOf(base, signature);
  const set = (key: string, value: Cbor) => encode({ ...file, [key]: value });
  const without = (key: string) => encode(Object.fromEntries(Object.entries(file).filter(([k]) => k !== key)));
  const padded = (start: Uint8Array) => concat(start, new Uint8Array(32 - start.length));
  const whole = encode(file);
  return [
    ...Object.keys(file).map((key): [string, Uint8Array] => [`${key} left out`, without(key)]),
    ['nothing', new Uint8Array()],
    ['null', encode(null)],
    ['an array', encode(Object.values(file))],
    ['a link', encode(new Link(concat(u8(1), u8(0x55), u8(0x12), u8(32), new Uint8Array(32))))],
    ['JSON', utf8('{"v":2}')],
    ['cut by the last byte', whole.slice(0, -1)],
    ['cut in half', whole.slice(0, whole.length / 2)],
    ['a byte after', concat(whole, u8(0))],
    ['twice', concat(whole, whole)],
    ['an unknown field', set('note', 'x')],
    ['a field twice', encode(new Pairs([sorted(file)[0]!, ...sorted(file)]))],
    ['fields unsorted', encode(new Pairs(sorted(file).reverse()))],
    ['fields sorted by bytes alone', encode(new Pairs([...sorted(file)].sort(([a], [b]) => (a < b ? -1 : 1))))],
    [
      'a map of indefinite length',
      concat(u8(0xbf), ...sorted(file).flatMap(([k, v]) => [encode(k), encode(v)]), u8(0xff)),
    ],
    ['under a tag', concat(Uint8Array.from([0xd9, 0xd9, 0xf7]), whole)],
    ['600 bytes', set('signature', new Uint8Array(400))],
    ['v 1', set('v', 1)],
    ['v 3', set('v', 3)],
    ['v as text', set('v', '2')],
    ['v as float', set('v', new Raw('fb4000000000000000'))],
    ['v in two bytes', set('v', new Raw('1802'))],
    ['owner of 19 bytes', set('owner', base.owner.slice(1))],
    ['owner of 32 bytes', set('owner', padded(base.owner))],
    ['owner as text', set('owner', OWNER.address)],
    ['owner zero', set('owner', ZERO20)],
    ['device zero', set('device', ZERO20)],
    ['device of 21 bytes', set('device', concat(base.device, u8(0)))],
    ['device null', set('device', null)],
    ['anchorer null', set('anchorer', null)],
    ['anchorer of no bytes', set('anchorer', new Uint8Array())],
    ['name of 31 bytes', set('name', base.name.slice(0, 31))],
    ['name of 33 bytes', set('name', concat(base.name, u8(0)))],
    ['name as text', set('name', 'weather')],
    ['name of zeros', set('name', new Uint8Array(32))],
    ['name that begins with NUL', set('name', padded(utf8('\0weather')))],
    ['name with NUL within', set('name', padded(utf8('wea\0ther')))],
    ['name that is right-aligned', set('name', concat(new Uint8Array(25), utf8('weather')))],
    ['name not UTF-8', set('name', padded(Uint8Array.from([0xc3, 0x28])))],
    ['name with an overlong form', set('name', padded(Uint8Array.from([0xc0, 0xaf])))],
    ['name with a surrogate', set('name', padded(Uint8Array.from([0xed, 0xa0, 0x80])))],
    ['name cut in a character', set('name', concat(utf8('n'.repeat(31)), u8(0xc3)))],
    ['kind 3', set('kind', 3)],
    ['kind -1', set('kind', -1)],
    ['kind as text', set('kind', '0')],
    ['kind true', set('kind', true)],
    ['kind as float', set('kind', new Raw('f90000'))],
    ['serial 0', set('serial', 0)],
    ['serial -1', set('serial', -1)],
    ['serial 2^32', set('serial', 2n ** 32n)],
    ['serial in nine bytes', set('serial', new Raw('1b000000006ab13b80'))],
    ['serial as float', set('serial', new Raw('fb41daac4ee0000000'))],
    ['serial as text', set('serial', '1790000000')],
    ['from -1', set('from', -1)],
    ['from 2^53', set('from', 2n ** 53n)],
    ['from 2^64 - 1', set('from', 2n ** 64n - 1n)],
    ['from as float', set('from', new Raw('fb3ff0000000000000'))],
    ['from null', set('from', null)],
    ['from undefined', set('from', new Raw('f7'))],
    ['signature of 64 bytes', set('signature', signature.slice(0, 64))],
    ['signature of 66 bytes', set('signature', concat(signature, u8(0)))],
    ['signature of no bytes', set('signature', new Uint8Array())],
    ['signature as text', set('signature', hex(signature))],
    ['signature false', set('signature', false)],
    ['signature undefined', set('signature', new Raw('f7'))],
    ['the first byte flipped', flipBit(whole, 0, 5)],
  ];
}
