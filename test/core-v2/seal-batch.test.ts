import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { concatBytes } from '../../core/bytes.ts';
import { ArgumentError, KeyError, ProofError, SegmentError } from '../../core/errors.ts';
import { buildSegment } from '../../core/v2/batch/build-segment.ts';
import { manifestKind } from '../../core/v2/batch/coherent-manifest.ts';
import { encodeManifest, type Manifest } from '../../core/v2/batch/manifest.ts';
import { manifestCid } from '../../core/v2/batch/manifest-cid.ts';
import { entryBytes, fitBatch } from '../../core/v2/batch/plan-batch.ts';
import { recordsOfPublished } from '../../core/v2/batch/published-batch.ts';
import {
  frontBytesOf,
  MAX_FRONT_BYTES,
  objectIds,
  openListedBlock,
  readSegment,
  readSegmentFront,
} from '../../core/v2/batch/read-segment.ts';
import { type CapturedBlock, sealBatch, sealBatchInSteps } from '../../core/v2/batch/seal-batch.ts';
import { parseSegmentKey, segmentKey } from '../../core/v2/batch/segment-key.ts';
import { verifyBatch } from '../../core/v2/batch/verify-batch.ts';
import { openContentKeys, openRecordedDigest, requireSealing } from '../../core/v2/batch/verify-sealing.ts';
import { type AttachedPiece, misplacedPiece } from '../../core/v2/block/attached-object.ts';
import { decryptContent } from '../../core/v2/block/content-cipher.ts';
import { readKey } from '../../core/v2/block/content-keys.ts';
import { blockDigest } from '../../core/v2/block/digest.ts';
import { fallingClock, nextCaptureTime } from '../../core/v2/block/falling-clock.ts';
import { decodeMeta, encodeMeta } from '../../core/v2/block/meta.ts';
import { auditKey } from '../../core/v2/block/seal.ts';
import type { DatasetKind } from '../../core/v2/charter/kind.ts';
import type { DatasetKey, LogRoot, Nonce, Salt } from '../../core/v2/ids.ts';
import { MAX_BATCH_BLOCKS, MAX_CONTENT_BYTES, MAX_MANIFEST_BYTES } from '../../core/v2/limits.ts';
import { appendLeaves, EMPTY_PEAKS } from '../../core/v2/log/peaks.ts';
import { recordHash } from '../../core/v2/log/record.ts';
import { accountOfKey } from '../../core/v2/typed-data.ts';
import { BOTH } from '../core/both-primitives.ts';
import { withBitFlipped } from './draw.ts';
import { captured, DOMAIN, writerOf } from './writers.ts';

const RANDOM = new Uint8Array(16).fill(3);
const KINDS: readonly DatasetKind[] = [0, 1, 2];
const { primitives } = BOTH[0] as (typeof BOTH)[number];

