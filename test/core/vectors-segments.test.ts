import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildSegment } from '../../core/batch/build-segment.ts';
import { manifestKind } from '../../core/batch/coherent-manifest.ts';
import { rawCid } from '../../core/batch/manifest.ts';
import { manifestCid } from '../../core/batch/manifest-cid.ts';
import { frontBytesOf, type ReadSegment, readSegment, readSegmentFront } from '../../core/batch/read-segment.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { verifyBatch } from '../../core/batch/verify-batch.ts';
import { openContentKeys, openRecordedDigest, requireSealing } from '../../core/batch/verify-sealing.ts';
import type { AttachedObject } from '../../core/block/attached-object.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { readKey } from '../../core/block/content-keys.ts';
import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { type BlockMeta, decodeMeta } from '../../core/block/meta.ts';
import { auditKey, blockKeys } from '../../core/block/seal.ts';
import { to0x } from '../../core/bytes.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { PlumblineError, SegmentError } from '../../core/errors.ts';
import { address, type DatasetKey, datasetId, type PrivateKey } from '../../core/ids.ts';
import type { Peaks } from '../../core/log/peaks.ts';
import { recordBytes } from '../../core/log/record.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { BOTH } from './both-primitives.ts';
import {
  carBytes,
  hex,
  readVectors,
  type VectorBytes,
  type VectorPiece,
  vectorBytes,
  withBytes,
} from './read-vectors.ts';

interface SegmentVector {
  name: string;
  domain: { chainId: number; verifyingContract: string };
  dataset: string;
  kind: DatasetKind;
  serial: number;
  datasetKey: string;
  devicePrivateKey: string;
  signer: string;
  carHex?: string;
  carPieces?: VectorPiece[];
  carSize: number;
  carSha256: string;
  key: string;
  manifestCid: string;
  manifestSize: number;
  first: string;
  random16: string;
  salt: string;
  nonce: string | null;
  peaksBefore: string[];
  head: { size: string; root: string };
  signature: string;
  blocks: {
    index: string;
    content: VectorBytes;
    contentKey: string | null;
    meta: Record<string, unknown>;
    metaHex: string;
    object: AttachedObject | null;
    offset: number;
    size: number;
    sha256: string;
    chunkRoot: string;
    digest: string;
    blockKey: string;
    record: string;
    leafHash: string;
  }[];
}
interface MalformedVector {
  name: string;
  base: string;
  layer: 'container' | 'manifest' | 'content' | 'record';
  expected: string;
  carHex?: string;
  carPieces?: VectorPiece[];
}

const { segments } = readVectors<{ segments: SegmentVector[] }>('segments');
const malformed = readVectors<{ segments: MalformedVector[] }>('malformed-segments').segments;
const before = (vector: SegmentVector): Peaks => ({
  size: Number(vector.first),
  peaks: vector.peaksBefore.map(hex),
});
const logOf = (vector: SegmentVector) => ({
  domain: { chainId: vector.domain.chainId, dissc: address(vector.domain.verifyingContract) },
  dataset: datasetId(vector.dataset),
  kind: vector.kind,
  before: before(vector),
});

/** All that an owner checks of a segment. */
function verify(primitives: Primitives, vector: SegmentVector, car: Uint8Array): ReadSegment {
  const read = readSegment(primitives, car);
  const { signer } = verifyBatch(primitives, logOf(vector), read.manifest);
  assert.equal(signer, vector.signer);
  assert.equal(read.manifest.serial, vector.serial);
  const secret = hex(vector.datasetKey) as DatasetKey;
  requireSealing(primitives, auditKey(primitives, secret), read.manifest);
  openContentKeys(primitives, readKey(primitives, secret), read.manifest);
  return read;
}

