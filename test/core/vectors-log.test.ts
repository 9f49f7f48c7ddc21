import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { to0x } from '../../core/bytes.ts';
import { type DatasetId, datasetId, type LogRoot, type MapRoot, type RoundRoot } from '../../core/ids.ts';
import { buildGrowth, readPeaks } from '../../core/log/build-growth.ts';
import { buildTiles } from '../../core/log/build-tiles.ts';
import { proveConsistency, requireConsistency } from '../../core/log/consistency.ts';
import { requireGrowth } from '../../core/log/growth.ts';
import { proveInclusion } from '../../core/log/inclusion.ts';
import { leafHash, rootFromPath } from '../../core/log/merkle.ts';
import { multiproof, rootFromMultiproof } from '../../core/log/multiproof.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { buildNextRound, type LastRound, proveRound, requireInHistory, roundHash } from '../../core/rounds/history.ts';
import { EMPTY_MAP, type MapLeaf, mapLeafHash } from '../../core/rounds/map-leaf.ts';
import { mapFromProof } from '../../core/rounds/map-proof.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { roundRoot } from '../../core/rounds/round.ts';
import { updateMap } from '../../core/rounds/update-map.ts';
import { BOTH } from './both-primitives.ts';
import { MemoryPages } from './memory-pages.ts';
import { hex, readVectors, vectorBytes } from './read-vectors.ts';

const log = readVectors<{
  records: number;
  firstLeafHashes: string[];
  heads: { size: number; root: string; peaks: string[] }[];
  inclusion: { index: number; size: number; path: string[] }[];
  consistency: { from: number; to: number; proof: string[] }[];
  growth: { from: number; to: number; peaks: string[]; appended: string[] }[];
  multiproofs: { indices: number[]; size: number; nodes: string[] }[];
  tiles: { level: number; number: number; sha256: string }[];
}>('log');
interface LeafJson {
  dataset: string;
  size: string;
  root: string;
  serial: number;
  signature: string;
  signatureHash: string;
  hash: string;
}
const rounds = readVectors<{
  leaves: LeafJson[];
  maps: {
    name: string;
    leaves: LeafJson[];
    map: string;
    proofs: { dataset: string; isPresent: boolean; path: string[]; end: string | null }[];
  }[];
  rounds: {
    number: number;
    time: number;
    previous: string;
    history: string;
    map: string;
    body: string;
    round: string;
    leafHash: string;
    historyPaths: string[][];
  }[];
}>('rounds');

