import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { nodePrimitives as hasher } from '../../adapters/crypto/node-primitives.ts';
import { toHex } from '../../core/bytes.ts';
import { datasetId, type LogRoot } from '../../core/ids.ts';
import { EMPTY_MAP, type MapLeaf } from '../../core/rounds/map-leaf.ts';
import { mapFromProof } from '../../core/rounds/map-proof.ts';
import { proveInMap } from '../../core/rounds/prove-in-map.ts';
import { updateMap } from '../../core/rounds/update-map.ts';
import { MemoryPages } from './memory-pages.ts';

/** The larger one takes 45 s of a core. */
const LOG2_COUNT = process.env.PLUMBLINE_NIGHTLY === '1' ? 20 : 16;
const COUNT = 2 ** LOG2_COUNT;
const sha256 = (text: string): Uint8Array => new Uint8Array(createHash('sha256').update(text).digest());

describe(`a map of 2^${LOG2_COUNT} datasets`, () => {
  it('proves each with about as many hashes as its size has bits, and changes one with a few pages', async () => {
    const shared = { root: sha256('root') as LogRoot, signatureHash: sha256('signature'), serial: 1, size: 1 };
    const leafAt = (i: number): MapLeaf => ({ dataset: datasetId(toHex(sha256(`dataset ${i}`))), ...shared });
    const pages = new MemoryPages();
    const changes = Array.from({ length: COUNT }, (_, i) => {
      const leaf = leafAt(i);
      return { dataset: leaf.dataset, leaf };
    });
    const { map } = await updateMap(hasher, pages, EMPTY_MAP, changes);
    for (const i of [0, 1, COUNT / 2, COUNT - 1, COUNT, COUNT + 1]) {
      const { dataset } = leafAt(i);
      const proof = await proveInMap(hasher, pages, map, dataset);
      assert.ok(proof.path.length >= LOG2_COUNT - 3 && proof.path.length <= 45, `${proof.path.length}`);
      const found = mapFromProof(hasher, dataset, proof);
      assert.deepEqual(found.map, map);
      assert.equal(found.leaf === null, i >= COUNT);
    }
    pages.forgetCounts();
    const leaf = { ...leafAt(77), size: 2 };
    const changed = await updateMap(hasher, pages, map, [{ dataset: leaf.dataset, leaf }]);
    assert.ok(pages.readPageCount <= 10 && pages.writtenPageCount <= 10);
    const back = await updateMap(hasher, pages, changed.map, [{ dataset: leaf.dataset, leaf: leafAt(77) }]);
    assert.deepEqual(back.map, map);
  });
});
