import { same } from '../reference/accounts.ts';
import { concat, hex, type Json, sha256, u8, utf8 } from '../reference/bytes.ts';
import { car, cidOf, cidText, DAG_CBOR, dataOffsets, RAW, type Section, varint } from '../reference/car.ts';
import { type Cbor, encode, Link } from '../reference/dag-cbor.ts';

/** The length and SHA-256 of carv1-basic.car as published; the bytes are built here from what it contains. */
const CAR_V1_BASIC = { sizeBytes: 715, sha256: '0x543ff9c45bbcb5c439e8f8683115cf97fc5de6bb14175a749055304427c33c2e' };

export function carVectors(): Json {
  const raw = (text: string): Section => section(RAW, utf8(text));
  const [a, b, c] = [raw('aaaa'), raw('bbbb'), raw('cccc')];
  const pb1 = pbNode([{ name: 'cat', to: a, size: 4 }]);
  const pb2 = pbNode([
    { name: 'dog', to: b, size: 4 },
    { name: 'first', to: pb1, size: pb1.data.length + 4 },
  ]);
  const pb2Size = pb2.data.length + 4 + pb1.data.length + 4;
  const pb3 = pbNode([
    { name: 'bear', to: c, size: 4 },
    { name: 'second', to: pb2, size: pb2Size },
  ]);
  const blip = section(DAG_CBOR, encode({ name: 'blip', link: new Link(pb3.cid) }));
  const limbo = section(DAG_CBOR, encode({ name: 'limbo', link: null }));
  const roots = [blip.cid, limbo.cid];
  const sections = [blip, pb3, c, pb2, b, pb1, a, limbo];
  const bytes = car(roots, sections);
  same('length of carv1-basic.car', `${bytes.length}`, `${CAR_V1_BASIC.sizeBytes}`);
  same('SHA-256 of carv1-basic.car', hex(sha256(bytes)), CAR_V1_BASIC.sha256);
  same(
    'first root of carv1-basic.car',
    cidText(blip.cid),
    'bafyreihyrpefhacm6kkp4ql6j6udakdit7g3dmkzfriqfykhjw6cad5lrm',
  );
  same(
    'second root of carv1-basic.car',
    cidText(limbo.cid),
    'bafyreidj5idub6mapiupjwjsyyxhyhedxycv4vihfsicm2vt46o7morwlm',
  );
  const offsets = dataOffsets(roots, sections);
  return {
    source: 'ipld/ipld, specs/transport/car/fixture/carv1-basic (carv1-basic.car)',
    note: 'cid in bytes; pb blocks carry CIDv0; offset and size are those of the data of each section',
    car: hex(bytes),
    sha256: hex(sha256(bytes)),
    roots: roots.map(hex),
    rootNames: roots.map(cidText),
    sections: sections.map(({ cid, data }, i) => ({
      cid: hex(cid),
      offset: offsets[i]!,
      size: data.length,
      data: hex(data),
    })),
  };
}

export function cidVectors(): Json {
  const cases: [name: string, codec: number, data: Uint8Array, cid: string][] = [
    ['raw, hello world', RAW, utf8('hello world'), 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'],
    ['raw, empty', RAW, utf8(''), 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
    ['raw, aaaa', RAW, utf8('aaaa'), 'bafkreidbxzk2ryxwwtqxem4l3xyyjvw35yu4tcct4cqeqxwo47zhxgxqwq'],
    ['dag-cbor, {}', DAG_CBOR, encode({}), 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua'],
    [
      'dag-cbor, {link: null, name: "limbo"}',
      DAG_CBOR,
      encode({ name: 'limbo', link: null }),
      'bafyreidj5idub6mapiupjwjsyyxhyhedxycv4vihfsicm2vt46o7morwlm',
    ],
    ['dag-pb over abc', 0x70, utf8('abc'), 'bafybeif2pall7dybz7vecqka3zo24irdwabwdi4wc55jznaq75q7eaavvu'],
  ];
  return {
    source: 'CIDs as IPFS, go-ipld-prime, the carv1-basic fixture and js-multiformats (test-cid) print them',
    cases: cases.map(([name, codec, data, cid]) => {
      same(`CID of ${name}`, cidText(cidOf(codec, data)), cid);
      return { name, codec, data: hex(data), cid, bytes: hex(cidOf(codec, data)) };
    }),
  };
}

export function dagCborVectors(): Json {
  const cases: [value: Cbor, bytes: string][] = [
    [0, '00'],
    [1, '01'],
    [10, '0a'],
    [23, '17'],
    [24, '1818'],
    [25, '1819'],
    [100, '1864'],
    [1000, '1903e8'],
    [1_000_000, '1a000f4240'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [-1, '20'],
    [-10, '29'],
    [-100, '3863'],
    [-1000, '3903e7'],
    [false, 'f4'],
    [true, 'f5'],
    [null, 'f6'],
    ['', '60'],
    ['a', '6161'],
    ['IETF', '6449455446'],
    ['"\\', '62225c'],
    ['ü', '62c3bc'],
    ['水', '63e6b0b4'],
    ['\ud800\udd51', '64f0908591'],
    [[], '80'],
    [[1, 2, 3], '83010203'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
    [Array.from({ length: 25 }, (_, i) => i + 1), '98190102030405060708090a0b0c0d0e0f101112131415161718181819'],
    [{}, 'a0'],
    [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
    [['a', { b: 'c' }], '826161a161626163'],
    [{ a: 'A', b: 'B', c: 'C', d: 'D', e: 'E' }, 'a56161614161626142616361436164614461656145'],
  ];
  return {
    source: 'RFC 8949, appendix A: the examples that dag-cbor allows and JSON can hold',
    cases: cases.map(([value, bytes]) => {
      same(`CBOR of ${JSON.stringify(value)}`, hex(encode(value)), `0x${bytes}`);
      return { value: value as Json, bytes: `0x${bytes}` };
    }),
  };
}

const section = (codec: number, data: Uint8Array): Section => ({ cid: cidOf(codec, data), data });

/** A dag-pb node of links alone: field 2 each, holding Hash (1), Name (2), Tsize (3); its CID is a version 0. */
function pbNode(links: { name: string; to: Section; size: number }[]): Section {
  const field = (tag: number, bytes: Uint8Array) => concat(u8(tag), varint(bytes.length), bytes);
  const data = concat(
    ...links.map(({ name, to, size }) =>
      field(0x12, concat(field(0x0a, to.cid), field(0x12, utf8(name)), u8(0x18), varint(size))),
    ),
  );
  return { cid: concat(u8(0x12), u8(0x20), sha256(data)), data };
}
