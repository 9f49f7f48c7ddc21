import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chunkCount, chunkRoot, chunkRootFromProof, proveChunk } from '../../core/block/chunk-tree.ts';
import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { to0x } from '../../core/bytes.ts';
import { datasetId } from '../../core/ids.ts';
import { BOTH } from './both-primitives.ts';
import { hex, readVectors, type VectorBytes, vectorBytes } from './read-vectors.ts';

const { cases } = readVectors<{
  cases: {
    dataset: string;
    index: string;
    block: VectorBytes;
    meta: string;
    size: number;
    sha256: string;
    chunkRoot: string;
    metaHash: string;
    digest: string;
  }[];
}>('digests');
const { blocks } = readVectors<{
  blocks: {
    block: VectorBytes;
    chunks: number;
    chunkRoot: string;
    proofs: { r: number; index: number; chunk: VectorBytes; path: string[] }[];
  }[];
}>('chunks');

for (const { name, primitives, slow } of BOTH) {
  describe(`block vectors on ${name}`, () => {
    it('digests: opening and digest of every block', () => {
      for (const vector of cases) {
        if (slow && vector.size > 65_537) continue;
        const opening = openBlock(primitives, vectorBytes(vector.block), hex(vector.meta));
        assert.deepEqual(
          [opening.size, to0x(opening.sha256), to0x(opening.chunkRoot), to0x(opening.metaHash)],
          [vector.size, vector.sha256, vector.chunkRoot, vector.metaHash],
        );
        const id = { dataset: datasetId(vector.dataset), index: Number(vector.index) };
        assert.equal(to0x(blockDigest(primitives, id, opening)), vector.digest);
      }
    });

    it('chunks: count, root, and the proof of the chunk that a random number chooses', () => {
      for (const vector of blocks) {
        const block = vectorBytes(vector.block);
        if (slow && block.length > 65_537) continue;
        assert.equal(chunkCount(block.length), vector.chunks);
        assert.equal(to0x(chunkRoot(primitives, block)), vector.chunkRoot);
        for (const proof of vector.proofs) {
          const made = proveChunk(primitives, block, proof.r);
          assert.deepEqual(Uint8Array.from(made.chunk), vectorBytes(proof.chunk));
          assert.deepEqual(made.path.map(to0x), proof.path);
          const given = { chunk: vectorBytes(proof.chunk), path: proof.path.map(hex) };
          assert.equal(to0x(chunkRootFromProof(primitives, block.length, proof.r, given)), vector.chunkRoot);
        }
      }
    });
  });
}