describe('a batch of any kind', () => {
  for (const kind of KINDS) {
    it(`of kind ${kind} is what was captured, on both kinds of cryptography alike`, () => {
      const writer = writerOf(kind);
      const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(1, 1023, 1024, 1025)), {
        minLength: 1,
        maxLength: 9,
      });
      fc.assert(
        fc.property(fc.array(sizes, { minLength: 1, maxLength: 4 }), (batches) => {
          let end = EMPTY_PEAKS;
          for (const [number, batch] of batches.entries()) {
            const blocks = captured(kind, batch, `object ${number}`);
            const sealed = sealBatch(primitives, writer, end, blocks, RANDOM);
            const log = { domain: DOMAIN, dataset: writer.dataset, kind, before: end };
            const read = readSegment(primitives, sealed.segment.car);
            assert.deepEqual(read.manifest, sealed.manifest);
            const verified = verifyBatch(primitives, log, read.manifest);
            assert.deepEqual(verified, {
              signer: accountOfKey(writer.deviceKey),
              leafHashes: sealed.leafHashes,
              end: sealed.end,
            });
            requireSealing(primitives, auditKey(primitives, writer.datasetKey), read.manifest);
            const keys = openContentKeys(primitives, readKey(primitives, writer.datasetKey), read.manifest);
            const contents = read.blocks.map((bytes, i) => {
              const index = end.size + i;
              return keys === null
                ? bytes
                : decryptContent(
                    primitives,
                    keys[i] as (typeof keys)[number],
                    { dataset: writer.dataset, index },
                    bytes,
                  );
            });
            const held = kind === 2 ? [] : blocks.map(({ content }) => content);
            assert.deepEqual(
              contents.map((bytes) => Uint8Array.from(bytes)),
              held,
            );
            end = sealed.end;
          }
        }),
        { numRuns: 25, seed: 7 },
      );
      const blocks = captured(kind, [5, 2000, 1024]);
      const here = sealBatch(primitives, writer, EMPTY_PEAKS, blocks, RANDOM);
      assert.deepEqual(sealBatch(portablePrimitives, writer, EMPTY_PEAKS, blocks, RANDOM), here);
    });

    it(`of kind ${kind} is found by its front, its key and its object ids`, () => {
      const writer = writerOf(kind);
      const { segment, manifest } = sealBatch(primitives, writer, EMPTY_PEAKS, captured(kind, [5, 2000, 17]), RANDOM);
      const front = readSegmentFront(primitives, segment.car);
      assert.equal(manifestKind(front.manifest), kind);
      assert.equal(front.segmentBytes, segment.car.length);
      assert.equal(frontBytesOf(segment.car.subarray(0, 62)), front.frontBytes);
      assert.deepEqual(readSegmentFront(primitives, segment.car.subarray(0, front.frontBytes)), front);
      assert.ok(front.frontBytes < MAX_FRONT_BYTES);
      assert.equal(segment.key, segmentKey(writer.dataset, 0, primitives.sha256(segment.car)));
      assert.equal(parseSegmentKey(segment.key)?.dataset, writer.dataset);
      assert.equal(parseSegmentKey(segment.key.replace('0000000000000000', '9999999999999999')), null);
      const { blocks } = readSegment(primitives, segment.car);
      const ids = objectIds(front, segment.key);
      if (kind === 2) {
        assert.equal(segment.car.length, front.frontBytes);
        assert.deepEqual(
          ids.map(({ key, offset, size }) => [key, offset, size]),
          [
            ['lake/a.parquet', 0, 5],
            ['lake/a.parquet', 5, 2000],
            ['lake/a.parquet', 2005, 17],
          ],
        );
      } else {
        for (const [i, { key, offset, size }] of ids.entries()) {
          assert.equal(key, segment.key);
          assert.deepEqual(segment.car.subarray(offset, offset + size), blocks[i]);
        }
      }
      assert.match(manifestCid(primitives, manifest), /^bafyrei/);
    });
  }

  it('is checked byte by byte: every bit flipped is noticed, every cut', () => {
    for (const kind of KINDS) {
      const { car } = sealBatch(primitives, writerOf(kind), EMPTY_PEAKS, captured(kind, [1, 40, 1100]), RANDOM).segment;
      for (let at = 0; at < car.length; at += 3) {
        const changed = withBitFlipped(car, 8 * at + (at % 8));
        assert.throws(() => readSegment(primitives, changed), SegmentError, `byte ${at} of kind ${kind}`);
        assert.throws(() => readSegment(primitives, car.subarray(0, at)), SegmentError, `cut at ${at}`);
      }
      assert.throws(() => readSegment(primitives, Uint8Array.of(...car, 0)), /1 bytes follow the last block/);
    }
  });

  it('is sealed with a pause behind every block', () => {
    const steps = sealBatchInSteps(primitives, writerOf(0), EMPTY_PEAKS, captured(0, [1, 2, 3]), RANDOM);
    let pauses = 0;
    while (steps.next().done !== true) pauses++;
    assert.equal(pauses, 3);
  });

  it('holds 1,024 blocks and no more, and content of 1 MiB - 16 and no more', () => {
    const ones = new Array<number>(MAX_BATCH_BLOCKS).fill(1);
    const sealed = sealBatch(primitives, writerOf(0), EMPTY_PEAKS, captured(0, ones), RANDOM);
    assert.equal(sealed.end.size, 1024);
    const refused = (blocks: readonly CapturedBlock[], kind: DatasetKind = 0): void =>
      assert.throws(() => sealBatch(primitives, writerOf(kind), EMPTY_PEAKS, blocks, RANDOM), ArgumentError);
    refused(captured(0, [...ones, 1]));
    refused([]);
    for (const kind of KINDS) {
      sealBatch(primitives, writerOf(kind), EMPTY_PEAKS, captured(kind, [MAX_CONTENT_BYTES]), RANDOM);
      refused(captured(kind, [MAX_CONTENT_BYTES + 1]), kind);
      refused(captured(kind, [0]), kind);
    }
    refused(captured(2, [5]), 0);
    refused(captured(0, [5]), 2);
    refused([{ content: Uint8Array.of(1), meta: { at: 1, object: new Uint8Array(32) } as never }]);
    const many = captured(1, new Array<number>(33).fill(MAX_CONTENT_BYTES));
    assert.throws(() => sealBatch(primitives, writerOf(1), EMPTY_PEAKS, many, RANDOM), SegmentError);
    assert.throws(
      () => sealBatch(primitives, writerOf(0), EMPTY_PEAKS, captured(0, [1]), new Uint8Array(15)),
      ArgumentError,
    );
  });

  it('plans as many blocks as fit, and a plan is sealed', () => {
    const planned = (contentBytes: number, object = null as CapturedBlock['object'] | null) => ({
      contentBytes,
      metaBytes: 512,
      object: object ?? null,
    });
    assert.equal(fitBatch(0, new Array(2000).fill(planned(1))), 1024);
    assert.equal(fitBatch(0, new Array(40).fill(planned(MAX_CONTENT_BYTES))), 32);
    assert.equal(fitBatch(1, new Array(40).fill(planned(MAX_CONTENT_BYTES))), 32);
    assert.equal(fitBatch(1, [planned(5)]), 1);
    assert.throws(() => fitBatch(1, []), ArgumentError);
    assert.throws(() => fitBatch(1, [planned(0)]), ArgumentError);
    const key = 'k'.repeat(1024);
    const blocks = Array.from(
      { length: 1024 },
      (_, i): CapturedBlock => ({
        content: Uint8Array.of(i),
        meta: { at: i, name: 'n'.repeat(400) },
        object: { key, versionId: 'v'.repeat(1024), offset: i },
      }),
    );
    const fits = fitBatch(
      2,
      blocks.map(({ object }) => ({ ...planned(1), metaBytes: 462, object: object ?? null })),
    );
    assert.ok(fits > 350 && fits < 1024);
    const sealed = sealBatch(primitives, writerOf(2), EMPTY_PEAKS, blocks.slice(0, fits), RANDOM);
    const bytes = encodeManifest(primitives, sealed.manifest).length;
    assert.ok(bytes <= MAX_MANIFEST_BYTES);
    assert.throws(
      () => sealBatch(primitives, writerOf(2), EMPTY_PEAKS, blocks.slice(0, fits + 40), RANDOM),
      SegmentError,
    );
    for (const kind of KINDS) {
      const some = captured(kind, [1, 1_000_000, 65_536]);
      const { manifest } = sealBatch(primitives, writerOf(kind), EMPTY_PEAKS, some, RANDOM);
      const most = manifest.blocks.reduce(
        (sum, { meta, object }) => sum + entryBytes({ contentBytes: 1, metaBytes: meta.length, object }),
        320,
      );
      assert.ok(encodeManifest(primitives, manifest).length <= most);
    }
  });
});

