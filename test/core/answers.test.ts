import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { concatBytes, u8 } from '../../core/bytes.ts';
import { ArgumentError } from '../../core/errors.ts';
import type { Answers, Fault, HashedBlock, ProvenChunk, Records } from '../../core/ports/css.ts';
import {
  decodeHashedBlocks,
  decodeProvenChunks,
  decodeRecords,
  encodeHashedBlocks,
  encodeProvenChunks,
  encodeRecords,
} from '../../core/wire/answers.ts';
import { BOTH } from './both-primitives.ts';
import { HonestStorage, sealLog, WRITER } from './honest-storage.ts';

// Plain objects, as decoders make them.
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });
const bytes = (least: number, most = least) => fc.uint8Array({ minLength: least, maxLength: most });
const index = fc.maxSafeNat();
const size = fc.integer({ min: 1, max: 2 ** 20 });
const kind = fc.constantFrom('unavailable', 'refused', 'unrecorded' as const);
const fault = record({ index, kind, reason: fc.string({ maxLength: 500 }) }) as fc.Arbitrary<Fault>;
const opening = record({ size, sha256: bytes(32), chunkRoot: bytes(32), metaHash: bytes(32) });
const hashed = record({ index, opening }) as unknown as fc.Arbitrary<HashedBlock>;
const path = fc.array(bytes(32), { maxLength: 10 });
const proven = record({
  ...{ index, size, sha256: bytes(32), metaHash: bytes(32), chunk: bytes(1, 1024), path },
}) as unknown as fc.Arbitrary<ProvenChunk>;
const answersOf = <T>(answer: fc.Arbitrary<T>): fc.Arbitrary<Answers<T>> =>
  record({
    answers: fc.array(fc.oneof(answer, fault), { maxLength: 6 }),
    remaining: fc.array(index, { maxLength: 5 }),
  });
const blockRecord = record({ sealed: bytes(32), commitment: bytes(32), contentCommitment: bytes(32) });
const batch = record({
  first: index,
  count: fc.integer({ min: 1, max: 1024 }),
  serial: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  salt: bytes(32),
  nonce: fc.option(bytes(16)),
  largestBlockBytes: fc.nat(2 ** 20),
  records: fc.array(record({ index, record: blockRecord }), { minLength: 1, maxLength: 4 }),
});
const records = record({
  ...{ batches: fc.array(batch, { maxLength: 4 }), proof: path, faults: fc.array(fault, { maxLength: 3 }) },
}) as unknown as fc.Arbitrary<Records>;

const CODECS = [
  { name: 'hash-blocks', any: answersOf(hashed), encode: encodeHashedBlocks, decode: decodeHashedBlocks },
  { name: 'prove-chunks', any: answersOf(proven), encode: encodeProvenChunks, decode: decodeProvenChunks },
  { name: 'get-records', any: records, encode: encodeRecords, decode: decodeRecords },
] as unknown as readonly {
  name: string;
  any: fc.Arbitrary<unknown>;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}[];

/** What a reader of hostile bytes may do: give a value that encodes again, or say ArgumentError. */
function readHostile(codec: (typeof CODECS)[number], hostile: Uint8Array): void {
  try {
    codec.encode(codec.decode(hostile));
  } catch (cause) {
    if (!(cause instanceof ArgumentError)) throw cause;
    assert.ok(cause.message.includes(codec.name) && cause.message.length < 1000);
  }
}

for (const codec of CODECS) {
  describe(`the answer of ${codec.name} on the wire`, () => {
    it('comes back as it was sent', () => {
      fc.assert(
        fc.property(codec.any, (value) => assert.deepEqual(codec.decode(codec.encode(value)), value)),
        { numRuns: 200, seed: 1 },
      );
    });

    it('a changed, cut or random one is a value or an ArgumentError, nothing else', () => {
      fc.assert(
        fc.property(codec.any, bytes(0, 60), fc.nat(), fc.nat(8), (value, noise, where, gone) => {
          const sent = codec.encode(value);
          const at = where % (sent.length + 1);
          readHostile(codec, noise);
          readHostile(codec, sent.subarray(0, at));
          readHostile(codec, concatBytes(sent.subarray(0, at), noise, sent.subarray(at + gone)));
          const flipped = Uint8Array.from(sent);
          flipped[where % sent.length]! ^= 1 << (gone % 8);
          readHostile(codec, flipped);
        }),
        { numRuns: 500, seed: 2 },
      );
    });

    it('any other dag-cbor value is an ArgumentError', () => {
      const any = fc.anything({
        maxDepth: 4,
        withBigInt: false,
        withDate: false,
        withMap: false,
        withSet: false,
        withTypedArray: false,
        withSparseArray: false,
        withObjectString: false,
        withNullPrototype: false,
        values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null), bytes(0, 40)],
      });
      fc.assert(
        fc.property(any, any, (a, b) => {
          for (const value of [a, [a], [a, b], [[a], []], [[a], [], []], [[[a, b]], []], [[], b, []]])
            readHostile(codec, dagCbor.encode(value));
        }),
        { numRuns: 200, seed: 3 },
      );
      for (const value of [null, 1, 'x', [], {}, [[]], [1, 2], [[], [], [], []], { answers: [], remaining: [] }]) {
        assert.throws(() => codec.decode(dagCbor.encode(value)), ArgumentError, JSON.stringify(value));
      }
    });

    it('nested arrays, endless lengths and a million elements end in an ArgumentError, soon', () => {
      const before = performance.now();
      for (const depth of [512, 20_000, 1_000_000]) {
        const bomb = new Uint8Array(depth + 1).fill(0x81);
        bomb[depth] = 0x80;
        assert.throws(() => codec.decode(bomb), ArgumentError);
        assert.throws(() => codec.decode(concatBytes(u8(0x82), bomb, u8(0x80))), ArgumentError);
      }
      for (const head of [0x5b, 0x7b, 0x9b, 0xbb]) {
        for (const length of ['00000000ffffffff', '7fffffffffffffff', 'ffffffffffffffff']) {
          assert.throws(() => codec.decode(concatBytes(u8(head), Buffer.from(length, 'hex'))), ArgumentError);
        }
      }
      const flat = new Uint8Array(1_000_006);
      flat.set([0x82, 0x9a, 0x00, 0x0f, 0x42, 0x40]);
      assert.throws(() => codec.decode(concatBytes(flat, u8(0x80))), ArgumentError);
      assert.ok(performance.now() - before < 10_000);
    });
  });
}

