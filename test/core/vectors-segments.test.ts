import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rawCid } from '../../core/batch/manifest.ts';
import { batchLeafBytes, batchLeafHash } from '../../core/batch/record.ts';
import { batchLeafOf, type LogEnd, sealBatch } from '../../core/batch/seal-batch.ts';
import {
  buildSegment,
  frontBytesOf,
  MAX_FRONT_BYTES,
  objectIds,
  parseSegmentKey,
  readSegment,
  readSegmentFront,
  segmentKey,
} from '../../core/batch/segment.ts';
import { contentBatchKey, contentKey, decryptContent, isPlain } from '../../core/block/content-cipher.ts';
import { blockDigest } from '../../core/block/digest.ts';
import { type BlockMeta, decodeMeta } from '../../core/block/meta.ts';
import { batchSalt, blockKeys, openDigest } from '../../core/block/seal.ts';
import { to0x, toHex } from '../../core/bytes.ts';
import { ProofError, SegmentError } from '../../core/errors.ts';
import { address, type DatasetKey, datasetId, type PrivateKey } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import { type HeadDomain, recoverHeadSigner } from '../../core/log/head.ts';
import { leafHash } from '../../core/log/merkle.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { BOTH } from './both-primitives.ts';
import { carBytes, hex, readVectors, type VectorBytes, type VectorPiece, vectorBytes } from './read-vectors.ts';

interface SegmentVector {
  name: string;
  domain: { chainId: number; verifyingContract: string };
  dataset: string;
  datasetKey: string;
  devicePrivateKey: string;
  signer: string;
  carHex?: string;
  carPieces?: VectorPiece[];
  carSize: number;
  carSha256: string;
  key: string;
  manifestSize: number;
  first: string;
  salt: string;
  nonce: string | null;
  contentCommitment: string;
  published: boolean;
  batchRoot: string;
  before: string[];
  leaf: string;
  leafHash: string;
  head: { size: string; batches: number; root: string };
  signature: string;
  blocks: {
    index: string;
    content: VectorBytes;
    contentKey: string | null;
    meta: BlockMeta;
    metaHex: string;
    cid: string;
    offset: number;
    size: number;
    sha256: string;
    chunkRoot: string;
    digest: string;
    blockKey: string;
    sealed: string;
    commitment: string;
  }[];
}
interface MalformedVector {
  name: string;
  base: string;
  where: string;
  layer: 'container' | 'manifest' | 'content' | 'record';
  expected: string;
  carHex?: string;
  carPieces?: VectorPiece[];
}

const segments = readVectors<{ segments: SegmentVector[] }>('segments').segments;
const malformed = readVectors<{ segments: MalformedVector[] }>('malformed-segments').segments;

/** The log's end before the batch, from the leaves that the vector lists. */
function endBefore(primitives: Primitives, vector: SegmentVector): LogEnd {
  let frontier: Frontier = EMPTY_FRONTIER;
  for (const leaf of vector.before) frontier = appendLeaf(primitives, frontier, leafHash(primitives, hex(leaf)));
  return { size: Number(vector.first), frontier };
}

function domainOf(vector: SegmentVector): HeadDomain {
  return { chainId: vector.domain.chainId, dissc: address(vector.domain.verifyingContract) };
}

