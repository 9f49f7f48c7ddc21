import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import type { LogRoot } from '../../core/ids.ts';
import { buildGrowth, growthOfLeaves, readPeaks } from '../../core/log/build-growth.ts';
import { proveConsistency, requireConsistency } from '../../core/log/consistency.ts';
import { type Growth, requireGrowth } from '../../core/log/growth.ts';
import { proveInclusion } from '../../core/log/inclusion.ts';
import { inclusionPath, rootFromPath, rootOfLeafHashes } from '../../core/log/merkle.ts';
import { multiproof, rootFromMultiproof } from '../../core/log/multiproof.ts';
import { appendLeaves, EMPTY_PEAKS, EMPTY_ROOT, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { draws, withBitFlipped } from './draw.ts';
import { NaiveTree, numberedLeaves } from './naive-tree.ts';

const hasher = nodePrimitives;
const MOST = 1025;
const tree = new NaiveTree(numberedLeaves(MOST + 1));
const leaves = tree.leafHashes(MOST);
const log = { hasher, subtrees: subtreesOfLeaves(hasher, leaves) };
const rootOf = (size: number): LogRoot => (size === 0 ? EMPTY_ROOT : (tree.hash(0, size) as LogRoot));
const state = (size: number) => ({ size, root: rootOf(size) });
const draw = draws('log-small');

/** Sizes and places to look at for each size: all of small ones, some of large ones. */
function placesBelow(size: number): number[] {
  if (size <= 40) return Array.from({ length: size }, (_, i) => i);
  return [...new Set([0, 1, size - 1, size - 2, Math.floor(size / 2), draw(size), draw(size), draw(size)])];
}

describe('a log against the tree of RFC 9162, all sizes to 1,025', () => {
  it('peaks, leaf by leaf, hash to the root of every size', async () => {
    let peaks: Peaks = EMPTY_PEAKS;
    assert.deepEqual(rootOfPeaks(hasher, peaks), EMPTY_ROOT);
    for (let size = 1; size <= MOST; size++) {
      peaks = appendLeaves(hasher, peaks, [leaves[size - 1] as Uint8Array]);
      assert.equal(peaks.size, size);
      assert.deepEqual(rootOfPeaks(hasher, peaks), rootOf(size), `root of ${size}`);
      assert.deepEqual(peaks, await readPeaks(log, size), `peaks of ${size}`);
    }
  });

  it('many leaves at once are as many one by one', () => {
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [3, 700],
      [512, 1024],
      [1000, MOST],
    ] as const) {
      const before = appendLeaves(hasher, EMPTY_PEAKS, leaves.slice(0, from));
      const after = appendLeaves(hasher, before, leaves.slice(from, to));
      assert.deepEqual(rootOfPeaks(hasher, after), rootOf(to));
    }
  });

  it('inclusion: the RFC path, and it leads to the root', async () => {
    for (let size = 1; size <= MOST; size++) {
      for (const index of placesBelow(size)) {
        const path = await proveInclusion(log, index, size);
        assert.deepEqual(path, tree.path(index, 0, size), `path of ${index} in ${size}`);
        if (size < 130) assert.deepEqual(inclusionPath(hasher, leaves.slice(0, size), index), path);
        assert.deepEqual(rootFromPath(hasher, leaves[index] as Uint8Array, index, size, path), rootOf(size));
        assert.throws(() => rootFromPath(hasher, leaves[index]!, index, size, [...path, leaves[0]!]), ProofError);
        if (path.length === 0) continue;
        assert.throws(() => rootFromPath(hasher, leaves[index]!, index, size, path.slice(1)), ProofError);
        assert.throws(() => rootFromPath(hasher, leaves[index]!, index, size, path.slice(0, -1)), ProofError);
        const bit = draw(256);
        const bent = path.map((hash, i) => (i === bit % path.length ? withBitFlipped(hash, bit) : hash));
        assert.notDeepEqual(rootFromPath(hasher, leaves[index]!, index, size, bent), rootOf(size));
      }
    }
  });

  it('consistency: the RFC proof, accepted, and refused when bent, cut or stretched', async () => {
    for (let to = 1; to <= MOST; to++) {
      for (const before of placesBelow(to)) {
        const from = before + 1;
        const proof = await proveConsistency(log, from, to);
        assert.deepEqual(proof, tree.consistency(from, to), `from ${from} to ${to}`);
        requireConsistency(hasher, state(from), state(to), proof);
        const refused = (nodes: readonly Uint8Array[], what: string): void =>
          assert.throws(
            () => requireConsistency(hasher, state(from), state(to), nodes),
            ProofError,
            `${what}: ${from} to ${to}`,
          );
        refused([...proof, leaves[0]!], 'one too many');
        if (proof.length === 0) continue;
        refused(proof.slice(1), 'the first left out');
        refused(proof.slice(0, -1), 'the last left out');
        refused(
          proof.map((hash, i) => (i === 0 ? withBitFlipped(hash, to) : hash)),
          'the first bent',
        );
        refused(
          proof.map((hash, i) => (i === proof.length - 1 ? withBitFlipped(hash, to) : hash)),
          'the last bent',
        );
      }
    }
  });

  it('growth: from every size to larger ones, and nothing but the truth', async () => {
    for (let to = 1; to <= MOST; to++) {
      for (const from of placesBelow(to)) {
        const growth = await buildGrowth(log, from, to);
        const grown = requireGrowth(hasher, state(from), state(to), growth);
        const own = growthOfLeaves(hasher, await readPeaks(log, from), leaves.slice(from, to));
        assert.deepEqual(own, growth);
        assert.deepEqual(grown, await readPeaks(log, to), `from ${from} to ${to}`);
        assert.ok(growth.appended.length <= 22 && growth.peaks.length <= 11);
        refuseBent(growth);
      }
    }
  });

  it('no growth where nothing has come, or less is there', async () => {
    for (const [from, to] of [
      [0, 0],
      [5, 5],
      [6, 5],
    ] as const) {
      await assert.rejects(buildGrowth(log, from, to), ArgumentError);
      assert.throws(() => growthOfLeaves(hasher, { size: from, peaks: [] }, []), ArgumentError);
      const growth = { from, to, peaks: (await readPeaks(log, from)).peaks, appended: [] };
      assert.throws(() => requireGrowth(hasher, state(from), state(to), growth), ProofError);
    }
  });

  it('one multiproof for up to 512 records, wherever they are', async () => {
    for (let size = 1; size <= MOST; size += size < 70 ? 1 : 37) {
      for (const count of [1, 2, 3, 17, 512]) {
        const positions = Array.from({ length: Math.min(count, size) }, () => draw(size));
        const nodes = await multiproof(log, positions, size);
        const wanted = new Map(positions.map((index) => [index, leaves[index] as Uint8Array]));
        assert.deepEqual(rootFromMultiproof(hasher, wanted, size, nodes), rootOf(size), `${count} of ${size}`);
        assert.throws(() => rootFromMultiproof(hasher, wanted, size, [...nodes, leaves[0]!]), ProofError);
        if (nodes.length > 0) {
          assert.throws(() => rootFromMultiproof(hasher, wanted, size, nodes.slice(1)), ProofError);
        }
        const [one] = positions as [number];
        const bent = new Map([...wanted, [one, withBitFlipped(leaves[one]!, size)]]);
        assert.notDeepEqual(rootFromMultiproof(hasher, bent, size, nodes), rootOf(size));
      }
    }
  });

  it('a multiproof of one record is its path, by position', async () => {
    for (const [index, size] of [
      [0, 1],
      [2, 3],
      [5, 8],
      [63, 100],
      [1024, MOST],
    ] as const) {
      const path = await proveInclusion(log, index, size);
      const nodes = await multiproof(log, [index], size);
      const byHash = (list: readonly Uint8Array[]) => list.map((hash) => Buffer.from(hash).toString('hex')).sort();
      assert.deepEqual(byHash(nodes), byHash(path));
    }
  });

  it('refuses records outside the log, and none', async () => {
    await assert.rejects(async () => multiproof(log, [], 5), ArgumentError);
    await assert.rejects(async () => multiproof(log, [5], 5), ArgumentError);
    await assert.rejects(async () => multiproof(log, [-1], 5), ArgumentError);
    await assert.rejects(async () => multiproof(log, [0.5], 5), ArgumentError);
    await assert.rejects(proveInclusion(log, 5, 5), ArgumentError);
    await assert.rejects(proveConsistency(log, 0, 5), ArgumentError);
    await assert.rejects(proveConsistency(log, 6, 5), ArgumentError);
    assert.throws(() => requireConsistency(hasher, state(0), state(5), []), ProofError);
  });

  it('the root of equal leaf hashes is that of their tree', () => {
    for (const size of [1, 2, 3, 255, 256, 257]) {
      assert.deepEqual(rootOfLeafHashes(hasher, leaves.slice(0, size)), rootOf(size));
    }
  });
});