describe('bounds of answers', () => {
  const hash = new Uint8Array(32);
  const line = [0, 1, hash, hash, hash];

  it('more than 512 lines, a size above 1 MiB, another hash length, a fraction or an unknown fault are refused', () => {
    const bad: unknown[] = [
      [Array.from({ length: 513 }, () => line), []],
      [[], Array.from({ length: 513 }, (_, i) => i)],
      ...[
        [0, 0, hash, hash, hash],
        [0, 2 ** 20 + 1, hash, hash, hash],
        [0, 1, hash, hash, hash.subarray(1)],
        [-1, 1, hash, hash, hash],
      ].map((each) => [[each], []]),
      ...[
        [0.5, 1, hash, hash, hash],
        [0, 1, hash, hash],
        [...line, 0],
        [0, 'lost', 'x'],
        [0, 'refused', 'x'.repeat(501)],
        [0, 'refused'],
      ].map((each) => [[each], []]),
      [[line], [-1]],
      [[line], [2 ** 53]],
    ];
    for (const value of bad)
      assert.throws(() => decodeHashedBlocks(dagCbor.encode(typeof value === 'object' ? value : null)), ArgumentError);
    assert.equal(decodeHashedBlocks(dagCbor.encode([Array.from({ length: 512 }, () => line), []])).answers.length, 512);
  });

  it('a chunk above 1,024 bytes, an empty one, a path of eleven steps or of half a step are refused', () => {
    const proof = (chunk: number, pathBytes: number): Uint8Array =>
      dagCbor.encode([[[0, 1, hash, hash, new Uint8Array(chunk), new Uint8Array(pathBytes)]], []]);
    assert.equal(decodeProvenChunks(proof(1024, 320)).answers.length, 1);
    for (const [chunk, pathBytes] of [
      [1025, 0],
      [0, 0],
      [1, 352],
      [1, 33],
      [1, 16],
    ] as const) {
      assert.throws(() => decodeProvenChunks(proof(chunk, pathBytes)), ArgumentError, `${chunk}, ${pathBytes}`);
    }
  });

  it('a batch of no or too many blocks, without records, or with a short nonce is refused', () => {
    const record96 = new Uint8Array(96);
    const good = [5, 1, 7, hash, null, 1, [[0, record96]]];
    const answer = (at: number, value: unknown): Uint8Array =>
      dagCbor.encode([[good.with(at, value as never)], new Uint8Array(0), []]);
    assert.equal(decodeRecords(answer(0, 5)).batches[0]?.first, 5);
    const bad: [number, unknown][] = [
      [0, -1],
      [0, 2 ** 53],
      [1, 0],
      [1, 1025],
      [2, -1],
      [2, 2 ** 32],
      [3, hash.subarray(1)],
      [3, null],
      [4, new Uint8Array(15)],
      [5, -1],
      [5, 2 ** 20 + 1],
      [6, []],
      [6, [[0, hash]]],
      [6, [[0, record96, record96]]],
      [6, 'x'],
    ];
    for (const [at, value] of bad) assert.throws(() => decodeRecords(answer(at, value)), ArgumentError, `field ${at}`);
  });

  it('a longer reason is cut when written', () => {
    const sent = encodeHashedBlocks({
      answers: [{ index: 1, kind: 'refused', reason: 'y'.repeat(2000) }],
      remaining: [],
    });
    assert.equal((decodeHashedBlocks(sent).answers[0] as Fault).reason.length, 500);
  });
});

for (const { name, primitives } of BOTH) {
  it(`what a storage on ${name} answers survives the wire`, async () => {
    const storage = new HonestStorage(
      primitives,
      sealLog(primitives, [
        [40, 2500],
        [1, 1, 1],
      ]),
    );
    const blocks = [0, 1, 2, 4, 9];
    const found = await storage.getRecords(WRITER.dataset, blocks, 5);
    assert.deepEqual(decodeRecords(encodeRecords(found)), found);
    const hashes = await storage.hashBlocks(WRITER.dataset, blocks);
    assert.deepEqual(decodeHashedBlocks(encodeHashedBlocks(hashes)), hashes);
    const chunks = await storage.proveChunks(
      WRITER.dataset,
      blocks.map((each) => ({ index: each, random: 2 ** 32 - 1 })),
    );
    assert.deepEqual(decodeProvenChunks(encodeProvenChunks(chunks)), chunks);
  });
}
