import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { equalBytes, toHex } from '../../core/bytes.ts';
import { ArgumentError, ProofError } from '../../core/errors.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import {
  consistencyProof,
  inclusionPath,
  isConsistent,
  merkleTreeHash,
  rootFromPath,
  rootOfLeafHashes,
} from '../../core/log/merkle.ts';
import { multiproof, rootFromMultiproof } from '../../core/log/multiproof.ts';
import { BOTH } from './both-primitives.ts';
import { NaiveTree, numberedLeaves } from './naive-tree.ts';

const LARGEST = 1025;
const leaves = numberedLeaves(LARGEST);
const naive = new NaiveTree(leaves);
const hashes = naive.leafHashes(LARGEST);

/** The leaves whose paths differ in form, and some in between; all of them in small trees. */
function indicesOf(size: number): number[] {
  if (size <= 130) return Array.from({ length: size }, (_, i) => i);
  const half = 2 ** (Math.ceil(Math.log2(size)) - 1);
  return [
    ...new Set([
      0,
      1,
      half - 1,
      half,
      Math.min(half + 1, size - 1),
      size - 2,
      size - 1,
      (size * 7919) % size,
      (size * 31) % 97,
    ]),
  ];
}

function same(found: readonly Uint8Array[], wanted: readonly Uint8Array[]): boolean {
  return found.length === wanted.length && found.every((node, i) => equalBytes(node, wanted[i] as Uint8Array));
}