/** Everything that is one step off the truth is refused. */
function refuseBent(growth: Growth): void {
  const { from, to, peaks, appended } = growth;
  const refused = (change: Partial<Growth>, what: string): void => {
    const changed = { ...growth, ...change };
    assert.throws(
      () => requireGrowth(hasher, state(from), state(to), changed),
      ProofError,
      `${what}: ${from} to ${to}`,
    );
  };
  const at = draw(appended.length);
  refused({ appended: appended.map((hash, i) => (i === at ? withBitFlipped(hash, draw(256)) : hash)) }, 'one bit');
  refused({ appended: appended.slice(1) }, 'one subtree fewer');
  refused({ appended: [...appended, leaves[0]!] }, 'one subtree more');
  if (appended.length > 1) refused({ appended: [...appended].reverse() }, 'another order');
  refused({ peaks: [...peaks, leaves[0]!] }, 'one peak more');
  if (peaks.length > 0) {
    const peak = draw(peaks.length);
    refused({ peaks: peaks.slice(1) }, 'one peak fewer');
    refused({ peaks: peaks.map((hash, i) => (i === peak ? withBitFlipped(hash, draw(256)) : hash)) }, 'a bent peak');
  }
  if (peaks.length > 1) refused({ peaks: [...peaks].reverse() }, 'peaks in another order');
  refused({ from: from + 1 }, 'another start');
  refused({ to: to + 1 }, 'another end');
  refused({ appended: appended.map((hash) => hash.subarray(1)) }, 'hashes of 31 bytes');
}