for (const { name, primitives: hasher } of BOTH) {
  const leaves = Array.from({ length: log.records }, (_, i) =>
    leafHash(hasher, vectorBytes({ seed: `log/${i}`, size: 96 })),
  );
  const reader = { hasher, subtrees: subtreesOfLeaves(hasher, leaves) };
  const rootAt = async (size: number): Promise<LogRoot> => rootOfPeaks(hasher, await readPeaks(reader, size));
  const stateAt = async (size: number) => ({ size, root: await rootAt(size) });

  describe(`log vectors on ${name}`, () => {
    it('heads and peaks', async () => {
      assert.deepEqual(leaves.slice(0, 5).map(to0x), log.firstLeafHashes);
      for (const { size, root, peaks } of log.heads) {
        assert.equal(to0x(await rootAt(size)), root);
        assert.deepEqual((await readPeaks(reader, size)).peaks.map(to0x), peaks);
      }
    });

    it('inclusion, consistency, growth and multiproofs, made and accepted', async () => {
      for (const { index, size, path } of log.inclusion) {
        assert.deepEqual((await proveInclusion(reader, index, size)).map(to0x), path);
        assert.deepEqual(rootFromPath(hasher, leaves[index]!, index, size, path.map(hex)), await rootAt(size));
      }
      for (const { from, to, proof } of log.consistency) {
        assert.deepEqual((await proveConsistency(reader, from, to)).map(to0x), proof);
        requireConsistency(hasher, await stateAt(from), await stateAt(to), proof.map(hex));
      }
      for (const { from, to, peaks, appended } of log.growth) {
        const growth = await buildGrowth(reader, from, to);
        assert.deepEqual(
          { from, to, peaks, appended },
          {
            from,
            to,
            peaks: growth.peaks.map(to0x),
            appended: growth.appended.map(to0x),
          },
        );
        requireGrowth(hasher, await stateAt(from), await stateAt(to), growth);
      }
      for (const { indices, size, nodes } of log.multiproofs) {
        assert.deepEqual((await multiproof(reader, indices, size)).map(to0x), nodes);
        const proven = new Map(indices.map((index) => [index, leaves[index] as Uint8Array]));
        assert.deepEqual(rootFromMultiproof(hasher, proven, size, nodes.map(hex)), await rootAt(size));
      }
    });

    it('tiles', async () => {
      const tiles: { level: number; number: number; sha256: string }[] = [];
      for await (const { level, number, bytes } of buildTiles(reader, 0, log.records)) {
        tiles.push({ level, number, sha256: to0x(hasher.sha256(bytes)) });
      }
      assert.deepEqual(tiles, log.tiles);
    });
  });

  describe(`round vectors on ${name}`, () => {
    const leafOf = (json: LeafJson): MapLeaf => ({
      dataset: datasetId(json.dataset),
      size: Number(json.size),
      root: hex(json.root) as LogRoot,
      serial: json.serial,
      signatureHash: hex(json.signatureHash),
    });

    it('leaves', () => {
      for (const json of rounds.leaves) {
        assert.equal(to0x(hasher.sha256(hex(json.signature))), json.signatureHash);
        assert.equal(to0x(mapLeafHash(hasher, leafOf(json))), json.hash);
      }
    });

    for (const { name: shape, leaves: held, map, proofs } of rounds.maps) {
      it(`a map of ${shape}`, async () => {
        const byId = new Map<DatasetId, MapLeaf>(held.map((json) => [datasetId(json.dataset), leafOf(json)]));
        const pages = new MemoryPages();
        const changes = [...byId].map(([dataset, leaf]) => ({ dataset, leaf }));
        const made = await updateMap(hasher, pages, EMPTY_MAP, changes);
        assert.equal(to0x(made.map), map);
        for (const { dataset, isPresent, path, end } of proofs) {
          const id = datasetId(dataset);
          const proof = { path: path.map(hex), end: end === null ? null : (byId.get(datasetId(end)) as MapLeaf) };
          assert.deepEqual(await proveInMap(hasher, pages, made.map, id), proof);
          const found = mapFromProof(hasher, id, proof);
          assert.equal(to0x(found.map), map);
          assert.deepEqual(found.leaf, isPresent ? byId.get(id) : null);
        }
      });
    }

    it('bodies, rounds and histories', async () => {
      let last: LastRound | null = null;
      const hashes: Uint8Array[] = [];
      for (const round of rounds.rounds) {
        const next = buildNextRound(hasher, last, hex(round.map) as MapRoot);
        assert.deepEqual(
          { number: next.number, previous: to0x(next.previous), history: to0x(next.history), body: to0x(next.body) },
          { number: round.number, previous: round.previous, history: round.history, body: round.body },
        );
        const root = roundRoot(hasher, round.time, next.previous, next.body);
        assert.equal(to0x(root), round.round);
        for (const [i, path] of round.historyPaths.entries()) {
          const older = { number: i + 1, root: hex(rounds.rounds[i]!.round) as RoundRoot };
          requireInHistory(hasher, next, older, path.map(hex));
          const reader = { hasher, subtrees: subtreesOfLeaves(hasher, hashes) };
          assert.deepEqual((await proveRound(reader, i + 1, round.number)).map(to0x), path);
        }
        assert.equal(to0x(roundHash(hasher, root)), round.leafHash);
        hashes.push(roundHash(hasher, root));
        last = { number: next.number, root, history: next.historyPeaks };
      }
    });
  });
}
