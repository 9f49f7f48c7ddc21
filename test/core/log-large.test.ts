import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import type { LogRoot } from '../../core/ids.ts';
import { buildGrowth, growthSteps, readPeaks } from '../../core/log/build-growth.ts';
import { proveConsistency, requireConsistency } from '../../core/log/consistency.ts';
import { requireBoundedGrowth, requireGrowth } from '../../core/log/growth.ts';
import { proveInclusion } from '../../core/log/inclusion.ts';
import { rootFromPath } from '../../core/log/merkle.ts';
import { multiproof, rootFromMultiproof } from '../../core/log/multiproof.ts';
import { EMPTY_ROOT, rootOfPeaks } from '../../core/log/peaks.ts';
import { appendedSubtrees, peakSubtrees } from '../../core/log/subtrees.ts';
import { LazyTree } from './lazy-tree.ts';

const hasher = nodePrimitives;
const size = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 40 }),
  fc.integer({ min: 1, max: 40 }).map((bits) => 2 ** bits),
  fc.integer({ min: 1, max: 40 }).map((bits) => 2 ** bits - 1),
  fc.integer({ min: 1, max: 39 }).map((bits) => 2 ** bits + 1),
);
const runs = { numRuns: 300, seed: 10 };

/** A log with records of its own at some places, and at both sides of `sizes`. */
function treeAround(places: readonly number[], sizes: readonly number[]): LazyTree {
  return new LazyTree([...places, ...sizes.flatMap((one) => [one - 1, one])]);
}
const stateOf = (tree: LazyTree, to: number) => ({ size: to, root: tree.hash(0, to) as LogRoot });