for (const { name, primitives, slow } of BOTH) {
  const usable = segments.filter((vector) => !slow || vector.carSize < 100_000);

  describe(`segment vectors on ${name}`, () => {
    for (const vector of usable) {
      it(`${vector.name}: reads as exactly the given values`, () => {
        const car = carBytes(vector);
        assert.equal(car.length, vector.carSize);
        assert.equal(to0x(primitives.sha256(car)), vector.carSha256);
        const { manifest, blocks, offsets, openings } = verify(primitives, vector, car);
        const { head, salt, nonce, signature } = manifest;
        assert.equal(manifestKind(manifest), vector.kind);
        assert.deepEqual(
          [manifest.dataset, String(manifest.first), String(head.size)],
          [vector.dataset, vector.first, vector.head.size],
        );
        assert.deepEqual(
          [to0x(head.root), to0x(salt), nonce && to0x(nonce), to0x(signature)],
          [vector.head.root, vector.salt, vector.nonce, vector.signature],
        );
        assert.equal(manifestCid(primitives, manifest), vector.manifestCid);
        assert.equal(parseSegmentKey(vector.key)?.first, manifest.first);
        const secret = hex(vector.datasetKey) as DatasetKey;
        const [audit, read] = [auditKey(primitives, secret), readKey(primitives, secret)];
        const keyOf = blockKeys(primitives, audit, salt);
        const contentKeys = openContentKeys(primitives, read, manifest);
        assert.deepEqual(
          manifest.blocks.map((block, i) => ({
            size: block.size,
            sha256: to0x(block.sha256),
            chunkRoot: to0x(block.chunkRoot),
            metaHex: to0x(block.meta),
            record: to0x(recordBytes(block.record)),
            object: block.object,
            offset: offsets[i],
            blockKey: to0x(keyOf(manifest.first + i)),
            digest: to0x(openRecordedDigest(primitives, audit, manifest, i)),
            contentKey: contentKeys?.[i] ? to0x(contentKeys[i]) : null,
          })),
          vector.blocks.map(({ index: _, content: __, meta: ___, leafHash: ____, ...block }) => {
            const { contentCommitment: _____, ...rest } = block as typeof block & { contentCommitment: string };
            return rest;
          }),
        );
        for (const [i, { index, content, meta, digest }] of vector.blocks.entries()) {
          const id = { dataset: manifest.dataset, index: Number(index) };
          const line = manifest.blocks[i]!;
          const { object: _, ...own } = decodeMeta(line.meta);
          assert.deepEqual(own, withBytes<BlockMeta>(meta));
          const stored = vector.kind === 2 ? vectorBytes(content) : (blocks[i] as Uint8Array);
          const opening = vector.kind === 2 ? openBlock(primitives, stored, line.meta) : openings[i]!;
          assert.equal(to0x(blockDigest(primitives, id, opening)), digest);
          const key = contentKeys?.[i];
          assert.deepEqual(
            Uint8Array.from(key ? decryptContent(primitives, key, id, stored) : stored),
            vectorBytes(content),
          );
        }
      });

      it(`${vector.name}: is what sealing the same blocks makes`, () => {
        const car = carBytes(vector);
        const sealed = sealBatch(
          primitives,
          {
            dataset: datasetId(vector.dataset),
            kind: vector.kind,
            serial: vector.serial,
            datasetKey: hex(vector.datasetKey) as DatasetKey,
            deviceKey: hex(vector.devicePrivateKey) as PrivateKey,
            domain: logOf(vector).domain,
          },
          before(vector),
          vector.blocks.map(({ content, meta, object }) => ({
            content: vectorBytes(content),
            meta: withBytes<BlockMeta>(meta),
            ...(object === null ? {} : { object }),
          })),
          hex(vector.random16),
        );
        assert.deepEqual(sealed.segment.car, car);
        assert.equal(sealed.segment.key, vector.key);
        assert.deepEqual(
          sealed.leafHashes.map(to0x),
          vector.blocks.map((block) => block.leafHash),
        );
        const front = readSegmentFront(primitives, car.subarray(0, frontBytesOf(car)));
        assert.equal(front.segmentBytes, car.length);
        const { blocks } = readSegment(primitives, car);
        assert.deepEqual(buildSegment(primitives, front.manifest, blocks).car, car);
        for (const [i, block] of front.manifest.blocks.entries()) {
          assert.equal(rawCid(block.sha256).toString().slice(0, 7), 'bafkrei', `${i}`);
        }
      });
    }
  });

  describe(`malformed segments on ${name}`, () => {
    const byName = new Map(segments.map((vector) => [vector.name, vector]));
    it('are more than two hundred', () => assert.ok(malformed.length > 300, `${malformed.length}`));

    for (const vector of malformed) {
      if (slow && vector.carPieces !== undefined) continue;
      it(`refuses ${vector.name}`, () => {
        const car = carBytes(vector);
        const base = byName.get(vector.base);
        if (!vector.expected.endsWith('passes structural') && !vector.expected.startsWith('may pass')) {
          assert.throws(() => readSegment(primitives, car), SegmentError);
        } else {
          if (vector.expected === 'passes structural') readSegment(primitives, car);
          assert.throws(
            () => verify(primitives, base as SegmentVector, car),
            (cause) => cause instanceof PlumblineError || (cause as Error).name === 'AssertionError',
          );
        }
      });
    }
  });
}
