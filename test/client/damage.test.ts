import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { damagedRanges } from '../../client/damaged-ranges.ts';
import { type OpenSource, sourceOfService } from '../../client/owner/block-source.ts';
import { type GetRange, getRange } from '../../client/owner/get-range.ts';
import type { GotBlock, ReadKept } from '../../client/owner/judge-stored.ts';
import { locateDamage } from '../../client/owner/locate-damage.ts';
import { whereaboutsOf } from '../../client/owner/whereabouts.ts';
import { readAnchor } from '../../client/read-anchor.ts';
import { type BlockMeta, encodeMeta } from '../../core/block/meta.ts';
import type { Verdict } from '../../core/verdict.ts';
import { datasetKeyOf, HonestStorage, ledgerOf, reading, sealLog, WRITER } from '../core/honest-storage.ts';

const T0 = 1_790_000_000_000;
const SIZES = [
  [40, 40, 40],
  [300, 300, 300, 300],
  [50, 50, 50],
];
const COUNT = 10;
/** Blocks 3 to 6 are parts of one file, the others files of their own. */
const nameOf = (index: number): string => (index >= 3 && index <= 6 ? 'big.bin' : `hour-${index}.csv`);
const metaOf = (index: number): BlockMeta => ({
  at: T0 + 1000 * index,
  name: nameOf(index),
  ...(nameOf(index) === 'big.bin' ? { part: index - 3, parts: 4 } : {}),
});
const log = sealLog(primitives, SIZES, WRITER, (index, size) => ({ ...reading(index, size), meta: metaOf(index) }));
const ledger = ledgerOf(primitives, log);
const ALL: GetRange = { dataset: WRITER.dataset, datasetKeyOf, anchor: 'final', by: 'block', from: 0, to: COUNT - 1 };

function sourceOf(storage: HonestStorage) {
  return sourceOfService({ primitives, service: storage, download: storage.download }, WRITER.dataset);
}

async function get(storage: HonestStorage, range: GetRange = ALL, readKept?: ReadKept): Promise<GotBlock[]> {
  const got: GotBlock[] = [];
  const deps = { primitives, ledger, openSource: sourceOf(storage), ...(readKept === undefined ? {} : { readKept }) };
  for await (const block of getRange(deps, range)) got.push(block);
  return got;
}

const locate = async (storage: HonestStorage, from: number, to: number) => {
  const anchored = await readAnchor(ledger, WRITER.dataset, 'final', 0);
  const range = { from, to, verdict: 'corrupted' as const, reason: '', blame: null, signer: null };
  const keys = { dataset: WRITER.dataset, datasetKeyOf };
  const [where] = await locateDamage({ primitives, openSource: sourceOf(storage) }, anchored, keys, [range]);
  return where;
};

