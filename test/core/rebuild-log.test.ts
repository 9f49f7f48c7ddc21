import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import type { Head } from '../../core/log/head.ts';
import { rebuildLog, type StoredBatch } from '../../core/log/rebuild-log.ts';

/** A log of batches of one to three blocks, with the head after it; `seed` makes another log of it. */
function logOf(counts: readonly number[], seed = 0, before: readonly StoredBatch[] = []) {
  const batches = [...before];
  let frontier: Frontier = EMPTY_FRONTIER;
  for (const { leafHash } of before) frontier = appendLeaf(nodePrimitives, frontier, leafHash);
  let first = before.reduce((sum, { count }) => sum + count, 0);
  for (const count of counts) {
    const leafHash = nodePrimitives.sha256(Uint8Array.of(seed, first, count));
    frontier = appendLeaf(nodePrimitives, frontier, leafHash);
    batches.push({ first, count, batches: frontier.leaves, root: frontierRoot(nodePrimitives, frontier), leafHash });
    first += count;
  }
  const root = frontierRoot(nodePrimitives, frontier);
  const head: Head = { dataset: '0x00' as never, size: first, batches: frontier.leaves, root };
  return { batches, head };
}

const rebuild = (stored: readonly StoredBatch[], head: Head) => rebuildLog(nodePrimitives, stored, head);

describe('the log, rebuilt from what is stored', () => {
  const { batches, head } = logOf([1, 2, 3, 1, 1, 2]);

  it('is found in whatever order the segments come, also when more were stored since', () => {
    const later = logOf([2, 2], 0, batches).batches;
    for (const stored of [batches, batches.toReversed(), later, later.toReversed()]) {
      assert.deepEqual(rebuild(stored, head), batches);
    }
  });

  it('is found among rivals at every place, and rivals of rivals', () => {
    const rivals = [0, 1, 2, 3, 4].flatMap((at) =>
      [1, 2, 3].map((seed) => logOf([1, 2, 3, 1, 1, 2].slice(at), seed, batches.slice(0, at))),
    );
    const stored = [
      ...rivals.flatMap((rival) => rival.batches),
      ...batches,
      ...rivals.flatMap((rival) => rival.batches),
    ];
    for (const some of [stored, stored.toReversed()]) assert.deepEqual(rebuild(some, head), batches);
    assert.deepEqual(rebuild(stored, rivals[0]!.head), rivals[0]!.batches);
  });

  it('is not found when a batch is missing, or only said to be there', () => {
    for (const at of batches.keys()) {
      assert.equal(rebuild(batches.toSpliced(at, 1), head), null);
      const lie = { ...(batches[at] as StoredBatch), leafHash: new Uint8Array(32) };
      assert.equal(rebuild(batches.with(at, lie), head), null);
      assert.deepEqual(rebuild([lie, ...batches, lie], head), batches);
    }
    assert.equal(rebuild([], head), null);
  });

  it('is not found for another head than the one it leads to', () => {
    assert.equal(rebuild(batches, { ...head, root: new Uint8Array(32) as never }), null);
    assert.equal(rebuild(batches, { ...head, size: head.size + 1 }), null);
    assert.equal(rebuild(batches, { ...head, batches: head.batches + 1 }), null);
  });

  it('comes to an end when thousands of segments claim the same place', () => {
    const liars = Array.from({ length: 5000 }, (_, i) => ({
      ...(batches[3] as StoredBatch),
      leafHash: new Uint8Array(32).fill(i),
    }));
    assert.deepEqual(rebuild([...liars, ...batches, ...liars], head), batches);
  });
});
