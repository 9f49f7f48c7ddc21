import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../core/bytes.ts';
import { ArgumentError, ProofError, StateError } from '../../core/errors.ts';
import { type DatasetId, datasetId, type LogRoot } from '../../core/ids.ts';
import { EMPTY_MAP, type MapLeaf } from '../../core/rounds/map-leaf.ts';
import { decodePage, encodePage } from '../../core/rounds/map-page.ts';
import { type MapProof, mapFromProof } from '../../core/rounds/map-proof.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { listMap, readHeadsInMap } from '../../core/rounds/read-map.ts';
import { holdsKeptRound, isLastOfPeriod } from '../../core/rounds/thin-maps.ts';
import { type MapChange, updateMap } from '../../core/rounds/update-map.ts';
import { BOTH } from './both-primitives.ts';
import { draws, withBitFlipped } from './draw.ts';
import { MemoryPages } from './memory-pages.ts';
import { naiveMap, naiveProof } from './naive-map.ts';

const sha256 = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());
const idOf = (bytes: Uint8Array): DatasetId => datasetId(toHex(bytes));
const leafOf = (dataset: DatasetId, version = 1): MapLeaf => ({
  dataset,
  size: version * 256,
  root: sha256(`root ${dataset} ${version}`) as LogRoot,
  serial: 1_790_000_000 + version,
  signatureHash: sha256(`signature ${dataset} ${version}`),
});
const put = (dataset: DatasetId, version = 1): MapChange => ({ dataset, leaf: leafOf(dataset, version) });

/** Ids that share long prefixes: a base with one bit of it changed, and random ones. */
const base = sha256('base');
const bent = (bit: number): DatasetId => idOf(withBitFlipped(base, 8 * Math.floor(bit / 8) + (7 - (bit % 8))));
const hostile: readonly (readonly [string, readonly DatasetId[]])[] = [
  ['none', []],
  ['one dataset', [idOf(base)]],
  ['two that share 255 bits', [idOf(base), bent(255)]],
  ['three of which two share 255 bits', [idOf(base), bent(255), bent(0)]],
  ['ids that share every number of bits', [idOf(base), ...Array.from({ length: 256 }, (_, bit) => bent(bit))]],
  [
    'four below one prefix of 254 bits',
    [idOf(base), bent(255), bent(254), idOf(withBitFlipped(withBitFlipped(base, 248), 249))],
  ],
  ['the least and the greatest id', [idOf(new Uint8Array(32)), idOf(new Uint8Array(32).fill(255))]],
  ['many', Array.from({ length: 700 }, (_, i) => idOf(sha256(`many ${i}`)))],
];

for (const { name, primitives: hasher, slow } of BOTH) {
  describe(`the map of a round on ${name}`, () => {
    for (const [shape, ids] of hostile) {
      it(`is the naive one for ${shape}, with the only proofs there are`, async () => {
        const pages = new MemoryPages();
        const leaves = ids.map((id) => leafOf(id));
        const { map } = await updateMap(
          hasher,
          pages,
          EMPTY_MAP,
          ids.map((id) => put(id)),
        );
        assert.deepEqual(map, naiveMap(leaves));
        const strangers = [bent(255), bent(3), bent(250), idOf(sha256('stranger')), idOf(new Uint8Array(32))];
        for (const dataset of [...ids.slice(0, slow ? 10 : 60), ...strangers]) {
          const proof = await proveInMap(hasher, pages, map, dataset);
          assert.deepEqual(proof, naiveProof(leaves, dataset));
          const found = mapFromProof(hasher, dataset, proof);
          assert.deepEqual(found.map, map);
          assert.deepEqual(found.leaf, ids.includes(dataset) ? leafOf(dataset) : null);
        }
        const listed: MapLeaf[] = [];
        for await (const leaf of listMap(hasher, pages, map)) listed.push(leaf);
        const byId = (a: MapLeaf, b: MapLeaf): number => (a.dataset < b.dataset ? -1 : 1);
        assert.deepEqual(listed.sort(byId), [...leaves].sort(byId));
      });
    }

    it('is the same whatever way it has come about', async () => {
      const pool = [...hostile.flatMap(([, ids]) => ids.slice(0, 40))];
      const steps = fc.array(fc.array(fc.tuple(fc.nat(pool.length - 1), fc.nat(6)), { maxLength: 12 }), {
        maxLength: 8,
      });
      await fc.assert(
        fc.asyncProperty(steps, async (rounds) => {
          const pages = new MemoryPages();
          const held = new Map<DatasetId, MapLeaf>();
          let map = EMPTY_MAP;
          for (const [version, round] of rounds.entries()) {
            const changes = new Map<DatasetId, MapChange>();
            for (const [at, what] of round) {
              const dataset = pool[at] as DatasetId;
              changes.set(dataset, what === 0 ? { dataset, leaf: null } : put(dataset, version + 1));
            }
            for (const { dataset, leaf } of changes.values()) {
              if (leaf === null) held.delete(dataset);
              else held.set(dataset, leaf);
            }
            const before = map;
            ({ map } = await updateMap(hasher, pages, map, [...changes.values()]));
            assert.deepEqual(map, naiveMap([...held.values()]));
            if (changes.size === 0) assert.deepEqual(map, before);
          }
          const asked = pool.slice(0, 30);
          const heads = await readHeadsInMap(hasher, pages, map, asked);
          for (const dataset of asked) assert.deepEqual(heads.get(dataset), held.get(dataset) ?? null);
        }),
        { numRuns: slow ? 10 : 80, seed: 12 },
      );
    });
  });
}