for (const { name, primitives, slow } of BOTH) {
  const usable = segments.filter((vector) => !slow || vector.carSize < 100_000);

  describe(`segment vectors on ${name}`, () => {
    for (const vector of usable) {
      it(`${vector.name}: reads as exactly the given values`, () => {
        const car = carBytes(vector);
        assert.equal(car.length, vector.carSize);
        assert.equal(to0x(primitives.sha256(car)), vector.carSha256);
        const read = readSegment(primitives, car);
        const { manifest } = read;
        const dataset = datasetId(vector.dataset);
        const datasetKey = hex(vector.datasetKey) as DatasetKey;
        assert.deepEqual(
          {
            ...{ dataset: manifest.dataset, first: String(manifest.first), salt: to0x(manifest.salt) },
            ...{ nonce: manifest.nonce === null ? null : to0x(manifest.nonce), published: manifest.published },
            ...{ contentCommitment: to0x(manifest.contentCommitment), signature: to0x(manifest.signature) },
            head: { ...manifest.head, size: String(manifest.head.size), root: to0x(manifest.head.root) },
          },
          {
            ...{ dataset: vector.dataset, first: vector.first, salt: vector.salt, nonce: vector.nonce },
            ...{ published: vector.published, contentCommitment: vector.contentCommitment },
            ...{ signature: vector.signature, head: vector.head },
          },
        );
        assert.equal(read.segmentBytes, vector.carSize);
        assert.equal(frontBytesOf(car.subarray(0, 98)), read.frontBytes);
        assert.deepEqual(
          read.offsets,
          vector.blocks.map(({ offset }) => offset),
        );
        assert.equal(segmentKey(dataset, manifest.first, primitives.sha256(car)), vector.key);
        assert.deepEqual(parseSegmentKey(vector.key), {
          ...{ dataset, first: manifest.first, sha256Hex: vector.carSha256.slice(2) },
        });

        const leaf = batchLeafOf(primitives, manifest);
        assert.equal(to0x(leaf.batchRoot), vector.batchRoot);
        assert.equal(to0x(batchLeafBytes(leaf)), vector.leaf);
        assert.equal(to0x(batchLeafHash(primitives, leaf)), vector.leafHash);
        const { frontier } = endBefore(primitives, vector);
        const root = frontierRoot(primitives, appendLeaf(primitives, frontier, batchLeafHash(primitives, leaf)));
        assert.equal(to0x(root), vector.head.root);
        const head = { dataset, ...manifest.head };
        assert.equal(recoverHeadSigner(domainOf(vector), head, manifest.signature), vector.signer);

        const ids = objectIds(read, vector.key);
        const keyOf = blockKeys(primitives, datasetKey, manifest.salt);
        const batchKey = manifest.nonce === null ? null : contentBatchKey(primitives, datasetKey, manifest.nonce);
        assert.equal(isPlain(manifest.contentCommitment), batchKey === null);
        const digests = vector.blocks.map((wanted, number) => {
          const line = manifest.blocks[number];
          const opening = read.openings[number];
          const block = read.blocks[number];
          assert.ok(line && opening && block);
          const index = Number(wanted.index);
          assert.deepEqual(ids[number], { key: vector.key, offset: wanted.offset, size: wanted.size });
          assert.equal(toHex(car.subarray(wanted.offset, wanted.offset + wanted.size)), toHex(block));
          assert.deepEqual(
            [rawCid(line.sha256).toString(), line.size, to0x(line.chunkRoot), to0x(line.meta), to0x(line.sealed)],
            [wanted.cid, wanted.size, wanted.chunkRoot, wanted.metaHex, wanted.sealed],
          );
          assert.deepEqual(decodeMeta(line.meta), wanted.meta);
          assert.equal(to0x(opening.sha256), wanted.sha256);
          assert.equal(to0x(keyOf(index)), wanted.blockKey);
          assert.equal(to0x(line.commitment), wanted.commitment);
          const digest = openDigest(primitives, line.sealed, line.commitment, keyOf(index));
          assert.equal(to0x(digest), wanted.digest);
          assert.deepEqual(digest, blockDigest(primitives, { dataset, index }, opening));
          const content =
            batchKey === null
              ? block
              : decryptContent(primitives, contentKey(primitives, batchKey, index), { dataset, index }, block);
          assert.equal(toHex(content), toHex(vectorBytes(wanted.content)));
          assert.equal(batchKey === null ? null : to0x(contentKey(primitives, batchKey, index)), wanted.contentKey);
          return digest;
        });
        assert.equal(to0x(batchSalt(primitives, datasetKey, manifest.first, digests)), vector.salt);
      });

      it(`${vector.name}: sealing the opened values again gives the very bytes`, () => {
        const sealed = sealBatch(
          primitives,
          {
            ...{ dataset: datasetId(vector.dataset), datasetKey: hex(vector.datasetKey) as DatasetKey },
            ...{ deviceKey: hex(vector.devicePrivateKey) as PrivateKey, domain: domainOf(vector) },
            ...{ plain: vector.nonce === null, published: vector.published },
          },
          endBefore(primitives, vector),
          vector.blocks.map(({ content, meta }) => ({ content: vectorBytes(content), meta })),
          hex(vector.nonce ?? `0x${'ff'.repeat(16)}`),
        );
        assert.equal(Buffer.compare(sealed.segment.car, carBytes(vector)), 0);
        assert.equal(to0x(sealed.segment.sha256), vector.carSha256);
        assert.equal(sealed.segment.key, vector.key);
        assert.equal(to0x(batchLeafBytes(sealed.leaf)), vector.leaf);
        assert.equal(sealed.end.size, Number(vector.head.size));
        assert.equal(sealed.end.frontier.leaves, vector.head.batches);
        assert.equal(to0x(frontierRoot(primitives, sealed.end.frontier)), vector.head.root);
      });

      it(`${vector.name}: the manifest can be written again from what was read`, () => {
        const read = readSegment(primitives, carBytes(vector));
        const again = buildSegment(primitives, read.manifest, read.blocks);
        assert.equal(to0x(again.sha256), vector.carSha256);
      });

      it(`${vector.name}: the front alone, of any length from its end on, finds the blocks`, () => {
        const car = carBytes(vector);
        const { frontBytes, offsets } = readSegment(primitives, car);
        assert.ok(frontBytes <= MAX_FRONT_BYTES);
        for (const length of [frontBytes, frontBytes + 1, Math.min(car.length, MAX_FRONT_BYTES)]) {
          assert.deepEqual(readSegmentFront(primitives, car.subarray(0, length)).offsets, offsets);
        }
        assert.throws(() => readSegmentFront(primitives, car.subarray(0, frontBytes - 1)), SegmentError);
      });
    }
  });

  describe(`malformed segments on ${name}`, () => {
    for (const vector of malformed) {
      const car = carBytes(vector);
      if (slow && (car.length > 100_000 || vector.layer === 'record')) continue;
      const base = segments.find((segment) => segment.name === vector.base);
      it(`refuses ${vector.name}, ${vector.where} of ${vector.base} (${vector.layer}: ${vector.expected})`, () => {
        try {
          const read = readSegment(primitives, car);
          assert.equal(vector.layer, 'record', 'a reader of the segment alone must refuse it');
          assert.ok(base);
          assert.match(whatTheRecordSays(primitives, base, read), /./, 'the record must betray it');
        } catch (cause) {
          if (!(cause instanceof SegmentError)) throw cause;
          assert.notEqual(vector.expected, 'passes structural');
          assert.match(cause.where, /^(byte \d+|segment|manifest(\.[\w[\].]+)?|block \d+(, byte \d+)?)$/);
          assert.ok(cause.message.includes(cause.where));
          assert.equal(cause.toJSON().details.where, cause.where);
        }
      });
    }
  });
}

