import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { type OpenSource, sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { getRange } from '../../client/owner/get-range.ts';
import type { GotBlock } from '../../client/owner/judge-stored.ts';
import { verifyDataset } from '../../client/owner/verify-dataset.ts';
import { verifyRetrievable } from '../../client/owner/verify-retrievable.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { segmentKey } from '../../core/batch/segment-key.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { address } from '../../core/ids.ts';
import { growPeaks } from '../../core/log/growth.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import { subtreesOfLeaves } from '../../core/log/subtree-source.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { completedTiles, tileKey } from '../../core/log/tiles.ts';
import type { ChainCharter, Ledger, LinkReader, RecordedEvent } from '../../core/ports/ledger.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import {
  charterOf,
  DEVICE_KEY,
  datasetKeyOf,
  HonestStorage,
  headOf,
  ledgerOf,
  reading,
  recordedEvents,
  sealLog,
  WRITER,
} from '../core/honest-storage.ts';
import { MemoryBucket } from './memory-bucket.ts';

const { dataset } = WRITER;
const DEVICE = accountOfKey(DEVICE_KEY);
const log = sealLog(primitives, [
  [40, 40, 2500],
  [300, 300],
  [1, 9],
]);
const SIZE = 7;

/** What a thief with the device's file records: a head over blocks that there never were. */
function junkUpdate(before: SealedBatch, count: number): RecordedEvent {
  const to = before.end.size + count;
  const appended = appendedSubtrees(before.end.size, to).map((_, i) => new Uint8Array(32).fill(i + 1));
  const root = rootOfPeaks(primitives, growPeaks(primitives, before.end, to, appended));
  return { dataset, size: to, root, appended, signer: DEVICE, blockNumber: 90, logIndex: 0, txHash: '0xbad' };
}

/** DISSC with these batches and the thief's update; `replaced`: the owner's charter for another device from that block on. */
function ledgerWith(junk: RecordedEvent | null, replaced: number | null = null): Ledger & LinkReader {
  const events = [...recordedEvents(primitives, log), ...(junk === null ? [] : [junk])];
  const head = junk === null ? headOf(primitives, log) : { dataset, size: junk.size, root: junk.root };
  const point = { blockNumber: 99, blockHash: `0x${'bb'.repeat(32)}`, timestampMs: 1 };
  const { signature: _, ...first } = charterOf(0);
  const charter = { ...first, device: address(`0x${'5c'.repeat(20)}`), serial: first.serial + 9, from: replaced ?? 0 };
  const chartered: ChainCharter = { dataset, charter, blockNumber: 95, logIndex: 0, txHash: '0x95' };
  const honest = ledgerOf(primitives, log);
  return {
    ...honest,
    readHeads: async () => ({ point, heads: [head] }),
    findRecorded: async () => events,
    findChartered: async (...query) => [
      ...(await honest.findChartered(...query)),
      ...(replaced === null ? [] : [chartered]),
    ],
    findLinked: async () => [],
  };
}

function bucketOf(batches: readonly SealedBatch[]): MemoryBucket {
  const bucket = new MemoryBucket();
  for (const { segment } of batches) bucket.objects.set(segment.key, segment.car);
  return bucket;
}

async function get(ledger: Ledger, openSource: OpenSource): Promise<GotBlock[]> {
  const got: GotBlock[] = [];
  const range = { dataset, datasetKeyOf, anchor: 'latest', by: 'block', from: 0, to: Number.MAX_SAFE_INTEGER } as const;
  for await (const block of getRange({ primitives, ledger, openSource }, range)) got.push(block);
  return got;
}

const service = new HonestStorage(primitives, log);
const SOURCES = {
  'the service': () => sourceOfService({ primitives, service, download: service.download }, dataset),
  'the bare bucket': () => sourceOfBucket({ primitives, bucket: bucketOf(log) }),
};
const noService = { getRecords: async () => Promise.reject(new StoreUnavailableError('There is no service.')) };