describe('a batch that does not fit', () => {
  const writer = writerOf(0);
  const first = sealBatch(primitives, writer, EMPTY_PEAKS, captured(0, [5, 6, 7]), RANDOM);
  const second = sealBatch(primitives, writer, first.end, captured(0, [8, 9]), RANDOM);
  const log = { domain: DOMAIN, dataset: writer.dataset, kind: 0 as DatasetKind, before: first.end };

  it('on its log is refused', () => {
    verifyBatch(primitives, log, second.manifest);
    const refused = (change: Partial<typeof log>, manifest: Manifest, what: string): void =>
      assert.throws(() => verifyBatch(primitives, { ...log, ...change }, manifest), ProofError, what);
    refused({}, first.manifest, 'another place');
    refused({ before: EMPTY_PEAKS }, second.manifest, 'a gap');
    const others = appendLeaves(primitives, EMPTY_PEAKS, [...first.leafHashes].reverse());
    refused({ before: others }, second.manifest, 'other records before');
    refused({ dataset: writerOf(1).dataset }, second.manifest, 'another dataset');
    refused({ kind: 1 }, second.manifest, 'another kind');
    refused({}, { ...second.manifest, blocks: [...second.manifest.blocks].reverse() }, 'another order');
    const root = withBitFlipped(second.manifest.head.root, 5) as LogRoot;
    refused({}, { ...second.manifest, head: { ...second.manifest.head, root } }, 'another root');
    refused({}, { ...second.manifest, signature: new Uint8Array(65) }, 'a malformed signature');
    const another = verifyBatch(primitives, log, { ...second.manifest, signature: first.manifest.signature });
    assert.notEqual(another.signer, accountOfKey(writer.deviceKey));
  });

  it('on the last piece of its object is refused', () => {
    const own = writerOf(2);
    const begun = sealBatch(primitives, own, EMPTY_PEAKS, captured(2, [5, 6]), RANDOM);
    const piece = (offset: number) => [
      { content: Uint8Array.of(1), meta: { at: 1 }, object: { key: 'lake/a.parquet', versionId: 'v1', offset } },
    ];
    const here = { domain: DOMAIN, dataset: own.dataset, kind: 2 as DatasetKind, before: begun.end };
    const lastPiece = begun.manifest.blocks[1] as AttachedPiece;
    const verify = (offset: number): unknown => {
      const { manifest } = sealBatch(primitives, own, begun.end, piece(offset), RANDOM);
      verifyBatch(primitives, here, manifest);
      return verifyBatch(primitives, { ...here, lastPiece }, manifest);
    };
    verify(11);
    for (const offset of [10, 12, 5]) assert.throws(() => verify(offset), ProofError);
    assert.throws(() => verify(0), /Block 2: A version begins a second time/);
  });

  it('its keys is refused, whichever field was altered', () => {
    const audit = auditKey(primitives, writer.datasetKey);
    const read = readKey(primitives, writer.datasetKey);
    const { manifest } = second;
    const block = manifest.blocks[1] as Manifest['blocks'][number];
    const withBlock = (change: Partial<typeof block>): Manifest => ({
      ...manifest,
      blocks: manifest.blocks.with(1, { ...block, ...change }),
    });
    const refused = (changed: Manifest): void =>
      assert.throws(() => requireSealing(primitives, audit, changed), KeyError);
    refused({ ...manifest, salt: withBitFlipped(manifest.salt, 9) as Salt });
    refused({ ...manifest, first: manifest.first + 1 });
    refused({ ...manifest, dataset: writerOf(1).dataset });
    refused(withBlock({ meta: encodeMeta({ at: 5 }) }));
    refused(withBlock({ size: block.size + 1 }));
    refused(withBlock({ sha256: withBitFlipped(block.sha256, 1) as typeof block.sha256 }));
    refused(withBlock({ chunkRoot: withBitFlipped(block.chunkRoot, 1) as typeof block.chunkRoot }));
    const commitment = withBitFlipped(block.record.commitment, 1) as typeof block.record.commitment;
    refused(withBlock({ record: { ...block.record, commitment } }));
    const sealed = withBitFlipped(block.record.sealed, 1) as typeof block.record.sealed;
    refused(withBlock({ record: { ...block.record, sealed } }));
    const otherKey = auditKey(primitives, writerOf(1).datasetKey);
    assert.throws(() => requireSealing(primitives, otherKey, manifest), KeyError);
    assert.throws(() => openRecordedDigest(primitives, otherKey, manifest, 0), KeyError);
    const opening = { ...block, metaHash: primitives.sha256(block.meta) as never };
    const id = { dataset: writer.dataset, index: manifest.first + 1 };
    assert.deepEqual(openRecordedDigest(primitives, audit, manifest, 1), blockDigest(primitives, id, opening));

    const nonce = withBitFlipped(manifest.nonce as Nonce, 3) as Nonce;
    assert.throws(() => openContentKeys(primitives, read, { ...manifest, nonce }), KeyError);
    const otherRead = readKey(primitives, writerOf(1).datasetKey);
    assert.throws(() => openContentKeys(primitives, otherRead, manifest), KeyError);
    const [key] = openContentKeys(primitives, read, manifest) as NonNullable<ReturnType<typeof openContentKeys>>;
    const bytes = readSegment(primitives, second.segment.car).blocks[0] as Uint8Array;
    const at = { dataset: writer.dataset, index: manifest.first };
    decryptContent(primitives, key as never, at, bytes);
    assert.throws(() => decryptContent(primitives, key as never, { ...at, index: 9 }, bytes), KeyError);
    assert.throws(
      () => decryptContent(primitives, key as never, { ...at, dataset: id.dataset.replace('a', 'b') as never }, bytes),
      KeyError,
    );
  });

  it('never pads two digests with one key, nor encrypts two contents with one', () => {
    const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
    const seal = (contents: readonly number[], before = first.end, random = RANDOM, key = writer.datasetKey) =>
      sealBatch(
        primitives,
        { ...writer, datasetKey: key },
        before,
        contents.map((byte, i) => ({ content: Uint8Array.of(byte, i), meta: { at: 1 } })),
        random,
      ).manifest;
    const one = seal([1, 2]);
    assert.deepEqual(seal([1, 2]), one);
    const others = [
      seal([1, 3]),
      seal([2, 1]),
      seal([1, 2, 3]),
      seal([1, 2], EMPTY_PEAKS),
      seal([1, 2], first.end, new Uint8Array(16).fill(4)),
      seal([1, 2], first.end, RANDOM, primitives.sha256(Uint8Array.of(99)) as DatasetKey),
    ];
    for (const other of others) {
      assert.ok(!same(one.nonce as Uint8Array, other.nonce as Uint8Array));
      assert.ok(!same(one.salt, other.salt));
      assert.ok(!same(one.blocks[0]!.record.contentCommitment, other.blocks[0]!.record.contentCommitment));
    }
  });

  it('but is published comes back from the mnemonic alone, and no other does', () => {
    for (const kind of KINDS) {
      const own = writerOf(kind);
      const { manifest, leafHashes } = sealBatch(primitives, own, EMPTY_PEAKS, captured(kind, [5, 6, 7]), RANDOM);
      const keys = {
        auditKey: auditKey(primitives, own.datasetKey),
        readKey: readKey(primitives, own.datasetKey),
      };
      const published = {
        first: 0,
        salt: manifest.salt,
        nonce: manifest.nonce ?? (new Uint8Array(16) as Nonce),
        sealedDigests: concatBytes(...manifest.blocks.map(({ record }) => record.sealed)),
      };
      const records = recordsOfPublished(primitives, keys, published);
      assert.deepEqual(
        records.map((record) => recordHash(primitives, record)),
        leafHashes,
      );
      const salt = withBitFlipped(manifest.salt, 1) as Salt;
      assert.notDeepEqual(recordsOfPublished(primitives, keys, { ...published, salt }), records);
      const cut = published.sealedDigests.subarray(1);
      assert.throws(() => recordsOfPublished(primitives, keys, { ...published, sealedDigests: cut }), ArgumentError);
      const none = new Uint8Array(0);
      assert.throws(() => recordsOfPublished(primitives, keys, { ...published, sealedDigests: none }), ArgumentError);
    }
  });

  it('with bytes of another block is told by its line', () => {
    const listed = second.manifest.blocks[0] as Manifest['blocks'][number];
    const { blocks } = readSegment(primitives, second.segment.car);
    openListedBlock(primitives, listed, blocks[0] as Uint8Array, 'here');
    assert.throws(() => openListedBlock(primitives, listed, blocks[1] as Uint8Array, 'here'), /at here/);
    assert.throws(() => openListedBlock(primitives, listed, withBitFlipped(blocks[0]!, 1), 'here'), SegmentError);
    assert.throws(() => buildSegment(primitives, second.manifest, blocks.slice(1)), SegmentError);
    assert.throws(() => buildSegment(primitives, second.manifest, [...blocks].reverse()), SegmentError);
  });
});