/** What betrays a segment to a reader who knows device, key and the log before it; empty when nothing does. */
function whatTheRecordSays(primitives: Primitives, base: SegmentVector, read: ReturnType<typeof readSegment>): string {
  const { manifest, openings } = read;
  const findings: string[] = [];
  try {
    const head = { dataset: datasetId(base.dataset), ...manifest.head };
    if (recoverHeadSigner(domainOf(base), head, manifest.signature) !== base.signer) findings.push('signer');
  } catch (cause) {
    if (!(cause instanceof ProofError)) throw cause;
    findings.push('signature');
  }
  if (manifest.dataset !== base.dataset) findings.push('dataset');
  const { frontier, size } = endBefore(primitives, base);
  if (manifest.first !== size) findings.push('first');
  const leaf = batchLeafHash(primitives, batchLeafOf(primitives, manifest));
  if (to0x(frontierRoot(primitives, appendLeaf(primitives, frontier, leaf))) !== to0x(manifest.head.root)) {
    findings.push('root');
  }
  const keyOf = blockKeys(primitives, hex(base.datasetKey) as DatasetKey, manifest.salt);
  for (const [number, line] of manifest.blocks.entries()) {
    const index = manifest.first + number;
    const digest = blockDigest(primitives, { dataset: manifest.dataset, index }, openings[number] as never);
    try {
      const opened = openDigest(primitives, line.sealed, line.commitment, keyOf(index));
      if (to0x(opened) !== to0x(digest)) findings.push(`digest ${index}`);
    } catch {
      findings.push(`commitment ${index}`);
    }
  }
  if (manifest.nonce !== null && to0x(manifest.nonce) !== base.nonce) findings.push('nonce');
  return findings.join();
}