describe('behind a head that nobody can prove', () => {
  for (const [name, open] of Object.entries(SOURCES)) {
    for (const count of [1, 1000, 2 ** 28]) {
      it(`${name} gives all other blocks back, and names the ${count} that there never were, with their signer`, async () => {
        const junk = junkUpdate(log.at(-1) as SealedBatch, count);
        const got = await get(ledgerWith(junk), open());
        assert.ok(got.length <= SIZE + 1024, 'not block by block, however many it claims');
        const intact = got.filter(({ verdict }) => verdict.verdict === 'intact');
        assert.deepEqual(
          intact.map(({ verdict }) => verdict.index),
          [0, 1, 2, 3, 4, 5, 6],
        );
        const lost = got.filter(({ verdict }) => verdict.verdict !== 'intact');
        assert.ok(lost.every(({ verdict }) => verdict.verdict === 'unavailable' && verdict.signer === DEVICE));
        let next = SIZE;
        for (const { verdict, upTo } of lost) {
          assert.equal(verdict.index, next, 'no block is left out');
          next = upTo + 1;
        }
        assert.equal(next, junk.size);
      });
    }
  }

  it('an audit finds all other blocks intact, and says who recorded the rest where', async () => {
    const junk = junkUpdate(log.at(-1) as SealedBatch, 3);
    const audit = { dataset, datasetKeyOf, anchor: 'latest' } as const;
    const byService = verifyDataset(
      { primitives, ledger: ledgerWith(junk), css: service },
      { ...audit, evidence: 'possession' },
    );
    const byBucket = verifyRetrievable(
      { primitives, ledger: ledgerWith(junk), records: noService },
      { from: 's3', bucket: bucketOf(log) },
      audit,
    );
    for (const report of await Promise.all([byService, byBucket])) {
      assert.deepEqual([report.counts.intact, report.counts.unavailable, report.ok], [SIZE, 3, false]);
      assert.deepEqual(report.disowned, []);
      assert.deepEqual(report.recordedBy, [
        { from: 7, to: 9, count: 3, signer: DEVICE, blockNumber: 90, txHash: '0xbad' },
      ]);
    }
  });

  it('once a charter disowns them, they are named and spoil nothing, however many there are', async () => {
    const junk = junkUpdate(log.at(-1) as SealedBatch, 2 ** 28);
    const audit = { dataset, datasetKeyOf, anchor: 'latest', evidence: 'possession' } as const;
    const report = await verifyDataset({ primitives, ledger: ledgerWith(junk, SIZE), css: service }, audit);
    assert.deepEqual([report.total, report.counts.intact, report.ok], [SIZE, SIZE, true]);
    const [disowned, ...others] = report.disowned;
    assert.deepEqual(others, []);
    assert.deepEqual(
      [disowned?.from, disowned?.to, disowned?.signer, disowned?.blockNumber],
      [SIZE, junk.size - 1, DEVICE, 90],
    );
    const sampled = await verifyDataset(
      { primitives, ledger: ledgerWith(junk, SIZE), css: service },
      { ...audit, sample: 5 },
    );
    assert.deepEqual([sampled.checked, sampled.ok], [5, true]);
  });

  it('what a charter disowns stays in the audit as long as it can be proven', async () => {
    const storage = new HonestStorage(primitives, log);
    storage.flipBit(5);
    const audit = { dataset, datasetKeyOf, anchor: 'latest', evidence: 'possession' } as const;
    const run = () => verifyDataset({ primitives, ledger: ledgerWith(null, 5), css: storage }, audit);
    const damaged = await run();
    assert.deepEqual([damaged.counts.intact, damaged.counts.corrupted, damaged.ok], [SIZE - 1, 1, false]);
    storage.objects.delete((log[2] as SealedBatch).segment.key);
    storage.getRecords = async (of, blocks, size) =>
      HonestStorage.prototype.getRecords.call(new HonestStorage(primitives, log.slice(0, 2)), of, blocks, size);
    const gone = await run();
    assert.deepEqual([gone.total, gone.counts.intact, gone.ok], [5, 5, true]);
    assert.deepEqual(
      gone.disowned.map(({ from, to }) => [from, to]),
      [[5, 6]],
    );
  });
});

