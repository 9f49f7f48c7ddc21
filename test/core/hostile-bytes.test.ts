import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { decodeManifest, encodeManifest } from '../../core/batch/manifest.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { decodeMeta, encodeMeta } from '../../core/block/meta.ts';
import { decodeCharter, encodeCharter } from '../../core/charter/charter-file.ts';
import { encodeDatasetName } from '../../core/charter/dataset-name.ts';
import { ArgumentError, SegmentError } from '../../core/errors.ts';
import { address } from '../../core/ids.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { withBitFlipped } from './draw.ts';
import { captured, writerOf } from './writers.ts';

const RANDOM = new Uint8Array(16).fill(3);
const runs = { numRuns: 400, seed: 21 };

/** Any value of dag-cbor, a few levels deep. */
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.uint8Array({ maxLength: 100 }),
    fc.integer(),
    fc.maxSafeNat(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 10 }), tie('node'), { maxKeys: 4 }),
  ),
})).node;

const charter = encodeCharter({
  owner: address(`0x${'01'.repeat(20)}`),
  name: encodeDatasetName('x'),
  kind: 0,
  device: address(`0x${'02'.repeat(20)}`),
  anchorer: address(`0x${'03'.repeat(20)}`),
  serial: 7,
  from: 0,
  signature: new Uint8Array(65).fill(9),
});
const meta = encodeMeta({ at: 1_790_000_000_000, clock: 1, name: 'a', part: 0, parts: 2 });
const [plain, attached] = ([1, 2] as const).map((kind) =>
  sealBatch(primitives, writerOf(kind), EMPTY_PEAKS, captured(kind, [5, 6]), RANDOM),
) as [ReturnType<typeof sealBatch>, ReturnType<typeof sealBatch>];

const readers: readonly (readonly [
  string,
  Uint8Array,
  (bytes: Uint8Array) => unknown,
  (bytes: unknown) => Uint8Array,
  new (...args: never[]) => Error,
])[] = [
  ['a charter', charter, decodeCharter, (read) => encodeCharter(read as never), ArgumentError],
  ['a meta', meta, decodeMeta, (read) => encodeMeta(read as never), ArgumentError],
  ...[plain, attached].map(
    ({ manifest }, i) =>
      [
        `the manifest of ${['a plain', 'an attached'][i]} batch`,
        encodeManifest(primitives, manifest),
        (bytes: Uint8Array) => decodeManifest(primitives, bytes),
        (read: unknown) => encodeManifest(primitives, read as never),
        SegmentError,
      ] as const,
  ),
];

for (const [what, good, decode, encode, refusal] of readers) {
  describe(`hostile bytes for ${what}`, () => {
    /** What is read at all is read in one spelling only. */
    const readOrRefuse = (bytes: Uint8Array): void => {
      let read: unknown;
      try {
        read = decode(bytes);
      } catch (cause) {
        if (!(cause instanceof refusal)) throw cause;
        return;
      }
      assert.equal(Buffer.compare(encode(read), bytes), 0);
    };

    it('a bit flipped anywhere is refused, or read as what it says', () => {
      for (let bit = 0; bit < 8 * good.length; bit += 3) readOrRefuse(withBitFlipped(good, bit));
    });

    it('every cut is refused', () => {
      for (let length = 0; length < good.length; length++) {
        assert.throws(() => decode(good.subarray(0, length)), refusal, `cut to ${length}`);
      }
    });

    it('noise, any value, and any value in any field never crash a reader', () => {
      const fields = Object.keys(dagCbor.decode(good) as object);
      fc.assert(
        fc.property(value, fc.constantFrom(...fields), fc.uint8Array({ maxLength: 300 }), (noise, field, bytes) => {
          readOrRefuse(dagCbor.encode(noise));
          readOrRefuse(dagCbor.encode({ ...(dagCbor.decode(good) as object), [field]: noise }));
          readOrRefuse(dagCbor.encode({ ...(dagCbor.decode(good) as object), another: noise }));
          assert.throws(() => decode(bytes), refusal);
        }),
        runs,
      );
    });

    it('nesting without end is refused', () => {
      for (const depth of [200, 100_000]) {
        assert.throws(() => decode(new Uint8Array(depth).fill(0x81)), refusal);
        assert.throws(() => decode(new Uint8Array(depth).fill(0xc6)), refusal);
      }
    });
  });
}

describe('hostile bytes behind the header of a segment', () => {
  it('never crash a reader', () => {
    const { car } = plain.segment;
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(car.length), (noise, at) => {
        assert.throws(() => readSegment(primitives, Uint8Array.of(...car.subarray(0, 59), ...noise)), SegmentError);
        assert.throws(() => readSegment(primitives, noise), SegmentError);
        const spliced = Uint8Array.of(...car.subarray(0, at), ...noise, ...car.subarray(at + noise.length));
        if (Buffer.compare(spliced, car) !== 0) assert.throws(() => readSegment(primitives, spliced), SegmentError);
      }),
      runs,
    );
  });
});
