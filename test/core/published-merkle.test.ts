import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { to0x } from '../../core/bytes.ts';
import type { LogRoot } from '../../core/ids.ts';
import { proveConsistency, requireConsistency } from '../../core/log/consistency.ts';
import { proveInclusion } from '../../core/log/inclusion.ts';
import { leafHash, merkleTreeHash, rootFromPath } from '../../core/log/merkle.ts';
import { appendLeaves, EMPTY_PEAKS, rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
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
    const log = { hasher: primitives, subtrees: subtreesOfLeaves(primitives, hashes) };

    it('the empty tree and every size to eight', () => {
      assert.equal(to0x(merkleTreeHash(primitives, [])), vectors.emptyRoot);
      let peaks = EMPTY_PEAKS;
      for (const [number, root] of vectors.roots.entries()) {
        assert.equal(to0x(merkleTreeHash(primitives, leaves.slice(0, number + 1))), root);
        peaks = appendLeaves(primitives, peaks, [hashes[number] as Uint8Array]);
        assert.equal(to0x(rootOfPeaks(primitives, peaks)), root);
      }
    });

    for (const { index, size, path } of vectors.inclusion) {
      it(`inclusion of leaf ${index} of ${size}`, async () => {
        const made = await proveInclusion(log, index, size);
        assert.deepEqual(made.map(to0x), path);
        const root = rootFromPath(primitives, hashes[index] as Uint8Array, index, size, path.map(hex));
        assert.equal(to0x(root), vectors.roots[size - 1]);
      });
    }

    for (const { from, to, proof } of vectors.consistency) {
      it(`consistency from ${from} to ${to}`, async () => {
        assert.deepEqual((await proveConsistency(log, from, to)).map(to0x), proof);
        const [before, after] = [from, to].map((size) => ({
          size,
          root: hex(vectors.roots[size - 1] as string) as LogRoot,
        }));
        assert.ok(before && after);
        requireConsistency(primitives, before, after, proof.map(hex));
      });
    }
  });
}
