import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import {
  type BatchArchive,
  buildBatchKeys,
  buildChallengeAnswer,
  type OwnedBatch,
  ownBatch,
  requireInLog,
} from '../../core/agreement/build-keys.ts';
import { decodeKeyPayload, encodeKeyPayload } from '../../core/agreement/key-payload.ts';
import { type BlockRecord, batchRootOf, recordHash } from '../../core/batch/record.ts';
import { readSegment } from '../../core/batch/segment.ts';
import { proveChunk } from '../../core/block/chunk-tree.ts';
import { commitContent, contentKey, decryptContent, encryptContent } from '../../core/block/content-cipher.ts';
import { blockDigest, type Opening } from '../../core/block/digest.ts';
import { openDigest } from '../../core/block/seal.ts';
import { concatBytes, fromHex, u32, utf8 } from '../../core/bytes.ts';
import { ArgumentError, KeyError, ProofError } from '../../core/errors.ts';
import type { DatasetId, DatasetKey } from '../../core/ids.ts';
import { nodeHash, rootFromPath } from '../../core/log/merkle.ts';

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../vectors/segments.json'), 'utf8'));

type Vector = Record<string, never> & {
  readonly name: string;
  readonly dataset: DatasetId;
  readonly datasetKey: string;
  readonly published: boolean;
  readonly leafHash: string;
  readonly blocks: readonly Record<string, string>[];
};
type Piece = string | { seed: string; size: number } | { hex: string; times: number };

