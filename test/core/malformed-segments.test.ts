import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { decodeManifest, encodeManifest, rawCid, sha256Cid } from '../../core/batch/manifest.ts';
import { EMPTY_LOG, sealBatch } from '../../core/batch/seal-batch.ts';
import {
  buildSegment,
  frontBytesOf,
  parseSegmentKey,
  readSegment,
  readSegmentFront,
  segmentKey,
} from '../../core/batch/segment.ts';
import { decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { concatBytes, u8, utf8 } from '../../core/bytes.ts';
import { ArgumentError, PlumblineError, SegmentError } from '../../core/errors.ts';
import { address, type DatasetKey, datasetId, type PrivateKey, type Sha256 } from '../../core/ids.ts';
import * as limits from '../../core/limits.ts';
import {
  MAX_BATCH_BLOCKS,
  MAX_BLOCK_BYTES,
  MAX_CONTENT_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_SEGMENT_BYTES,
} from '../../core/limits.ts';
import { BOTH } from './both-primitives.ts';

const domain = { chainId: 31337, dissc: address(`0x${'d1'.repeat(20)}`) };
const writer = {
  ...{ dataset: datasetId(`0x${'ab'.repeat(32)}`), datasetKey: new Uint8Array(32).fill(7) as DatasetKey },
  ...{ deviceKey: new Uint8Array(32).fill(9) as PrivateKey, domain, plain: false, published: false },
};
const NONCE = new Uint8Array(16).fill(3);
const captured = [1, 40, 1100].map((size, at) => ({
  content: new Uint8Array(size).fill(size),
  meta: { at, name: `f${at}` },
}));

/** A segment around any manifest bytes: header, manifest and blocks all carry the right CIDs. */
function wrap(
  sha256: (data: Uint8Array) => Uint8Array,
  manifest: Uint8Array,
  blocks: readonly Uint8Array[],
): Uint8Array {
  const root = sha256Cid(0x71, sha256(manifest)).bytes;
  const header = concatBytes(
    Uint8Array.of(0x3a, 0xa2, 0x65),
    utf8('roots'),
    Uint8Array.of(0x81, 0xd8, 0x2a, 0x58, 0x25, 0),
    root,
    u8(0x67),
    utf8('version'),
    u8(1),
  );
  const frame = (cid: Uint8Array, data: Uint8Array): Uint8Array => concatBytes(varint(36 + data.length), cid, data);
  return concatBytes(
    header,
    frame(root, manifest),
    ...blocks.map((block) => frame(rawCid(sha256(block) as Sha256).bytes, block)),
  );
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}

function nestedArrays(depth: number): Uint8Array {
  const bytes = new Uint8Array(depth + 1).fill(0x81);
  bytes[depth] = 0x80;
  return bytes;
}

function nestedMaps(depth: number): Uint8Array {
  const bytes = new Uint8Array(2 * depth + 1);
  for (let i = 0; i < depth; i++) bytes.set([0xa1, 0x60], 2 * i);
  bytes[2 * depth] = 0xa0;
  return bytes;
}

for (const { name, primitives, slow } of BOTH) {
  const sha256 = (data: Uint8Array): Uint8Array => primitives.sha256(data);
  const good = sealBatch(primitives, writer, EMPTY_LOG, captured, NONCE);
  const { car } = good.segment;
  const blocks = readSegment(primitives, car).blocks;
  const value = dagCbor.decode(encodeManifest(good.manifest)) as Record<string, unknown>;
  const refused = (bytes: Uint8Array, what: string): SegmentError => {
    try {
      readSegment(primitives, bytes);
    } catch (cause) {
      if (!(cause instanceof SegmentError)) throw new Error(`${what}: not a SegmentError`, { cause });
      assert.ok(cause.where.length > 0 && cause.shortMessage.length > cause.where.length, what);
      return cause;
    }
    return assert.fail(`${what}: accepted`);
  };
  const withManifest = (changed: unknown, what: string): SegmentError =>
    refused(wrap(sha256, dagCbor.encode(changed), blocks), what);
  const runs = { numRuns: slow ? 40 : 400, seed: 59 };

  describe(`hostile segments on ${name}`, () => {
    it('the wrapping of this test is the real one', () => {
      assert.deepEqual(wrap(sha256, dagCbor.encode(value), blocks), car);
    });

    it('every bit flipped is noticed', () => {
      for (let at = 0; at < car.length; at += slow ? 13 : 1) {
        const bit = slow ? at % 8 : (at * 5) % 8;
        const changed = Uint8Array.from(car);
        changed[at]! ^= 1 << bit;
        refused(changed, `bit ${bit} of byte ${at}`);
      }
    });

    it('every truncation is noticed, also by the reader of the front', () => {
      const { frontBytes } = readSegmentFront(primitives, car);
      for (let length = 0; length < car.length; length += slow ? 11 : 1) {
        refused(car.subarray(0, length), `cut to ${length}`);
        if (length < frontBytes)
          assert.throws(() => readSegmentFront(primitives, car.subarray(0, length)), SegmentError);
        if (length < 61) assert.throws(() => frontBytesOf(car.subarray(0, length)), SegmentError);
      }
    });

    it('bytes inserted, removed or overwritten anywhere are noticed', () => {
      fc.assert(
        fc.property(
          fc.nat(car.length),
          fc.uint8Array({ minLength: 1, maxLength: 50 }),
          fc.nat(30),
          (at, piece, gone) => {
            const changed = concatBytes(car.subarray(0, at), piece, car.subarray(at + gone));
            if (Buffer.compare(changed, car) !== 0) refused(changed, `${piece.length} bytes at ${at} for ${gone}`);
          },
        ),
        runs,
      );
    });

    it('random bytes behind a right header never crash a reader', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
          refused(concatBytes(car.subarray(0, 59), noise), 'noise');
          refused(noise, 'noise alone');
        }),
        runs,
      );
    });

    it('a manifest of random dag-cbor never crashes a reader', () => {
      const leaf = fc.oneof(
        fc.uint8Array({ maxLength: 70 }),
        fc.integer(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
      );
      const any = fc.letrec((tie) => ({
        node: fc.oneof(
          { maxDepth: 4 },
          leaf,
          fc.array(tie('node'), { maxLength: 4 }),
          fc.dictionary(fc.string({ maxLength: 12 }), tie('node'), { maxKeys: 4 }),
        ),
      })).node;
      fc.assert(
        fc.property(any, fc.constantFrom(...Object.keys(value)), (noise, field) => {
          refused(wrap(sha256, dagCbor.encode(noise), blocks), 'a manifest of noise');
          if (Buffer.compare(dagCbor.encode(noise), dagCbor.encode(value[field])) === 0) return;
          try {
            readSegment(primitives, wrap(sha256, dagCbor.encode({ ...value, [field]: noise }), blocks));
          } catch (cause) {
            assert.ok(cause instanceof SegmentError, String(cause));
          }
        }),
        runs,
      );
    });

    it('a map dressed up as a link is refused, not taken for one', () => {
      const [line] = value.blocks as Record<string, unknown>[];
      const digests = [null, 's', 1, new Uint8Array(32), [], {}];
      for (const digest of digests) {
        for (const link of ['s', 1, true, [], new Uint8Array(36)]) {
          const multihash = { code: 0x12, size: 32, digest, bytes: digest };
          const dressed = { '/': link, bytes: link, version: 1, code: 0x55, multihash };
          for (const cid of [dressed, { ...dressed, multihash: null }, { ...dressed, multihash: 's' }]) {
            const lines = [{ ...line, cid }, ...(value.blocks as unknown[]).slice(1)];
            // Encoded by hand, as the encoder itself takes such a map for a link.
            const bytes = encodeAnything({ ...value, blocks: lines });
            const error = refused(wrap(sha256, bytes, blocks), 'a dressed link');
            assert.match(error.where, /^manifest/);
          }
          refused(wrap(sha256, encodeAnything(dressed), blocks), 'a manifest dressed as a link');
          refused(wrap(sha256, encodeAnything({ ...value, head: dressed }), blocks), 'a head dressed as a link');
        }
      }
    });

    it('a map with a prototype in it is refused', () => {
      const entries = Object.entries(value).filter(([field]) => field !== 'salt');
      const bytes = encodeEntries([...entries, ['__proto__', { salt: value.salt }]]);
      refused(wrap(sha256, bytes, blocks), 'salt by prototype');
      refused(wrap(sha256, encodeEntries([...Object.entries(value), ['__proto__', {}]]), blocks), 'an empty prototype');
    });

    it('twenty thousand nested arrays or maps in a manifest end in a typed error, soon', () => {
      const before = performance.now();
      for (const depth of [1000, 5000, 20_000, 400_000]) {
        for (const bomb of [nestedArrays(depth), nestedMaps(depth)]) {
          const error = refused(wrap(sha256, bomb, []), `${depth} levels`);
          assert.equal(error.where, 'manifest');
          assert.throws(() => decodeManifest(bomb), SegmentError);
          const inside = concatBytes(encodeEntries(Object.entries(value), 11), dagCbor.encode('x'), bomb);
          refused(wrap(sha256, inside, blocks), `${depth} levels in a field`);
        }
      }
      assert.ok(performance.now() - before < 10_000);
    });

    it('lengths announced beyond all bounds end in a typed error, soon', () => {
      const before = performance.now();
      for (const head of [0x5b, 0x7b, 0x9b, 0xbb]) {
        for (const length of ['00000000ffffffff', '7fffffffffffffff', 'ffffffffffffffff', '0000000000100000']) {
          const bytes = concatBytes(u8(head), new Uint8Array(Buffer.from(length, 'hex')), new Uint8Array(1000));
          refused(wrap(sha256, bytes, []), `${head} ${length}`);
        }
      }
      const flat = new Uint8Array(MAX_MANIFEST_BYTES);
      flat.set([0x9a, 0x00, 0x0f, 0xff, 0xfb]);
      refused(wrap(sha256, flat, []), 'a million zeros');
      assert.ok(performance.now() - before < 10_000);
    });

    it('sizes, counts and heads outside the design are refused by name', () => {
      const lines = value.blocks as Record<string, unknown>[];
      const line = lines[0] as Record<string, unknown>;
      const head = value.head as Record<string, unknown>;
      const cases: [unknown, string][] = [
        [{ ...value, v: 2 }, 'manifest.v'],
        [{ ...value, blocks: [] }, 'manifest.blocks'],
        [{ ...value, blocks: {} }, 'manifest.blocks'],
        [{ ...value, blocks: [1] }, 'manifest.blocks[0]'],
        [{ ...value, blocks: [{ ...line, size: 0 }] }, 'manifest.blocks[0].size'],
        [{ ...value, blocks: [{ ...line, size: MAX_BLOCK_BYTES + 1 }] }, 'manifest.blocks[0].size'],
        [{ ...value, blocks: [line, { ...line, size: 16 }, line] }, 'manifest.blocks[1].size'],
        [{ ...value, blocks: [{ ...line, meta: new Uint8Array(513) }] }, 'manifest.blocks[0].meta'],
        [{ ...value, blocks: [{ ...line, meta: nestedArrays(500) }] }, 'manifest.blocks[0].meta'],
        [{ ...value, blocks: [{ ...line, cid: sha256Cid(0x71, new Uint8Array(32)) }] }, 'manifest.blocks[0].cid'],
        [{ ...value, blocks: [{ ...line, cid: sha256Cid(0x55, new Uint8Array(31)) }] }, 'manifest.blocks[0].cid'],
        [{ ...value, first: -1 }, 'manifest.first'],
        [{ ...value, first: 2n ** 53n }, 'manifest.first'],
        [{ ...value, first: 1 }, 'manifest.head.size'],
        [{ ...value, head: { ...head, size: 4 } }, 'manifest.head.size'],
        [{ ...value, head: { ...head, batches: 0 } }, 'manifest.head.batches'],
        [{ ...value, head: { ...head, batches: 2 } }, 'manifest.head.batches'],
        [{ ...value, head: { ...head, batches: 2 ** 32 } }, 'manifest.head.batches'],
        [{ ...value, head: { ...head, root: new Uint8Array(31) } }, 'manifest.head.root'],
        [{ ...value, nonce: null }, 'manifest.nonce'],
        [{ ...value, contentCommitment: new Uint8Array(32) }, 'manifest.nonce'],
        [{ ...value, published: 1 }, 'manifest.published'],
        [{ ...value, signature: new Uint8Array(64) }, 'manifest.signature'],
        [{ ...value, dataset: 'x' }, 'manifest.dataset'],
        [{ ...value, more: 1 }, 'manifest'],
        [[value], 'manifest'],
        [null, 'manifest'],
      ];
      for (const [changed, where] of cases) assert.equal(withManifest(changed, where).where, where);
      const many = Array.from({ length: MAX_BATCH_BLOCKS + 1 }, () => line);
      assert.equal(withManifest({ ...value, blocks: many }, 'too many').where, 'manifest.blocks');
      const large = Array.from({ length: 33 }, () => ({ ...line, size: MAX_BLOCK_BYTES }));
      assert.equal(withManifest({ ...value, blocks: large }, 'too large').where, 'manifest.blocks');
    });

    it('a plain block above 1 MiB - 16 is refused, and one byte less is not', () => {
      const line = (value.blocks as Record<string, unknown>[])[0] as Record<string, unknown>;
      const plain = {
        ...value,
        nonce: null,
        contentCommitment: new Uint8Array(32),
        head: { ...(value.head as object), size: 1 },
      };
      const withSize = (size: number): Uint8Array => dagCbor.encode({ ...plain, blocks: [{ ...line, size }] });
      assert.equal(decodeManifest(withSize(MAX_CONTENT_BYTES)).blocks[0]?.size, MAX_CONTENT_BYTES);
      for (const size of [MAX_CONTENT_BYTES + 1, MAX_BLOCK_BYTES]) {
        assert.throws(() => decodeManifest(withSize(size)), { name: 'SegmentError', where: 'manifest.blocks[0].size' });
      }
      const encrypted = {
        ...value,
        head: { ...(value.head as object), size: 1 },
        blocks: [{ ...line, size: MAX_BLOCK_BYTES }],
      };
      assert.equal(decodeManifest(dagCbor.encode(encrypted)).blocks[0]?.size, MAX_BLOCK_BYTES);
    });

    it('a manifest or a segment above the largest size is refused before it is read', () => {
      assert.equal(refused(new Uint8Array(MAX_SEGMENT_BYTES + 1), 'huge').where, 'segment');
      assert.throws(() => decodeManifest(new Uint8Array(MAX_MANIFEST_BYTES + 1)), { where: 'manifest' });
    });

    it('a writer cannot write what a reader refuses', () => {
      assert.throws(() => sealBatch(primitives, writer, EMPTY_LOG, [], NONCE), ArgumentError);
      const one = { content: new Uint8Array(1), meta: { at: 0 } };
      const bad = [
        [{ ...one, content: new Uint8Array(0) }],
        [{ ...one, content: new Uint8Array(MAX_CONTENT_BYTES + 1) }],
        [{ ...one, meta: { at: -1 } }],
        [{ ...one, meta: { at: 0, name: 'x'.repeat(600) } }],
        Array.from({ length: MAX_BATCH_BLOCKS + 1 }, () => one),
      ];
      for (const list of bad)
        assert.throws(() => sealBatch(primitives, writer, EMPTY_LOG, list, NONCE), PlumblineError);
      assert.throws(() => sealBatch(primitives, writer, EMPTY_LOG, [one], new Uint8Array(15)), ArgumentError);
      const [first] = good.manifest.blocks;
      assert.ok(first);
      assert.throws(() => encodeManifest({ ...good.manifest, blocks: [first] }), SegmentError);
      assert.throws(() => buildSegment(primitives, good.manifest, [...blocks].reverse()), SegmentError);
      assert.throws(() => buildSegment(primitives, good.manifest, blocks.slice(1)), SegmentError);
    });
  });
}