for (const { name, primitives, slow } of BOTH) {
  const largest = slow ? 70 : LARGEST;
  const sizes = Array.from({ length: largest }, (_, i) => i + 1);

  describe(`RFC 9162 trees of 1 to ${largest} leaves on ${name}, against the definition`, () => {
    it('the root, by levels and by frontier', () => {
      let frontier: Frontier = EMPTY_FRONTIER;
      for (const size of sizes) {
        const root = toHex(naive.hash(0, size));
        frontier = appendLeaf(primitives, frontier, hashes[size - 1] as Uint8Array);
        assert.equal(frontier.leaves, size);
        assert.equal(toHex(frontierRoot(primitives, frontier)), root);
        assert.equal(toHex(rootOfLeafHashes(primitives, hashes.slice(0, size))), root);
      }
      assert.equal(toHex(merkleTreeHash(primitives, leaves.slice(0, largest))), toHex(naive.hash(0, largest)));
    });

    it('a frontier holds one peak for each bit of its size, and nobody else sees it change', () => {
      let frontier: Frontier = EMPTY_FRONTIER;
      for (const size of sizes.slice(0, 130)) {
        const before = frontier.peaks.map(toHex);
        const next = appendLeaf(primitives, frontier, hashes[size - 1] as Uint8Array);
        assert.deepEqual(frontier.peaks.map(toHex), before);
        assert.equal(next.peaks.length, size.toString(2).replaceAll('0', '').length);
        frontier = next;
      }
      assert.ok(EMPTY_FRONTIER.peaks.length === 0 && EMPTY_FRONTIER.leaves === 0);
      assert.equal(toHex(frontierRoot(primitives, EMPTY_FRONTIER)), '00'.repeat(32));
    });

    it('a frontier with a peak missing is refused', () => {
      assert.throws(
        () => appendLeaf(primitives, { leaves: 3, peaks: [hashes[0] as Uint8Array] }, hashes[1] as Uint8Array),
        ArgumentError,
      );
    });

    it('inclusion: every path is the defined one and leads to the root', () => {
      for (const size of sizes) {
        const root = naive.hash(0, size);
        const list = hashes.slice(0, size);
        for (const index of indicesOf(size)) {
          const path = naive.path(index, 0, size);
          if (size <= 130 || index === size - 1)
            assert.ok(same(inclusionPath(primitives, list, index), path), `${index} of ${size}`);
          const led = rootFromPath(primitives, hashes[index] as Uint8Array, index, size, path);
          assert.ok(equalBytes(led, root), `${index} of ${size}`);
        }
      }
    });

    it('consistency: every proof is the defined one and is accepted', () => {
      for (const to of sizes) {
        for (const from of indicesOf(to).map((index) => index + 1)) {
          const proof = naive.consistency(from, to);
          if (to <= 130 || from === to - 1) {
            assert.ok(same(consistencyProof(primitives, hashes.slice(0, to), from), proof), `${from} to ${to}`);
          }
          assert.ok(
            isConsistent(primitives, from, to, naive.hash(0, from), naive.hash(0, to), proof),
            `${from} to ${to}`,
          );
        }
      }
    });

    it('a path is accepted for its own leaf and its own log alone, of all indices and all sizes', () => {
      // A size and its root are one statement (a head, a batch leaf, a digest): a path that fits another size's form
      // leads to a root that this size never had.
      const most = slow ? 10 : 24;
      for (let size = 1; size <= most; size++) {
        for (let index = 0; index < size; index++) {
          const path = naive.path(index, 0, size);
          for (let otherSize = 1; otherSize <= most; otherSize++) {
            for (let other = 0; other < otherSize; other++) {
              if (other === index && otherSize === size) continue;
              let accepted = false;
              try {
                const root = rootFromPath(primitives, hashes[index] as Uint8Array, other, otherSize, path);
                accepted = equalBytes(root, naive.hash(0, otherSize));
              } catch (cause) {
                assert.ok(cause instanceof ProofError);
              }
              assert.ok(!accepted, `the path of ${index} of ${size} as that of ${other} of ${otherSize}`);
            }
          }
        }
      }
    });

    it('a consistency proof is accepted between its own two logs alone', () => {
      const most = slow ? 8 : 18;
      for (let to = 1; to <= most; to++) {
        for (let from = 1; from <= to; from++) {
          const proof = naive.consistency(from, to);
          for (let a = 1; a <= most; a++) {
            for (let b = 1; b <= most; b++) {
              const accepted = isConsistent(primitives, a, b, naive.hash(0, a), naive.hash(0, b), proof);
              // From a log to itself there is nothing to prove: the empty proof serves all of them.
              const wanted = (a === from && b === to) || (a === b && from === to);
              assert.equal(accepted, wanted, `the proof from ${from} to ${to} as that from ${a} to ${b}`);
            }
          }
        }
      }
    });

    it('refuses a path with a step less, a step more, or a step of another length', () => {
      for (const size of [1, 2, 3, 7, 8, 9, 33, 64]) {
        for (let index = 0; index < size; index++) {
          const path = naive.path(index, 0, size);
          const leaf = hashes[index] as Uint8Array;
          const wrong = [
            [...path, leaf],
            [leaf, ...path],
            ...path.map((_, step) => path.filter((__, i) => i !== step)),
            ...path.map((node, step) => path.with(step, node.subarray(1))),
            ...path.map((node, step) => path.with(step, new Uint8Array([...node, 0]))),
          ];
          for (const each of wrong) {
            assert.throws(() => rootFromPath(primitives, leaf, index, size, each), ProofError, `${index} of ${size}`);
          }
        }
      }
    });

    it('notices any one bit changed in a leaf or a step', () => {
      for (const [index, size] of [
        [0, 2],
        [4, 5],
        [5, 8],
        [6, 7],
        [40, 65],
      ] as const) {
        const nodes = [hashes[index] as Uint8Array, ...naive.path(index, 0, size)];
        const root = naive.hash(0, size);
        for (const [at, node] of nodes.entries()) {
          for (let bit = 0; bit < 256; bit += slow ? 37 : 1) {
            const [leaf, ...path] = nodes.with(at, flip(node, bit)) as [Uint8Array, ...Uint8Array[]];
            assert.ok(!equalBytes(rootFromPath(primitives, leaf, index, size, path), root));
          }
        }
      }
    });

    it('notices any one bit changed in a root or a node of a consistency proof', () => {
      for (const [from, to] of [
        [1, 2],
        [3, 7],
        [4, 8],
        [6, 8],
        [33, 65],
      ] as const) {
        const nodes = [naive.hash(0, from), naive.hash(0, to), ...naive.consistency(from, to)];
        for (const [at, node] of nodes.entries()) {
          for (let bit = 0; bit < 256; bit += slow ? 37 : 1) {
            const [oldRoot, newRoot, ...proof] = nodes.with(at, flip(node, bit)) as [
              Uint8Array,
              Uint8Array,
              ...Uint8Array[],
            ];
            assert.ok(!isConsistent(primitives, from, to, oldRoot, newRoot, proof), `node ${at} from ${from} to ${to}`);
          }
        }
        const proof = naive.consistency(from, to);
        for (const wrong of [[...proof, nodes[0] as Uint8Array], proof.slice(1), proof.slice(0, -1), []]) {
          assert.ok(!isConsistent(primitives, from, to, naive.hash(0, from), naive.hash(0, to), wrong));
        }
      }
    });

    it('a consistency proof that stops early or goes on too long is refused, even where the hashes fit', () => {
      const at = (from: number, to: number): Uint8Array => naive.hash(from, to);
      // The old root passed off as the new one, with nothing in between.
      assert.ok(!isConsistent(primitives, 4, 8, at(0, 4), at(0, 4), []));
      assert.ok(!isConsistent(primitives, 2, 3, at(0, 2), at(0, 2), []));
      // The root of seven leaves passed off as that of three: one step more than three and four leaves have.
      const node = (left: Uint8Array, right: Uint8Array): Uint8Array =>
        primitives.sha256(new Uint8Array([1, ...left, ...right]));
      const made = node(at(0, 4), node(at(4, 6), node(at(6, 7), at(7, 8))));
      assert.ok(!isConsistent(primitives, 3, 4, at(0, 7), made, [at(6, 7), at(7, 8), at(4, 6), at(0, 4)]));
      assert.ok(isConsistent(primitives, 7, 8, at(0, 7), made, [at(6, 7), at(7, 8), at(4, 6), at(0, 4)]));
    });

    it('refuses leaves and sizes that cannot be', () => {
      const leaf = hashes[0] as Uint8Array;
      for (const [index, size] of [
        [0, 0],
        [-1, 2],
        [2, 2],
        [0.5, 2],
        [0, 1.5],
        [Number.NaN, 2],
        [0, 2 ** 53],
      ] as const) {
        assert.throws(() => rootFromPath(primitives, leaf, index, size, []), ArgumentError, `${index} of ${size}`);
      }
      assert.throws(() => inclusionPath(primitives, hashes.slice(0, 3), 3), ArgumentError);
      for (const from of [0, 4]) {
        assert.throws(() => consistencyProof(primitives, hashes.slice(0, 3), from), ArgumentError);
        assert.equal(isConsistent(primitives, from, 3, leaf, leaf, []), false);
      }
    });

    it('a path of the largest log that can be counted ends, with its 53 steps', () => {
      const path = Array.from({ length: 53 }, () => hashes[1] as Uint8Array);
      assert.equal(rootFromPath(primitives, hashes[0] as Uint8Array, 0, 2 ** 53 - 1, path).length, 32);
      assert.throws(() => rootFromPath(primitives, hashes[0] as Uint8Array, 0, 2 ** 53 - 1, path.slice(1)), ProofError);
    });
  });

  describe(`proofs for many leaves on ${name}`, () => {
    const subtree = (from: number, to: number): Uint8Array => naive.hash(from, to);
    const leafMap = (positions: readonly number[]): Map<number, Uint8Array> =>
      new Map(positions.map((position) => [position, hashes[position] as Uint8Array]));
    const sets = fc.integer({ min: 1, max: largest }).chain((size) =>
      fc.record({
        size: fc.constant(size),
        positions: fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), {
          minLength: 1,
          maxLength: Math.min(size, 40),
        }),
      }),
    );

    it('lead to the root for random sets of leaves, in any order of asking', async () => {
      await fc.assert(
        fc.asyncProperty(sets, async ({ size, positions }) => {
          const nodes = await multiproof(positions, size, subtree);
          assert.deepEqual(await multiproof([...positions, ...positions].reverse(), size, subtree), nodes);
          const root = rootFromMultiproof(primitives, leafMap(positions), size, nodes);
          assert.ok(equalBytes(root, naive.hash(0, size)));
        }),
        { numRuns: slow ? 15 : 300, seed: 9162 },
      );
    });

    it('hold, for one leaf, exactly the nodes of its path', async () => {
      for (const size of [1, 2, 5, 8, 13, 64, 70]) {
        for (let index = 0; index < size; index++) {
          const nodes = await multiproof([index], size, subtree);
          const path = naive.path(index, 0, size);
          assert.deepEqual(nodes.map(toHex).sort(), path.map(toHex).sort());
        }
      }
    });

    it('need no node when all leaves are proven', async () => {
      for (const size of [1, 2, 3, 31, 64]) {
        const positions = Array.from({ length: size }, (_, i) => i);
        assert.deepEqual(await multiproof(positions, size, subtree), []);
        assert.ok(equalBytes(rootFromMultiproof(primitives, leafMap(positions), size, []), naive.hash(0, size)));
      }
    });

    it('are refused or lead elsewhere with any bit, node, leaf, position or size changed', async () => {
      await fc.assert(
        fc.asyncProperty(sets, fc.nat(), fc.nat(), async ({ size, positions }, a, b) => {
          const nodes = await multiproof(positions, size, subtree);
          const leads = (map: Map<number, Uint8Array>, inSize: number, given: Uint8Array[]): boolean => {
            try {
              return equalBytes(rootFromMultiproof(primitives, map, inSize, given), naive.hash(0, inSize));
            } catch (cause) {
              assert.ok(cause instanceof ProofError || cause instanceof ArgumentError);
              return false;
            }
          };
          const map = leafMap(positions);
          assert.ok(leads(map, size, nodes));
          const position = positions[a % positions.length] as number;
          assert.ok(!leads(new Map(map).set(position, flip(map.get(position) as Uint8Array, b % 256)), size, nodes));
          if (nodes.length > 0) {
            const at = a % nodes.length;
            assert.ok(!leads(map, size, nodes.with(at, flip(nodes[at] as Uint8Array, b % 256))));
            assert.ok(!leads(map, size, nodes.toSpliced(at, 1)));
            assert.ok(!leads(map, size, nodes.with(at, (nodes[at] as Uint8Array).subarray(1))));
          }
          assert.ok(!leads(map, size, [...nodes, hashes[0] as Uint8Array]));
          const elsewhere = (position + 1 + (b % size)) % size;
          if (!map.has(elsewhere)) {
            const moved = new Map(map);
            moved.delete(position);
            assert.ok(!leads(moved.set(elsewhere, hashes[position] as Uint8Array), size, nodes));
          }
          for (const other of [size - 1, size + 1, 2 * size]) {
            if (other >= 1 && other <= LARGEST) assert.ok(!leads(map, other, nodes), `size ${other} for ${size}`);
          }
        }),
        { numRuns: slow ? 10 : 200, seed: 9162 },
      );
    });

    it('are refused without leaves, and for leaves outside the tree', async () => {
      assert.throws(() => rootFromMultiproof(primitives, new Map(), 4, []), ArgumentError);
      for (const position of [-1, 4, 0.5, Number.NaN]) {
        assert.throws(
          () => rootFromMultiproof(primitives, new Map([[position, hashes[0] as Uint8Array]]), 4, []),
          ArgumentError,
        );
        await assert.rejects(multiproof([position], 4, subtree), ArgumentError);
      }
      assert.throws(() => rootFromMultiproof(primitives, leafMap([0]), 0, []), ArgumentError);
      assert.throws(() => rootFromMultiproof(primitives, leafMap([0]), Number.POSITIVE_INFINITY, []), ArgumentError);
    });
  });
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}