const { primitives: hasher } = BOTH[0] as (typeof BOTH)[number];

describe('proofs in a map', () => {
  it('that are hostile are refused, or lead to another map', async () => {
    const ids = hostile.find(([shape]) => shape === 'many')?.[1] ?? [];
    const pages = new MemoryPages();
    const { map } = await updateMap(
      hasher,
      pages,
      EMPTY_MAP,
      ids.map((id) => put(id)),
    );
    const dataset = ids[5] as DatasetId;
    const proof = await proveInMap(hasher, pages, map, dataset);
    const absent = idOf(sha256('stranger'));
    const leads = (of: DatasetId, changed: MapProof): Uint8Array => mapFromProof(hasher, of, changed).map;
    const zero = new Uint8Array(32);
    const [deepest, ...above] = proof.path as [Uint8Array, ...Uint8Array[]];
    // The dataset left out: its place empty, or another's leaf in it.
    assert.notDeepEqual(leads(dataset, { ...proof, end: null }), map);
    assert.throws(() => leads(dataset, { ...proof, end: leafOf(ids[6] as DatasetId) }), ProofError);
    assert.throws(() => leads(dataset, { path: [zero, ...proof.path], end: proof.end }), /goes deeper than the map/);
    assert.throws(() => leads(dataset, { path: [zero], end: null }), ProofError);
    assert.notDeepEqual(leads(dataset, { ...proof, path: above }), map);
    assert.notDeepEqual(leads(dataset, { ...proof, path: [deepest, ...proof.path] }), map);
    assert.notDeepEqual(leads(dataset, { ...proof, path: [...above, deepest] }), map);
    for (const [i] of proof.path.entries()) {
      const path = proof.path.map((hash, at) => (at === i ? withBitFlipped(hash, i) : hash));
      assert.notDeepEqual(leads(dataset, { ...proof, path }), map);
    }
    for (const end of [
      { ...leafOf(dataset), size: 257 },
      { ...leafOf(dataset), serial: 5 },
      { ...leafOf(dataset), root: leafOf(absent).root },
      { ...leafOf(dataset), signatureHash: leafOf(absent).signatureHash },
    ]) {
      assert.notDeepEqual(leads(dataset, { ...proof, end }), map);
    }
    assert.notDeepEqual(leads(absent, await proveInMap(hasher, pages, map, absent)), EMPTY_MAP);
    assert.throws(() => leads(absent, proof), ProofError);
    const long = { path: new Array<Uint8Array>(257).fill(deepest), end: null };
    assert.throws(() => leads(dataset, long), /at most 256 steps, not 257/);
    assert.throws(() => leads(dataset, { ...proof, path: [deepest.subarray(1), ...above] }), ProofError);
    for (const wrong of [{ size: 0 }, { size: 2 ** 48 + 1 }, { size: 1.5 }, { serial: 2 ** 32 }, { serial: -1 }]) {
      assert.throws(() => leads(dataset, { path: [], end: { ...leafOf(dataset), ...wrong } }), ProofError);
    }
    const short = { ...leafOf(dataset), signatureHash: deepest.subarray(1) };
    assert.throws(() => leads(dataset, { path: [], end: short }), ProofError);
  });

  it('of 256 steps are allowed: the last bit of an id decides', async () => {
    const pages = new MemoryPages();
    const { map } = await updateMap(hasher, pages, EMPTY_MAP, [put(idOf(base)), put(bent(255))]);
    const proof = await proveInMap(hasher, pages, map, idOf(base));
    assert.equal(proof.path.length, 256);
    assert.deepEqual(mapFromProof(hasher, idOf(base), proof).leaf, leafOf(idOf(base)));
    const beside = await proveInMap(hasher, pages, map, bent(200));
    assert.equal(beside.path.length, 201);
    assert.equal(beside.end, null);
  });
});