describe('hostile metas', () => {
  it('nested arrays and maps to the brim end in a typed error', () => {
    for (const bomb of [nestedArrays(511), nestedMaps(255)]) {
      assert.throws(() => decodeMeta(bomb), ArgumentError);
      assert.throws(
        () => decodeMeta(concatBytes(Uint8Array.of(0xa1, 0x62), utf8('at'), bomb.subarray(8))),
        ArgumentError,
      );
    }
    assert.throws(() => decodeMeta(nestedArrays(20_000)), ArgumentError);
  });

  it('random bytes and mutations decode to what encodes to the same bytes, or end in a typed error', () => {
    const meta = encodeMeta({ at: 1790000000123, clock: 1, name: 'a/b.csv', type: 'text/csv', part: 1, parts: 3 });
    const decoded = (bytes: Uint8Array): void => {
      try {
        assert.deepEqual(encodeMeta(decodeMeta(bytes)), bytes);
      } catch (cause) {
        if (!(cause instanceof ArgumentError)) throw cause;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(meta.length), fc.nat(3), (noise, at, gone) => {
        decoded(noise);
        decoded(concatBytes(meta.subarray(0, at), noise.subarray(0, 3), meta.subarray(at + gone)));
      }),
      { numRuns: 2000, seed: 3 },
    );
  });

  it('values out of bounds are not encoded', () => {
    const bad: unknown[] = [
      null,
      [],
      'x',
      {},
      { at: 1.5 },
      { at: -0 },
      { at: 2 ** 53 },
      { at: 0, clock: 0 },
      { at: 0, name: '' },
      { at: 0, name: '\ud800' },
      { at: 0, type: 7 },
      { at: 0, part: 0 },
      { at: 0, parts: 1 },
      { at: 0, part: 0, parts: 1 },
      { at: 0, name: 'x', part: 1, parts: 1 },
      { at: 0, other: 1 },
      new Uint8Array(3),
    ];
    for (const meta of bad) assert.throws(() => encodeMeta(meta as never), ArgumentError, JSON.stringify(meta));
  });
});

