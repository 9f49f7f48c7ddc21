import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives as hasher } from '../../adapters/crypto/node-primitives.ts';
import { StateError } from '../../core/errors.ts';
import type { LogRoot } from '../../core/ids.ts';
import { buildGrowth } from '../../core/log/build-growth.ts';
import { buildTiles } from '../../core/log/build-tiles.ts';
import { requireGrowth } from '../../core/log/growth.ts';
import { proveInclusion } from '../../core/log/inclusion.ts';
import { mendSubtrees } from '../../core/log/mend-subtrees.ts';
import { rootFromPath } from '../../core/log/merkle.ts';
import { multiproof, rootFromMultiproof } from '../../core/log/multiproof.ts';
import { type RecordedGrowth, subtreesOfEvents } from '../../core/log/rebuild-peaks.ts';
import { subtreesOfTiles } from '../../core/log/subtrees-of-tiles.ts';
import { completedTiles } from '../../core/log/tiles.ts';
import { LazyTree } from './lazy-tree.ts';

/*
 * A thief with a device's key has recorded a head whose blocks nobody has; the log goes on behind it. Storage has leaf hashes
 * and tiles of all other blocks, the chain's events everything else.
 */

interface Stretch {
  readonly name: string;
  readonly before: number;
  readonly junk: number;
  readonly after: number;
}
const stretches: readonly Stretch[] = [
  { name: 'one junk record', before: 3, junk: 1, after: 400 },
  { name: 'one junk record behind 700', before: 700, junk: 1, after: 70_000 },
  { name: 'a growth of 2^28', before: 1_000, junk: 2 ** 28, after: 3_000 },
  { name: 'a growth of 2^28 from the beginning', before: 0, junk: 2 ** 28, after: 300 },
  { name: 'a growth of 2^28 - 1 behind 65,536', before: 65_536, junk: 2 ** 28 - 1, after: 66_000 },
];

for (const { name, before, junk, after } of stretches) {
  describe(`behind ${name}`, () => {
    const [from, to] = [before, before + junk];
    const size = to + after;
    const tree = new LazyTree([0, from, to - 1, to, size - 1]);
    const isLost = (index: number): boolean => index >= from && index < to;
    let asked = 0;

    async function makeLog() {
      const sizes = [before, to, to + Math.floor(after / 3), size].filter((one) => one > 0);
      const events: RecordedGrowth[] = [];
      for (const [i, one] of sizes.entries()) {
        const { appended } = await buildGrowth({ subtrees: tree.source }, sizes[i - 1] ?? 0, one);
        events.push({ size: one, root: tree.hash(0, one) as LogRoot, appended });
      }
      const tiles = new Map<string, Uint8Array>();
      for (const [begin, end] of [
        [0, from],
        [to, size],
      ] as const) {
        for await (const { level, number, bytes } of buildTiles({ subtrees: tree.source }, begin, end)) {
          const span = 256 ** (level + 1);
          // Tiles that reach into the stretch could be made by nobody.
          if (number * span >= to || (number + 1) * span <= from) tiles.set(`${level}/${number}`, bytes);
        }
      }
      const known = subtreesOfEvents(hasher, events);
      const tiled = subtreesOfTiles({
        hasher,
        size,
        readTile: async ({ level, number }) => {
          asked++;
          return tiles.get(`${level}/${number}`) ?? null;
        },
        readLeaves: async (begin, end) => {
          asked++;
          const indices = Array.from({ length: end - begin }, (_, i) => begin + i);
          return indices.some(isLost) ? null : indices.map((index) => tree.leaf(index));
        },
      });
      return { hasher, subtrees: mendSubtrees(hasher, [known.subtrees, tiled], 4096) };
    }

    it('all other blocks stay provable, in bounded work', async () => {
      const log = await makeLog();
      const places = [0, before - 1, before - 3, to, to + 1, to + 255, to + 299, size - 1].filter(
        (index) => index >= 0 && index < size && !isLost(index),
      );
      asked = 0;
      for (const index of places) {
        const path = await proveInclusion(log, index, size);
        assert.deepEqual(rootFromPath(hasher, tree.leaf(index), index, size, path), tree.hash(0, size));
      }
      const nodes = await multiproof(log, places, size);
      const leaves = new Map(places.map((index) => [index, tree.leaf(index)]));
      assert.deepEqual(rootFromMultiproof(hasher, leaves, size, nodes), tree.hash(0, size));
      assert.ok(asked < 12_000, `${asked} tiles and leaves were asked for`);
    });

    it('tiles go on: those that reach into it are left out, all others are made', async () => {
      const log = await makeLog();
      const made = new Set<string>();
      for await (const { level, number, bytes } of buildTiles(log, to, size)) {
        made.add(`${level}/${number}`);
        const first = number * 256 ** (level + 1);
        assert.deepEqual(bytes.slice(0, 32), tree.hash(first, first + 256 ** level));
      }
      for (const { level, number } of completedTiles(to, size)) {
        const span = 256 ** (level + 1);
        const reachesIn = number * span < to && (number + 1) * span > from;
        if (!reachesIn) assert.ok(made.has(`${level}/${number}`), `${level}/${number}`);
      }
    });

    it('growth and consistency between recorded heads stay provable', async () => {
      const log = await makeLog();
      for (const one of [before, to].filter((at) => at > 0)) {
        const growth = await buildGrowth(log, one, size);
        const state = (at: number) => ({ size: at, root: tree.hash(0, at) as LogRoot });
        requireGrowth(hasher, state(one), state(size), growth);
      }
    });

    it('the lost blocks are given up at once', async () => {
      const log = await makeLog();
      asked = 0;
      for (const index of [from, to - 1, from + Math.floor(junk / 2)]) {
        // A record that was appended alone has the event's word for its leaf hash: it is proven, though nobody has its block.
        if (junk === 1 || (index === to - 1 && to % 2 === 1)) continue;
        await assert.rejects(proveInclusion(log, index, size), StateError, `block ${index}`);
      }
      assert.ok(asked < 20_000, `${asked} tiles and leaves were asked for`);
    });
  });
}