describe('pieces of attached objects', () => {
  const piece = (key: string, versionId: string | null, offset: number, size = 10) => ({
    object: { key, versionId, offset },
    size,
  });
  const position = (before: Parameters<typeof misplacedPiece>[0], ...pieces: ReturnType<typeof piece>[]) =>
    misplacedPiece(before, pieces)?.position ?? null;

  it('go from offset 0 to the end, ascending and without gap', () => {
    assert.equal(
      position(null, piece('a', 'v', 0), piece('a', 'v', 10), piece('a', 'v', 20, 3), piece('b', 'v', 0)),
      null,
    );
    assert.equal(position(null, piece('a', 'v', 5)), 0);
    assert.equal(position(undefined, piece('a', 'v', 5), piece('a', 'v', 15)), null);
    assert.equal(position(undefined, piece('a', 'v', 5), piece('a', 'v', 16)), 1);
    assert.equal(position(undefined, piece('a', 'v', 5), piece('a', 'v', 14)), 1);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'v', 10)), null);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'v', 11)), 0);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'w', 10)), 0);
    assert.equal(position(piece('a', 'v', 0), piece('b', 'v', 10)), 0);
  });

  it('begin anew at 0 where there is no version, and once a version otherwise', () => {
    assert.equal(position(null, piece('a', null, 0), piece('a', null, 0), piece('a', null, 10)), null);
    assert.equal(position(null, piece('a', 'v', 0), piece('a', 'v', 0)), 1);
    assert.equal(position(null, piece('a', 'v', 0), piece('b', 'v', 0), piece('a', 'v', 0)), 2);
    assert.equal(position(piece('a', 'v', 0), piece('a', 'v', 0)), 0);
    assert.equal(position(null, piece('a', 'v', 0), piece('a', 'w', 0), piece('b', 'v', 0)), null);
  });
});