describe('a bucket of which something is lost', () => {
  const audit = { dataset, datasetKeyOf, anchor: 'latest' } as const;
  const verify = async (bucket: MemoryBucket, ledger: Ledger & LinkReader): Promise<string[]> => {
    const verdicts: string[] = [];
    await verifyRetrievable({ primitives, ledger, records: noService }, { from: 's3', bucket }, audit, (some) =>
      verdicts.push(...some.map(({ verdict }) => verdict)),
    );
    return verdicts;
  };

  it('a lost segment costs its own blocks alone, as the chain gives what it appended', async () => {
    for (const [i, { manifest }] of log.entries()) {
      const verdicts = await verify(bucketOf(log.toSpliced(i, 1)), ledgerWith(null));
      const isLost = (index: number) => index >= manifest.first && index < manifest.first + manifest.blocks.length;
      assert.deepEqual(
        verdicts,
        Array.from({ length: SIZE }, (_, index) => (isLost(index) ? 'unavailable' : 'intact')),
      );
    }
  });

  it("a segment lost inside a day's record costs the subtree that it was recorded in, and with tiles itself alone", async () => {
    const many = sealLog(
      primitives,
      Array.from({ length: 12 }, () => Array.from({ length: 50 }, () => 5)),
    );
    // One update for all of it.
    const [all] = recordedEvents(primitives, many.slice(-1));
    const leaves = many.flatMap(({ leafHashes }) => [...leafHashes]);
    const source = subtreesOfLeaves(primitives, leaves);
    const appended = await source(appendedSubtrees(0, 600));
    const events: RecordedEvent[] = [{ ...(all as RecordedEvent), appended }];
    const point = { blockNumber: 99, blockHash: '0xbb', timestampMs: 1 };
    const ledgerOf = (replaced: number | null): Ledger & LinkReader => ({
      ...ledgerWith(null, replaced),
      readHeads: async () => ({ point, heads: [headOf(primitives, many)] }),
      findRecorded: async () => events,
    });
    const isLost = (index: number) => index >= 50 && index < 100;
    const bucket = bucketOf(many.toSpliced(1, 1));
    // Once a charter disowns a part of the record, nothing that was provable is less so.
    for (const from of [null, 300]) {
      assert.deepEqual(
        await verify(bucket, ledgerOf(from)),
        // The perfect subtree of blocks 0 to 511; the others were appended by themselves.
        leaves.map((_, index) => (index < 512 ? 'unavailable' : 'intact')),
        `replaced from block ${from} on`,
      );
    }
    for (const place of completedTiles(0, 600)) {
      const bytes = leaves.slice(256 * place.number, 256 * (place.number + 1)).flatMap((leaf) => [...leaf]);
      bucket.objects.set(tileKey(dataset, place), Uint8Array.from(bytes));
    }
    for (const from of [null, 300]) {
      assert.deepEqual(
        await verify(bucket, ledgerOf(from)),
        leaves.map((_, index) => (isLost(index) ? 'unavailable' : 'intact')),
        `with tiles, replaced from block ${from} on`,
      );
    }
  });

  it('rivals of the device itself under one number change nothing', async () => {
    const bucket = bucketOf(log);
    for (let i = 0; i < 50; i++) {
      // It goes on from the very batch before it: its own head is in order.
      const [, rival] = sealLog(primitives, [[40, 40, 2500], [4]], WRITER, (index, sizeBytes) =>
        index < 3
          ? reading(index, sizeBytes)
          : { content: new Uint8Array(sizeBytes).fill(i + 1), meta: { at: 1_790_000_000_000 + 1000 * index } },
      );
      const { car } = (rival as SealedBatch).segment;
      bucket.objects.set(segmentKey(dataset, 3, primitives.sha256(car)), car);
    }
    assert.deepEqual(
      await verify(bucket, ledgerWith(null)),
      Array.from({ length: SIZE }, () => 'intact'),
    );
  });
});