describe('a log of up to 2^40 records', () => {
  it('inclusion and multiproofs lead to the root, wherever the records are', async () => {
    await fc.assert(
      fc.asyncProperty(
        size,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }),
        async (to, shares) => {
          const places = shares.map((share) => Math.min(to - 1, Math.floor(share * to)));
          const tree = treeAround(places, [to]);
          const log = { hasher, subtrees: tree.source };
          const [index] = places as [number];
          const path = await proveInclusion(log, index, to);
          assert.deepEqual(path, tree.path(index, 0, to));
          assert.deepEqual(rootFromPath(hasher, tree.leaf(index), index, to, path), tree.hash(0, to));
          const nodes = await multiproof(log, places, to);
          const leaves = new Map(places.map((one) => [one, tree.leaf(one)]));
          assert.deepEqual(rootFromMultiproof(hasher, leaves, to, nodes), tree.hash(0, to));
          if (nodes.length > 0)
            assert.throws(() => rootFromMultiproof(hasher, leaves, to, nodes.slice(0, -1)), ProofError);
          assert.throws(() => rootFromMultiproof(hasher, leaves, to, [...nodes, tree.leaf(0)]), ProofError);
        },
      ),
      runs,
    );
  });

  it('growth and consistency between any two sizes; another log at one place is refused', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, fc.double({ min: 0, max: 1, noNaN: true }), async (a, b, share) => {
        fc.pre(a !== b);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const tree = treeAround([], [from, to]);
        const log = { hasher, subtrees: tree.source };
        const growth = await buildGrowth(log, from, to);
        const peaks = requireGrowth(hasher, stateOf(tree, from), stateOf(tree, to), growth);
        assert.deepEqual(peaks, await readPeaks(log, to));
        assert.deepEqual(rootOfPeaks(hasher, peaks), tree.hash(0, to));
        const proof = await proveConsistency(log, from, to);
        assert.deepEqual(proof, tree.consistency(from, to));
        requireConsistency(hasher, stateOf(tree, from), stateOf(tree, to), proof);

        const place = Math.min(to - 1, Math.floor(share * to));
        const other = new LazyTree([from - 1, from, to - 1, to, place], 'another');
        assert.throws(() => requireGrowth(hasher, stateOf(tree, from), stateOf(other, to), growth), ProofError);
        assert.throws(() => requireConsistency(hasher, stateOf(tree, from), stateOf(other, to), proof), ProofError);
        const wrong = await buildGrowth({ subtrees: other.source }, from, to);
        assert.throws(() => requireGrowth(hasher, stateOf(tree, from), stateOf(other, to), wrong), ProofError);
        const wrongProof = await proveConsistency({ hasher, subtrees: other.source }, from, to);
        assert.throws(
          () => requireConsistency(hasher, stateOf(tree, from), stateOf(other, to), wrongProof),
          ProofError,
        );
      }),
      runs,
    );
  });

  it('512 records spread over 2^40 take 31 nodes each: the tops of their paths are shared', async () => {
    const to = 2 ** 40 - 7;
    const places = Array.from({ length: 512 }, (_, i) => Math.floor((i * to) / 512) + i);
    const tree = new LazyTree(places);
    const nodes = await multiproof({ hasher, subtrees: tree.source }, places, to);
    assert.equal(nodes.length, 512 * 31);
    assert.deepEqual(
      rootFromMultiproof(hasher, new Map(places.map((one) => [one, tree.leaf(one)])), to, nodes),
      tree.hash(0, to),
    );
  });

  it('perfect subtrees by the words of the design, checked in whole numbers', () => {
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        let at = BigInt(from);
        for (const subtree of appendedSubtrees(from, to)) {
          let width = 1n;
          while (at % (2n * width) === 0n && at + 2n * width <= BigInt(to)) width *= 2n;
          assert.equal(BigInt(subtree.from), at);
          assert.equal(2n ** BigInt(subtree.level), width);
          at += width;
        }
        assert.equal(at, BigInt(to));
        const bits = [...BigInt(to).toString(2)].flatMap((bit, i, all) => (bit === '1' ? [all.length - 1 - i] : []));
        assert.deepEqual(
          peakSubtrees(to).map(({ level }) => level),
          bits,
        );
      }),
      { numRuns: 2000, seed: 11 },
    );
  });

  it('a head adds at most 2^28 blocks to the one it grows from', async () => {
    const [from, to] = [12_345, 12_345 + 2 ** 28];
    const tree = new LazyTree([from, to]);
    const log = { hasher, subtrees: tree.source };
    const growth = await buildGrowth(log, from, to);
    requireBoundedGrowth(hasher, stateOf(tree, from), stateOf(tree, to), growth);
    const more = await buildGrowth(log, from, to + 1);
    requireGrowth(hasher, stateOf(tree, from), stateOf(tree, to + 1), more);
    assert.throws(
      () => requireBoundedGrowth(hasher, stateOf(tree, from), stateOf(tree, to + 1), more),
      /grows by 268435457 blocks at once/,
    );
    assert.deepEqual(growthSteps(from, to + 1), [to, to + 1]);
    assert.deepEqual(growthSteps(0, 3 * 2 ** 28), [2 ** 28, 2 * 2 ** 28, 3 * 2 ** 28]);
    assert.deepEqual(growthSteps(5, 5), []);
  });

  it('a log ends at 2^48 records', async () => {
    const end = 2 ** 48;
    const tree = new LazyTree([0, end - 1]);
    assert.deepEqual(peakSubtrees(end), [{ from: 0, level: 48 }]);
    const path = await proveInclusion({ hasher, subtrees: tree.source }, end - 1, end);
    assert.equal(path.length, 48);
    assert.deepEqual(rootFromPath(hasher, tree.leaf(end - 1), end - 1, end, path), tree.hash(0, end));
    const growth = { from: 0, to: end + 1, peaks: [], appended: [tree.leaf(0), tree.leaf(0)] };
    const empty = { size: 0, root: EMPTY_ROOT };
    assert.throws(() => requireGrowth(hasher, empty, { size: end + 1, root: EMPTY_ROOT }, growth), ProofError);
    assert.throws(() => peakSubtrees(end + 1), ArgumentError);
    assert.throws(() => appendedSubtrees(0, end + 1), ArgumentError);
    assert.throws(() => appendedSubtrees(5, 4), ArgumentError);
    assert.throws(() => peakSubtrees(-1), ArgumentError);
    assert.throws(() => peakSubtrees(1.5), ArgumentError);
  });
});
