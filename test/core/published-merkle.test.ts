import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { to0x } from '../../core/bytes.ts';
import { appendLeaf, EMPTY_FRONTIER, frontierRoot } from '../../core/log/frontier.ts';
import {
  consistencyProof,
  inclusionPath,
  isConsistent,
  leafHash,
  merkleTreeHash,
  rootFromPath,
} from '../../core/log/merkle.ts';
import { BOTH } from './both-primitives.ts';
import { hex, readVectors } from './vector-bytes.ts';

interface MerkleFile {
  leaves: string[];
  emptyRoot: string;
  roots: string[];
  inclusion: { index: number; size: number; path: string[] }[];
  consistency: { from: number; to: number; proof: string[] }[];
}

const vectors = readVectors<MerkleFile>('published/merkle');
const leaves = vectors.leaves.map(hex);

for (const { name, primitives } of BOTH) {
  describe(`Certificate Transparency reference trees on ${name}`, () => {
    const hashes = leaves.map((leaf) => leafHash(primitives, leaf));

    it('the empty tree and every size to eight', () => {
      assert.equal(to0x(merkleTreeHash(primitives, [])), vectors.emptyRoot);
      let frontier = EMPTY_FRONTIER;
      for (const [number, root] of vectors.roots.entries()) {
        assert.equal(to0x(merkleTreeHash(primitives, leaves.slice(0, number + 1))), root);
        frontier = appendLeaf(primitives, frontier, hashes[number] as Uint8Array);
        assert.equal(to0x(frontierRoot(primitives, frontier)), root);
      }
    });

    for (const { index, size, path } of vectors.inclusion) {
      it(`inclusion of leaf ${index} of ${size}`, () => {
        const made = inclusionPath(primitives, hashes.slice(0, size), index);
        assert.deepEqual(made.map(to0x), path);
        const root = rootFromPath(primitives, hashes[index] as Uint8Array, index, size, path.map(hex));
        assert.equal(to0x(root), vectors.roots[size - 1]);
      });
    }

    for (const { from, to, proof } of vectors.consistency) {
      it(`consistency from ${from} to ${to}`, () => {
        assert.deepEqual(consistencyProof(primitives, hashes.slice(0, to), from).map(to0x), proof);
        const roots = [from, to].map((size) => hex(vectors.roots[size - 1] as string)) as [Uint8Array, Uint8Array];
        assert.equal(isConsistent(primitives, from, to, ...roots, proof.map(hex)), true);
      });
    }
  });
}