it('the limits are those of the design', () => {
  assert.deepEqual(
    [
      limits.CHUNK_BYTES,
      limits.MAX_BLOCK_BYTES,
      limits.MAX_CONTENT_BYTES,
      limits.MAX_BATCH_BLOCKS,
      limits.MAX_META_BYTES,
    ],
    [1024, 1_048_576, 1_048_560, 1024, 512],
  );
  assert.deepEqual(
    [limits.MAX_BATCH_BYTES, limits.MAX_MANIFEST_BYTES, limits.MAX_RECORD_BLOCKS, limits.MAX_REQUEST_STORED_BYTES],
    [33_554_432, 1_048_576, 512, 67_108_864],
  );
});

describe('segment keys', () => {
  const key = segmentKey(writer.dataset, 12, new Uint8Array(32).fill(0xcd));

  it('are as the design writes them', () => {
    assert.equal(key, `${'ab'.repeat(32)}/0000000000000012/${'cd'.repeat(32)}.car`);
    assert.deepEqual(parseSegmentKey(key), { dataset: writer.dataset, first: 12, sha256Hex: 'cd'.repeat(32) });
  });

  it('are not read from anything else', () => {
    const others = [
      ...[
        '',
        '/',
        key.toUpperCase(),
        key.slice(1),
        `${key}x`,
        `/${key}`,
        `../${key}`,
        `x${key}`,
        key.replace('.car', '.cax'),
      ],
      ...[
        key.replace('0012', '012'),
        key.replace('0012', '00012'),
        key.replace('0012', '-012'),
        `${key}\n`,
        `\n${key}`,
      ],
      ...[key.replace('0000000000000012', '9999999999999999')],
    ];
    for (const other of others) assert.equal(parseSegmentKey(other), null, JSON.stringify(other));
  });
});

/** dag-cbor of plain values in canonical key order, where a map with a slash in it stays a map. */
function encodeAnything(value: unknown): Uint8Array {
  if (Array.isArray(value)) return concatBytes(cborHead(4, value.length), ...value.map(encodeAnything));
  const isMap =
    value !== null &&
    typeof value === 'object' &&
    !(value instanceof Uint8Array) &&
    Object.getPrototypeOf(value) === Object.prototype;
  return isMap ? encodeEntries(Object.entries(value)) : dagCbor.encode(value);
}

function encodeEntries(entries: [string, unknown][], announced = entries.length): Uint8Array {
  const sorted = entries.toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  return concatBytes(
    cborHead(5, announced),
    ...sorted.flatMap(([key, each]) => [dagCbor.encode(key), encodeAnything(each)]),
  );
}

function cborHead(major: number, count: number): Uint8Array {
  if (count < 24) return Uint8Array.of((major << 5) + count);
  return count < 256
    ? Uint8Array.of((major << 5) + 24, count)
    : Uint8Array.of((major << 5) + 25, count >> 8, count & 255);
}