describe('a map that changes', () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => idOf(sha256(`fleet ${i}`)));

  it('reads and writes in proportion to what has changed', async () => {
    const pages = new MemoryPages();
    let { map } = await updateMap(
      hasher,
      pages,
      EMPTY_MAP,
      ids.map((id) => put(id)),
    );
    assert.ok(pages.writtenPageCount <= ids.length, `${pages.writtenPageCount} pages for 10,000 heads`);
    const draw = draws('map');
    for (const [version, changed] of [1, 10, 100, 1000, 10_000].entries()) {
      pages.forgetCounts();
      const chosen = [...new Set(Array.from({ length: changed }, () => ids[draw(ids.length)] as DatasetId))];
      const update = await updateMap(
        hasher,
        pages,
        map,
        chosen.map((id) => put(id, version + 2)),
      );
      const most = 5 * chosen.length;
      assert.ok(pages.readPageCount <= most, `${pages.readPageCount} pages read for ${chosen.length} heads`);
      assert.equal(pages.writtenPageCount, update.written.length);
      assert.ok(pages.writtenPageCount <= most, `${pages.writtenPageCount} pages written for ${chosen.length} heads`);
      assert.ok(pages.readRequests <= 7, `${pages.readRequests} requests`);
      if (changed === 10_000) {
        const requests = pages.readPageCount + pages.writtenPageCount;
        assert.ok(requests <= 3 * chosen.length, `${requests} pages for ${chosen.length} heads`);
      }
      map = update.map;
    }
  });

  it('needs a page as long as one of the rounds that it was a part of is kept, and no longer', () => {
    const draw = draws('thin');
    const retention = { everyMs: 0, thenOneAMs: 100 };
    for (let time = 0; time < 300; time++) {
      const times = Array.from({ length: 40 }, () => draw(1_000)).sort((a, b) => a - b);
      const kept = times.slice(0, -1).map((at, i) => isLastOfPeriod(at, times[i + 1] as number, retention));
      const first = draw(38);
      const last = first + draw(39 - first);
      const span = {
        firstMs: times[first] as number,
        lastMs: times[last] as number,
        nextMs: times[last + 1] as number,
      };
      assert.equal(holdsKeptRound(span, retention), kept.slice(first, last + 1).includes(true));
    }
  });

  it('names pages it has replaced, and none that it holds', async () => {
    const pages = new MemoryPages();
    const first = await updateMap(hasher, pages, EMPTY_MAP, [put(idOf(base)), put(bent(9))]);
    const second = await updateMap(hasher, pages, first.map, [{ dataset: bent(9), leaf: null }]);
    assert.equal(first.replaced.length, 0);
    assert.deepEqual(second.replaced.map(toHex).sort(), first.written.map(toHex).sort());
    const third = await updateMap(hasher, pages, second.map, [{ dataset: idOf(base), leaf: null }]);
    assert.deepEqual(third, { map: EMPTY_MAP, written: [], replaced: [second.map] });
    const nothing = await updateMap(hasher, pages, first.map, [put(bent(9))]);
    assert.deepEqual(nothing, { map: first.map, written: [], replaced: [] });
  });

  it('changes nothing when the store fails half way, and says which page is lost', async () => {
    const pages = new MemoryPages();
    const { map } = await updateMap(
      hasher,
      pages,
      EMPTY_MAP,
      ids.slice(0, 50).map((id) => put(id)),
    );
    const page = pages.kept.get(toHex(map)) as Uint8Array;
    const at = page.findIndex((byte) => byte > 2);
    pages.kept.set(toHex(map), withBitFlipped(page, 8 * at));
    await assert.rejects(
      proveInMap(hasher, pages, map, ids[0] as DatasetId),
      /page [0-9a-f]{64} of the map is damaged/,
    );
    await assert.rejects(updateMap(hasher, pages, map, [put(ids[0] as DatasetId, 2)]), StateError);
    pages.kept.delete(toHex(map));
    await assert.rejects(proveInMap(hasher, pages, map, ids[0] as DatasetId), StateError);
    await assert.rejects(updateMap(hasher, pages, map, [put(ids[0] as DatasetId, 2)]), /has no page [0-9a-f]{64}/);
  });

  it('refuses a dataset twice, and a leaf of another', async () => {
    const pages = new MemoryPages();
    const [one, other] = ids as [DatasetId, DatasetId];
    await assert.rejects(updateMap(hasher, pages, EMPTY_MAP, [put(one), put(one, 2)]), ArgumentError);
    await assert.rejects(updateMap(hasher, pages, EMPTY_MAP, [{ dataset: one, leaf: leafOf(other) }]), ArgumentError);
  });
});

describe('a page of a map', () => {
  it('reads back, and nothing else is read for one', async () => {
    const pages = new MemoryPages();
    await updateMap(hasher, pages, EMPTY_MAP, [put(idOf(base)), put(bent(9)), put(bent(1))]);
    for (const bytes of pages.kept.values()) {
      assert.deepEqual(encodePage(decodePage(bytes)), bytes);
      assert.throws(() => decodePage(bytes.subarray(1)), ArgumentError);
      assert.throws(() => decodePage(bytes.subarray(0, -1)), ArgumentError);
      assert.throws(() => decodePage(Uint8Array.of(...bytes, 0)), ArgumentError);
      assert.throws(() => decodePage(Uint8Array.of(3, ...bytes.subarray(1))), ArgumentError);
    }
    assert.throws(() => decodePage(new Uint8Array(0)), ArgumentError);
  });
});
