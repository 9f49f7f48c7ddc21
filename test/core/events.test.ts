import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ChainAnswerError } from '../../core/errors.ts';
import type { LogRoot } from '../../core/ids.ts';
import { buildGrowth, readPeaks } from '../../core/log/build-growth.ts';
import { proveConsistency, requireConsistency } from '../../core/log/consistency.ts';
import { requireGrowth } from '../../core/log/growth.ts';
import { mendSubtrees } from '../../core/log/mend-subtrees.ts';
import { type RecordedGrowth, rebuildPeaks, subtreesOfEvents } from '../../core/log/rebuild-peaks.ts';
import { draws, withBitFlipped } from './draw.ts';
import { LazyTree } from './lazy-tree.ts';

const hasher = nodePrimitives;
const draw = draws('events');

/** What DISSC emits while a log grows to these sizes. */
async function recordedAt(tree: LazyTree, sizes: readonly number[]): Promise<RecordedGrowth[]> {
  const events: RecordedGrowth[] = [];
  for (const [i, size] of sizes.entries()) {
    const { appended } = await buildGrowth({ subtrees: tree.source }, sizes[i - 1] ?? 0, size);
    events.push({ size, root: tree.hash(0, size) as LogRoot, appended });
  }
  return events;
}

function drawnSizes(): number[] {
  const sizes: number[] = [];
  for (let size = 0; sizes.length < 40; sizes.push(size)) size += 1 + draw(2 ** draw(33));
  return sizes;
}

describe('the log from Recorded events alone', () => {
  it('gives the peaks of every recorded size', async () => {
    for (let round = 0; round < 20; round++) {
      const sizes = drawnSizes();
      const tree = new LazyTree(sizes.flatMap((size) => [size - 1, size]));
      const events = await recordedAt(tree, sizes);
      const rebuilt = [...rebuildPeaks(hasher, events)];
      for (const [i, peaks] of rebuilt.entries()) {
        assert.deepEqual(peaks, await readPeaks({ subtrees: tree.source }, sizes[i] as number));
      }
      const [half] = rebuilt.slice(20, 21);
      assert.deepEqual([...rebuildPeaks(hasher, events.slice(21), half)], rebuilt.slice(21));
    }
  });

  it('gives growth and consistency between any two recorded sizes', async () => {
    for (let round = 0; round < 10; round++) {
      const sizes = drawnSizes();
      const tree = new LazyTree(sizes);
      const known = subtreesOfEvents(hasher, await recordedAt(tree, sizes));
      const subtrees = mendSubtrees(hasher, [known.subtrees]);
      const { peaks } = known;
      assert.deepEqual(peaks, await readPeaks({ subtrees: tree.source }, sizes.at(-1) as number));
      const stateOf = (size: number) => ({ size, root: tree.hash(0, size) as LogRoot });
      for (let i = 0; i < 60; i++) {
        const [a, b] = [draw(sizes.length), draw(sizes.length)];
        if (a === b) continue;
        const [from, to] = [sizes[Math.min(a, b)] as number, sizes[Math.max(a, b)] as number];
        const growth = await buildGrowth({ subtrees }, from, to);
        requireGrowth(hasher, stateOf(from), stateOf(to), growth);
        assert.deepEqual(growth, await buildGrowth({ subtrees: tree.source }, from, to));
        requireConsistency(hasher, stateOf(from), stateOf(to), await proveConsistency({ hasher, subtrees }, from, to));
      }
    }
  });

  it('refuses events of which one is missing, altered, repeated or out of order', async () => {
    const sizes = [3, 4, 100, 1024, 1025, 70_000];
    const events = await recordedAt(new LazyTree(sizes), sizes);
    const refused = (list: readonly RecordedGrowth[], what: string): void => {
      assert.throws(() => [...rebuildPeaks(hasher, list)], ChainAnswerError, what);
      assert.throws(() => subtreesOfEvents(hasher, list), ChainAnswerError, what);
    };
    for (const [i, event] of events.entries()) {
      if (i + 1 < events.length) refused(events.toSpliced(i, 1), `event ${i} missing`);
      refused(events.toSpliced(i, 0, event), `event ${i} twice`);
      refused(events.with(i, { ...event, root: withBitFlipped(event.root, i) as LogRoot }), `root of ${i}`);
      const appended = event.appended.map((hash, at) => (at === 0 ? withBitFlipped(hash, i) : hash));
      refused(events.with(i, { ...event, appended }), `appended of ${i}`);
      refused(events.with(i, { ...event, appended: event.appended.slice(1) }), `too few of ${i}`);
      refused(events.with(i, { ...event, size: event.size + 1 }), `size of ${i}`);
      refused(events.with(i, { ...event, size: 2 ** 48 + 1 }), `size of ${i} beyond every log`);
    }
    refused([...events].reverse(), 'reversed');
  });

  it('gives no subtree that the events do not', async () => {
    const { subtrees } = subtreesOfEvents(hasher, await recordedAt(new LazyTree([1]), [1024]));
    assert.deepEqual(await subtrees([{ from: 0, level: 3 }]), [null]);
    await assert.rejects(mendSubtrees(hasher, [subtrees])([{ from: 0, level: 3 }]), /The record of block 0 is lost/);
  });

  it('goes on behind a head whose blocks nobody has', async () => {
    const tree = new LazyTree([299, 300]);
    const [, junk] = await recordedAt(tree, [300, 300 + 2 ** 28]);
    const events = [...(await recordedAt(tree, [300])), junk as RecordedGrowth];
    const peaks = [...rebuildPeaks(hasher, events)].at(-1);
    assert.equal(peaks?.size, 300 + 2 ** 28);
    const to = 300 + 2 ** 28 + 5;
    const growth = await buildGrowth({ subtrees: tree.source }, 300 + 2 ** 28, to);
    assert.deepEqual(growth.peaks, peaks?.peaks);
  });
});