describe('keys that an owner builds', () => {
  for (const vector of vectors.segments as Vector[]) {
    it(`open the digests of the vector ${vector.name}, and only lead to its log`, () => {
      const { archive, openedBlocks } = archiveOf(vector);
      const datasetKey = fromHex(vector.datasetKey) as DatasetKey;
      const batch = ownBatch(nodePrimitives, datasetKey, archive);
      assert.deepEqual(batch.leafHash, fromHex(vector.leafHash));
      const count = archive.blocks.length;
      const wanted = [...new Set([0, count >> 1, count - 1])].map((i) => archive.first + i);
      for (const whole of [false, true]) {
        const keys = buildBatchKeys(nodePrimitives, datasetKey, batch, 0, wanted, whole);
        const [read] = decodeKeyPayload(encodeKeyPayload([keys]));
        assert.deepEqual(read, keys);
        assert.equal(keys.contentBatchKey !== null, whole && archive.nonce !== null);
        for (const block of keys.blocks) {
          const expected = vector.blocks[block.index - archive.first] as Record<string, string>;
          const id = { dataset: vector.dataset, index: block.index };
          const digest = openDigest(nodePrimitives, block.sealed, block.commitment, block.blockKey);
          assert.deepEqual(digest, fromHex(expected.digest as string));
          assert.deepEqual(digest, blockDigest(nodePrimitives, id, block.opening));
          const place = block.index - archive.first;
          const tree = rootFromPath(nodePrimitives, recordHash(nodePrimitives, block), place, count, block.path);
          const root = batchRootOf(nodePrimitives, archive.contentCommitment, tree);
          assert.deepEqual(root, fromHex(vector.batchRoot as unknown as string));
          if (archive.nonce === null) assert.equal(block.contentKey, null);
          else if (!whole) assert.deepEqual(block.contentKey, fromHex(expected.contentKey as string));
        }
      }
      assert.equal(openedBlocks.length, count);
    });
  }

  const encrypted = (vectors.segments as Vector[]).find(({ nonce }) => (nonce as unknown) !== null) as Vector;
  const keyOf = (vector: Vector) => fromHex(vector.datasetKey) as DatasetKey;

  it('decrypt what is sold, by the batch or by the block', () => {
    const { archive, openedBlocks } = archiveOf(encrypted);
    const batch = ownBatch(nodePrimitives, keyOf(encrypted), archive);
    const index = archive.first;
    const [whole, single] = [true, false].map((isWhole) =>
      buildBatchKeys(nodePrimitives, keyOf(encrypted), batch, 0, [index], isWhole),
    );
    const given = whole?.contentBatchKey;
    assert.ok(given);
    assert.deepEqual(commitContent(nodePrimitives, given), archive.contentCommitment);
    const fromBatch = contentKey(nodePrimitives, given, index);
    assert.deepEqual(single?.blocks[0]?.contentKey, fromBatch);
    const id = { dataset: encrypted.dataset, index };
    const content = decryptContent(nodePrimitives, fromBatch, id, openedBlocks[0] as Uint8Array);
    assert.deepEqual(encryptContent(nodePrimitives, fromBatch, id, content), openedBlocks[0]);
  });

  it('answer a challenge, and refuse a chunk of other bytes', () => {
    const { archive, openedBlocks } = archiveOf(encrypted);
    const batch = ownBatch(nodePrimitives, keyOf(encrypted), archive);
    const index = archive.first;
    const proof = proveChunk(nodePrimitives, openedBlocks[0] as Uint8Array, 7);
    const answer = buildChallengeAnswer(nodePrimitives, batch, { position: 0, logPath: [] }, 7, { index, ...proof });
    assert.deepEqual(answer.blockKey, fromHex(encrypted.blocks[0]?.blockKey as string));
    const altered = Uint8Array.from(proof.chunk);
    altered[0] = (altered[0] as number) ^ 1;
    const place = { position: 0, logPath: [] };
    assert.throws(
      () => buildChallengeAnswer(nodePrimitives, batch, place, 7, { index, ...proof, chunk: altered }),
      ProofError,
    );
  });

  it('come from openings of what is for sale and from the records of the rest', () => {
    const { archive } = archiveOf(encrypted);
    const all = ownBatch(nodePrimitives, keyOf(encrypted), archive);
    const blocks = archive.blocks.map((opening, i) => (i === 0 ? opening : (all.blocks[i] as BlockRecord)));
    const some = ownBatch(nodePrimitives, keyOf(encrypted), { ...archive, blocks });
    assert.deepEqual(some.leafHash, all.leafHash);
    const keysOf = (batch: OwnedBatch, index: number) =>
      buildBatchKeys(nodePrimitives, keyOf(encrypted), batch, 0, [index], false);
    assert.deepEqual(keysOf(some, archive.first), keysOf(all, archive.first));
    assert.throws(() => keysOf(some, archive.first + 1), ArgumentError);
  });

  it('are not built from an altered opening, nonce, salt or key, nor for a block of another batch', () => {
    const { archive } = archiveOf(encrypted);
    const key = keyOf(encrypted);
    const sibling = new Uint8Array(32).fill(7);
    const leaf = ownBatch(nodePrimitives, key, archive).leafHash;
    const log = { batches: 2, root: nodeHash(nodePrimitives, leaf, sibling) };
    const place = { position: 0, logPath: [sibling] };
    const check = (changed: BatchArchive) =>
      requireInLog(nodePrimitives, ownBatch(nodePrimitives, key, changed), place, log);
    check(archive);
    const [opening, ...others] = archive.blocks as Opening[];
    assert.ok(opening);
    for (const changed of [
      { ...archive, blocks: [{ ...opening, size: opening.size + 1 }, ...others] },
      { ...archive, blocks: [...archive.blocks, opening] },
      { ...archive, salt: flipped(archive.salt) },
      { ...archive, published: !archive.published },
    ]) {
      assert.throws(() => check(changed), ProofError);
    }
    const nonce = flipped(archive.nonce as Uint8Array);
    assert.throws(() => check({ ...archive, nonce }), KeyError);
    assert.throws(() => ownBatch(nodePrimitives, flipped(key), archive), KeyError);
    const batch = ownBatch(nodePrimitives, key, archive);
    const outside = archive.first + archive.blocks.length;
    assert.throws(() => buildBatchKeys(nodePrimitives, key, batch, 0, [outside], false), ArgumentError);
  });
});

function archiveOf(vector: Vector): { archive: BatchArchive; openedBlocks: readonly Uint8Array[] } {
  const { manifest, blocks, openings } = readSegment(nodePrimitives, carOf(vector));
  const { dataset, first, salt, nonce, contentCommitment, published } = manifest;
  return {
    archive: { dataset, first, salt, nonce, contentCommitment, published, blocks: openings },
    openedBlocks: blocks,
  };
}

function carOf(vector: Record<string, unknown>): Uint8Array {
  if (typeof vector.carHex === 'string') return fromHex(vector.carHex);
  return concatBytes(...(vector.carPieces as Piece[]).map(expand));
}

function expand(piece: Piece): Uint8Array {
  if (typeof piece === 'string') return fromHex(piece);
  if ('hex' in piece) return concatBytes(...Array.from({ length: piece.times }, () => fromHex(piece.hex)));
  const parts = Array.from({ length: Math.ceil(piece.size / 32) }, (_, i) =>
    nodePrimitives.sha256(concatBytes(utf8(piece.seed), u32(i))),
  );
  return concatBytes(...parts).subarray(0, piece.size);
}

function flipped<T extends Uint8Array>(bytes: T): T {
  const copy = Uint8Array.from(bytes);
  copy[0] = (copy[0] as number) ^ 1;
  return copy as T;
}
