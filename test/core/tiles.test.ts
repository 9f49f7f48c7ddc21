import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ArgumentError } from '../../core/errors.ts';
import { datasetId } from '../../core/ids.ts';
import { buildTiles } from '../../core/log/build-tiles.ts';
import { mendSubtrees } from '../../core/log/mend-subtrees.ts';
import { multiproof, rootFromMultiproof } from '../../core/log/multiproof.ts';
import { subtreesOfTiles } from '../../core/log/subtrees-of-tiles.ts';
import { completedTiles, parseTileKey, TILE_BYTES, type TilePlace, tileKey } from '../../core/log/tiles.ts';
import { draws } from './draw.ts';
import { LazyTree } from './lazy-tree.ts';

const hasher = nodePrimitives;
const dataset = datasetId(`0x${'ab'.repeat(32)}`);
const draw = draws('tiles');
const name = ({ level, number }: TilePlace): string => `${level}/${number}`;

describe('tiles of a log', () => {
  it('hold the 256 roots of perfect subtrees of 256^level records, by the words of the design', async () => {
    const tree = new LazyTree([3, 700, 65_000, 70_000]);
    const tiles = new Map<string, Uint8Array>();
    for await (const tile of buildTiles({ subtrees: tree.source }, 0, 131_072)) tiles.set(name(tile), tile.bytes);
    assert.equal(tiles.size, 512 + 2);
    for (const [level, number] of [
      [0, 0],
      [0, 2],
      [0, 511],
      [1, 0],
      [1, 1],
    ] as const) {
      const bytes = tiles.get(name({ level, number })) as Uint8Array;
      assert.equal(bytes.length, TILE_BYTES);
      for (const entry of [0, 1, 17, 255]) {
        const from = (256 * number + entry) * 256 ** level;
        assert.deepEqual(bytes.slice(32 * entry, 32 * entry + 32), tree.hash(from, from + 256 ** level));
      }
    }
  });

  it('become whole while the log grows, each once, lower levels first', () => {
    const whole = [...completedTiles(0, 200_000)];
    const sizes = [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 131_072, 199_999, 200_000];
    const grown = sizes.slice(1).flatMap((to, i) => [...completedTiles(sizes[i] as number, to)]);
    assert.deepEqual(grown.map(name).sort(), whole.map(name).sort());
    assert.equal(new Set(whole.map(name)).size, Math.floor(200_000 / 256) + Math.floor(200_000 / 65_536));
    for (const [i, { level }] of whole.entries()) assert.ok(i === 0 || level >= whole[i - 1]!.level);
    assert.deepEqual(
      [...completedTiles(2 ** 48 - 1, 2 ** 48)].map(({ level }) => level),
      [0, 1, 2, 3, 4, 5],
    );
    assert.throws(() => [...completedTiles(5, 4)], ArgumentError);
  });

  it('give every proof, whichever of them are lost, as long as leaves are left', async () => {
    const size = 65_536 * 2 + 256 * 40 + 77;
    const tree = new LazyTree([1, 65_537, size - 1, 131_072]);
    const tiles = new Map<string, Uint8Array>();
    for await (const tile of buildTiles({ subtrees: tree.source }, 0, size)) tiles.set(name(tile), tile.bytes);
    const lost = new Set<string>();
    let read = 0;
    let leaves = 0;
    const tiled = subtreesOfTiles({
      hasher,
      size,
      readTile: async (place) => {
        read++;
        return lost.has(name(place)) ? null : (tiles.get(name(place)) ?? null);
      },
      readLeaves: async (from, to) => {
        leaves += to - from;
        return Array.from({ length: to - from }, (_, i) => tree.leaf(from + i));
      },
    });
    const subtrees = mendSubtrees(hasher, [tiled]);
    const positions = [...Array.from({ length: 458 }, () => draw(size)), 0, size - 1];
    const proven = new Map(positions.map((one) => [one, tree.leaf(one)]));
    const prove = async (): Promise<void> => {
      const nodes = await multiproof({ hasher, subtrees }, positions, size);
      assert.deepEqual(rootFromMultiproof(hasher, proven, size, nodes), tree.hash(0, size));
    };
    await prove();
    assert.ok(read <= 600, `${read} tiles were read`);
    assert.ok(leaves <= 256, `${leaves} leaves were read`);
    for (const tile of tiles.keys()) if (draw(3) === 0) lost.add(tile);
    lost.add('1/0');
    await prove();
    for (const tile of tiles.keys()) lost.add(tile);
    await prove();
  });

  it('refuse bytes that are no tile', async () => {
    const subtrees = subtreesOfTiles({
      hasher,
      size: 256,
      readTile: async () => new Uint8Array(TILE_BYTES - 1),
      readLeaves: async () => [],
    });
    await assert.rejects(subtrees([{ from: 0, level: 3 }]), ArgumentError);
  });

  it('have keys that read back, and no others do', () => {
    for (const place of [
      { level: 0, number: 0 },
      { level: 1, number: 17 },
      { level: 5, number: 0 },
      { level: 0, number: 2 ** 40 - 1 },
    ]) {
      const key = tileKey(dataset, place);
      assert.equal(key, `${'ab'.repeat(32)}/tile/${place.level}/${place.number}`);
      assert.deepEqual(parseTileKey(key), { dataset, ...place });
    }
    const id = 'ab'.repeat(32);
    for (const key of [
      `${id}/tile/6/0`,
      `${id}/tile/5/1`,
      `${id}/tile/0/${2 ** 40}`,
      `${id}/tile/0/00`,
      `${id}/tile/0/-1`,
      `${id}/tile/00/1`,
      `${id}/tile/0/1.5`,
      `${id}/tile/0/`,
      `0x${id}/tile/0/1`,
      `${id.toUpperCase()}/tile/0/1`,
      `${id}/tile/0/1/2`,
      `${id}/tiles/0/1`,
    ]) {
      assert.equal(parseTileKey(key), null, key);
    }
  });
});
