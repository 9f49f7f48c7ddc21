import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditReport } from '../../client/audit-blocks.ts';
import { type DatasetAudit, type OwnerDeps, verifyDataset } from '../../client/owner/verify-dataset.ts';
import { ArgumentError, LedgerUnavailableError, NotRecordedError, StoreUnavailableError } from '../../core/errors.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import { DEFAULT_SAMPLE } from '../../core/sampling/confidence.ts';
import type { Verdict } from '../../core/verdict.ts';
import { BOTH } from '../core/both-primitives.ts';
import { datasetKeyOf, HonestStorage, ledgerOf, sealLog, WRITER } from '../core/honest-storage.ts';

for (const { name, primitives, slow } of BOTH) {
  const sizes = Array.from({ length: slow ? 3 : 12 }, () => Array.from({ length: 50 }, () => 20));
  const log = sealLog(primitives, sizes);
  const total = log.length * 50;
  const run = async (
    storage: HonestStorage,
    change: Partial<DatasetAudit> = {},
    ledger: Ledger = ledgerOf(primitives, log),
  ): Promise<{ report: AuditReport; heard: Verdict[] }> => {
    const deps: OwnerDeps = { primitives, ledger, css: storage };
    const audit = {
      dataset: WRITER.dataset,
      datasetKeyOf,
      evidence: 'possession',
      anchor: 'final',
      ...change,
    } as const;
    const heard: Verdict[] = [];
    const report = await verifyDataset(deps, audit, (verdicts, checked, wanted) => {
      heard.push(...verdicts);
      assert.ok(checked === heard.length && checked <= wanted);
    });
    assert.equal(report.checked, heard.length);
    assert.equal(new Set(heard.map(({ index }) => index)).size, heard.length);
    assert.equal(
      Object.values(report.counts).reduce((sum, count) => sum + count, 0),
      report.checked,
    );
    assert.deepEqual(
      report.notIntact.map(({ index }) => index).sort(),
      heard
        .filter(({ verdict }) => verdict !== 'intact')
        .map(({ index }) => index)
        .sort(),
    );
    assert.equal(report.ok, report.counts.intact === report.checked && report.checked > 0);
    return { report, heard };
  };

  describe(`auditing a dataset, on ${name}`, () => {
    it('everything is checked and intact: what was proven is said, with its anchor', async () => {
      const { report } = await run(new HonestStorage(primitives, log));
      assert.ok(report.ok);
      assert.deepEqual([report.total, report.checked, report.counts.intact], [total, total, total]);
      assert.deepEqual([report.anchor.anchor, report.anchor.size], ['final', total]);
      assert.ok((report.assurance.confidence as number) < 1, 'possession of every block is no certainty');
      assert.match(report.proves, /randomly chosen chunk/);
    });

    it('attested states no confidence', async () => {
      const { report } = await run(new HonestStorage(primitives, log), { evidence: 'attested' });
      assert.ok(report.ok);
      assert.equal(report.assurance.confidence, null);
      assert.match(report.proves, /may have kept only hashes/);
    });

    it('a sample is random, of the size asked for, and never more than there is', async () => {
      const first = (await run(new HonestStorage(primitives, log), { sample: 40 })).heard.map(({ index }) => index);
      const second = (await run(new HonestStorage(primitives, log), { sample: 40 })).heard.map(({ index }) => index);
      assert.equal(first.length, 40);
      assert.notDeepEqual(first, second);
      assert.equal((await run(new HonestStorage(primitives, log), { sample: total + 5 })).report.checked, total);
      const { report } = await run(new HonestStorage(primitives, log), { sample: DEFAULT_SAMPLE, fraction: 0.01 });
      if (!slow) assert.ok((report.assurance.confidence as number) >= 0.99);
    });

    it('a range is both ends inclusive, and blocks behind the log are unrecorded', async () => {
      const { report, heard } = await run(new HonestStorage(primitives, log), {
        range: { from: total - 2, to: total + 1 },
      });
      assert.deepEqual(
        heard.map(({ index, verdict }) => [index, verdict]),
        [
          [total - 2, 'intact'],
          [total - 1, 'intact'],
          [total, 'unrecorded'],
          [total + 1, 'unrecorded'],
        ],
      );
      assert.equal(report.total, 4);
      assert.equal(report.assurance.confidence, null);
      const sampled = await run(new HonestStorage(primitives, log), { range: { from: 10, to: 29 }, sample: 5 });
      assert.ok(sampled.heard.every(({ index }) => index >= 10 && index <= 29));
    });

    it('one deleted object withholds the confidence, one flipped bit says that damage was seen', async () => {
      const storage = new HonestStorage(primitives, log);
      storage.objects.delete(storage.locate(0).key);
      const missing = await run(storage);
      assert.equal(missing.report.counts.unavailable, 50);
      assert.equal(missing.report.assurance.confidence, null);
      assert.match(missing.report.assurance.words, /50 of \d+ answers are missing/);
      storage.flipBit(60);
      const damaged = await run(storage);
      assert.equal(damaged.report.counts.corrupted, 1);
      assert.match(damaged.report.assurance.words, /Damage found: 1 of/);
    });

    it('storage that is down gives a report of unavailable blocks', async () => {
      const storage = new HonestStorage(primitives, log);
      storage.getRecords = () => Promise.reject(new StoreUnavailableError('Down.'));
      const { report } = await run(storage, { sample: 7 });
      assert.deepEqual([report.counts.unavailable, report.ok, report.assurance.confidence], [7, false, null]);
    });

    it('a chain that does not answer, or has nothing, is an error and no audit', async () => {
      const honest = ledgerOf(primitives, log);
      const down = () => Promise.reject(new LedgerUnavailableError('Down.'));
      const storage = new HonestStorage(primitives, log);
      await assert.rejects(run(storage, {}, { ...honest, readHeads: down }), LedgerUnavailableError);
      await assert.rejects(run(storage, {}, { ...honest, findRecorded: down }), LedgerUnavailableError);
      await assert.rejects(
        run(storage, {}, ledgerOf(primitives, [])),
        (cause) => cause instanceof NotRecordedError && /Wait for a final block/.test(cause.message),
      );
      assert.equal(storage.calls.length, 0);
    });

    it('an audit of nothing, of a negative number or of too much is refused', async () => {
      const storage = new HonestStorage(primitives, log);
      for (const change of [
        { sample: 0 },
        { sample: -1 },
        { sample: Number.NaN },
        { sample: 0.5 },
        { range: { from: 5, to: 4 } },
        { range: { from: 0, to: 1e12 } },
      ]) {
        await assert.rejects(run(storage, change), ArgumentError, JSON.stringify(change));
      }
    });
  });
}