describe('the clock of a log', () => {
  it('never falls within a stretch', () => {
    const times = (...list: (number | [number, 1 | 2])[]) =>
      list.map((one) => (typeof one === 'number' ? { at: one } : { at: one[0], clock: one[1] }));
    assert.equal(fallingClock(null, times(1, 2, 2, 3)), -1);
    assert.equal(fallingClock(null, times(1, 3, 2)), 2);
    assert.equal(fallingClock({ at: 5 }, times(4)), 0);
    assert.equal(fallingClock({ at: 5 }, times([4, 2], 4, 5)), -1);
    assert.equal(fallingClock({ at: 5 }, times([4, 1])), 0);
    assert.equal(fallingClock(null, times(9, [1, 2], 2, 1)), 3);
    assert.equal(fallingClock(null, []), -1);
  });

  it('keeps the last value when it went back, and says so', () => {
    const now = (nowMs: number, isSynchronised = true, isNewStretch = false) => ({
      nowMs,
      isSynchronised,
      isNewStretch,
    });
    assert.deepEqual(nextCaptureTime(null, now(7)), { at: 7 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(7)), { at: 9, clock: 1 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(9)), { at: 9 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(10, false)), { at: 10, clock: 1 });
    assert.deepEqual(nextCaptureTime({ at: 9 }, now(7, true, true)), { at: 7, clock: 2 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean(), fc.nat(9)), { maxLength: 40 }), (ticks) => {
        const times: { at: number; clock?: 1 | 2 }[] = [];
        for (const [nowMs, isSynchronised, stretch] of ticks) {
          times.push(nextCaptureTime(times.at(-1) ?? null, now(nowMs, isSynchronised, stretch === 0)));
        }
        assert.equal(fallingClock(null, times), -1);
      }),
    );
  });
});

describe('a meta', () => {
  it('reads back with every field, up to 512 bytes', () => {
    const full = {
      at: 2 ** 53 - 1,
      clock: 2 as const,
      time: 0,
      after: new Uint8Array(32).fill(1),
      name: 'wind.csv',
      type: 'text/csv',
      part: 2,
      parts: 3,
      object: new Uint8Array(32).fill(2),
    };
    assert.deepEqual(decodeMeta(encodeMeta(full)), full);
    assert.throws(() => encodeMeta({ at: 1, name: 'x'.repeat(500) }), /at most 512 fit/);
    for (const wrong of [
      { part: 3 },
      { at: -1 },
      { at: 1.5 },
      { clock: 3 },
      { after: new Uint8Array(31) },
      { name: '' },
      { time: -1 },
      { name: '\uD800' },
    ]) {
      assert.throws(() => encodeMeta({ ...full, ...wrong } as never), ArgumentError, JSON.stringify(wrong));
    }
  });
});
