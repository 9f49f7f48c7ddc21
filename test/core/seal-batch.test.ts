import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { portablePrimitives } from '../../adapters/crypto/portable-primitives.ts';
import { manifestKind } from '../../core/batch/coherent-manifest.ts';
import { encodeManifest } from '../../core/batch/manifest.ts';
import { manifestCid } from '../../core/batch/manifest-cid.ts';
import { entryBytes, fitBatch } from '../../core/batch/plan-batch.ts';
import {
  frontBytesOf,
  MAX_FRONT_BYTES,
  objectIds,
  readSegment,
  readSegmentFront,
} from '../../core/batch/read-segment.ts';
import { type CapturedBlock, sealBatch, sealBatchInSteps } from '../../core/batch/seal-batch.ts';
import { parseSegmentKey, segmentKey } from '../../core/batch/segment-key.ts';
import { verifyBatch } from '../../core/batch/verify-batch.ts';
import { openContentKeys, requireSealing } from '../../core/batch/verify-sealing.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { readKey } from '../../core/block/content-keys.ts';
import { auditKey } from '../../core/block/seal.ts';
import { charterKey } from '../../core/charter/charter-file.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { ArgumentError, SegmentError } from '../../core/errors.ts';
import { MAX_BATCH_BLOCKS, MAX_CONTENT_BYTES, MAX_MANIFEST_BYTES } from '../../core/limits.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { tileKey } from '../../core/log/tiles.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { BOTH } from './both-primitives.ts';
import { withBitFlipped } from './draw.ts';
import { captured, DOMAIN, writerOf } from './writers.ts';

const RANDOM = new Uint8Array(16).fill(3);
const KINDS: readonly DatasetKind[] = [0, 1, 2];
const { primitives } = BOTH[0] as (typeof BOTH)[number];

describe('a batch of any kind', () => {
  for (const kind of KINDS) {
    it(`of kind ${kind} is what was captured, on both kinds of cryptography alike`, () => {
      const writer = writerOf(kind);
      const sizes = fc.array(
        fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(1, 91, 92, 93, 1023, 1024, 1025, 16_347, 16_348)),
        {
          minLength: 1,
          maxLength: 9,
        },
      );
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
      assert.equal(parseSegmentKey(charterKey(writer.dataset, 5)), null);
      assert.equal(parseSegmentKey(tileKey(writer.dataset, { level: 0, number: 5 })), null);
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