describe('what a damaged block was', () => {
  it('its file and time are proven by what is listed beside its bytes', async () => {
    const storage = new HonestStorage(primitives, log);
    storage.flipBit(4);
    const got = await get(storage);
    assert.deepEqual(got[4]?.about, metaOf(4));
    assert.deepEqual([got[4]?.meta, got[4]?.content, got[4]?.verdict.verdict], [null, null, 'corrupted']);
    assert.ok(got.every(({ about, verdict }) => (about === null) === (verdict.verdict === 'intact')));
  });

  it('what storage says of it is not believed when it does not open the recorded digest', async () => {
    const storage = new HonestStorage(primitives, log);
    storage.flipBit(4);
    for (const lie of [
      { meta: encodeMeta({ ...metaOf(4), at: T0 + 4001 }) },
      { meta: encodeMeta({ ...metaOf(4), name: 'other' }) },
      { meta: new Uint8Array(3) },
      { size: 299 },
    ]) {
      const openSource: OpenSource = async (...opened) => {
        const source = await sourceOf(storage)(...opened);
        const readListed: typeof source.readListed = async (record) => {
          const listed = await source.readListed(record);
          return listed === null ? null : { ...listed, ...lie };
        };
        return { ...source, readListed };
      };
      for await (const { verdict, about } of getRange({ primitives, ledger, openSource }, { ...ALL, from: 4, to: 4 })) {
        assert.deepEqual([verdict.verdict, about], ['corrupted', null]);
      }
    }
  });

  it('by time, one that is proven to be of another time is not named, and one that may be of it is', async () => {
    const range: GetRange = { ...ALL, by: 'time', from: T0 + 5000, to: T0 + 6000 };
    const damaged = new HonestStorage(primitives, log);
    damaged.flipBit(4);
    assert.deepEqual(
      (await get(damaged, range)).map(({ verdict }) => verdict.index),
      [5, 6],
    );
    const lost = new HonestStorage(primitives, log);
    lost.objects.delete(lost.locate(4).key);
    const named = (await get(lost, range)).map(({ verdict }) => verdict.index);
    assert.deepEqual(named, [3, 4, 5, 6]);
  });

  it('an audit locates it: by its own meta, or between the blocks beside it', async () => {
    const storage = new HonestStorage(primitives, log);
    for (const index of [4, 5]) storage.flipBit(index);
    assert.deepEqual(await locate(storage, 4, 5), {
      ...{ names: ['big.bin'], moreNames: 0, isExact: true },
      ...{ capturedFromMs: T0 + 4000, capturedToMs: T0 + 5000 },
    });
    storage.objects.delete(storage.locate(4).key);
    assert.deepEqual(await locate(storage, 3, 6), {
      ...{ names: [], moreNames: 0, isExact: false },
      ...{ capturedFromMs: T0 + 2000, capturedToMs: T0 + 7000 },
    });
    storage.objects.clear();
    const nothing = await locate(storage, 3, 6);
    assert.deepEqual([nothing?.capturedFromMs ?? null, nothing?.capturedToMs ?? null], [null, null]);
  });

  it('between parts of a file, the file is named as probable', () => {
    const where = whereaboutsOf([{ about: null, before: metaOf(3), after: metaOf(6) }]);
    assert.deepEqual(where.names, ['big.bin']);
    assert.equal(where.isExact, false);
    // Where a new stretch begins, times fall: the blocks beside say nothing of the time.
    const fallen = whereaboutsOf([{ about: null, before: metaOf(9), after: { at: T0, clock: 2 } }]);
    assert.deepEqual([fallen.capturedFromMs, fallen.capturedToMs], [null, null]);
  });

  it('verdicts that say the same of neighbours are one range', () => {
    const verdict = (index: number, reason: string): Verdict => {
      return { index, verdict: 'unavailable', evidence: 'possession', reason, blame: null, signer: null };
    };
    const found = damagedRanges([
      verdict(7, 'Block 7: gone'),
      verdict(5, 'Block 5: gone'),
      verdict(6, 'Block 6: gone'),
      verdict(9, 'Block 9: gone'),
      verdict(10, 'other'),
    ]);
    assert.deepEqual(
      found.map(({ from, to, reason }) => [from, to, reason]),
      [
        [5, 7, 'Block 5: gone'],
        [9, 9, 'Block 9: gone'],
        [10, 10, 'other'],
      ],
    );
  });
});

describe('what is there already', () => {
  const kept =
    (changed: (index: number, content: Uint8Array) => Uint8Array | null): ReadKept =>
    async (index) => {
      const content = changed(index, reading(index, SIZES.flat()[index] as number).content);
      return content === null ? null : { meta: metaOf(index), content };
    };

  it('is not fetched again: records alone are asked for', async () => {
    const storage = new HonestStorage(primitives, log);
    const got = await get(
      storage,
      ALL,
      kept((_, content) => content),
    );
    assert.ok(got.every(({ verdict }) => verdict.verdict === 'intact'));
    assert.deepEqual([...new Set(storage.calls.map(({ name }) => name))], ['get-records']);
  });

  it('is there also when the storage has lost its bytes', async () => {
    const storage = new HonestStorage(primitives, log);
    storage.objects.clear();
    const got = await get(
      storage,
      ALL,
      kept((index, content) => (index < 7 ? content : null)),
    );
    assert.deepEqual(
      got.map(({ verdict }) => verdict.verdict),
      Array.from({ length: COUNT }, (_, index) => (index < 7 ? 'intact' : 'unavailable')),
    );
  });

  it('is not believed: what differs by a bit, or is another block, is fetched', async () => {
    const storage = new HonestStorage(primitives, log);
    const lies: ReadKept = async (index) => {
      const { content } = reading(index, SIZES.flat()[index] as number);
      if (index === 1) return { meta: metaOf(1), content: content.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) };
      if (index === 2) return { meta: metaOf(0), content };
      if (index === 4) return { meta: metaOf(5), content: reading(5, 300).content };
      if (index === 8) return { meta: metaOf(8), content: new Uint8Array(0) };
      return { meta: metaOf(index), content };
    };
    const got = await get(storage, ALL, lies);
    for (const [index, { verdict, content, meta }] of got.entries()) {
      assert.equal(verdict.verdict, 'intact');
      assert.deepEqual([content, meta], [reading(index, SIZES.flat()[index] as number).content, metaOf(index)]);
    }
    const fetched = storage.calls.filter(({ name }) => name === 'get-segment').map(({ blocks }) => blocks[0]);
    assert.deepEqual(fetched, [0, 3, 7]);
  });
});
