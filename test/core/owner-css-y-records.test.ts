import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_LOG } from '../../core/batch/seal-batch.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { BatchRecords, Fault, Records } from '../../core/ports/css.ts';
import { allAs, auditOf, changeBit, EVIDENCES, SIZES } from './audit-storage.ts';
import { BOTH } from './both-primitives.ts';
import { HonestStorage, reading, sealLog } from './honest-storage.ts';
import { sealMisrecorded } from './misrecorded-batch.ts';

for (const { name, primitives } of BOTH) {
  const { log, depsOf, verify, expect } = auditOf(primitives);

  for (const evidence of EVIDENCES) {
    describe(`records in Protocol I, ${evidence}, on ${name}`, () => {
      it('a record altered in storage is corrupted, and the other batches are still proven', async () => {
        const change: ((batch: BatchRecords) => BatchRecords)[] = [
          (batch) => ({ ...batch, salt: changeBit(batch.salt) }),
          (batch) => ({ ...batch, sealedHash: changeBit(batch.sealedHash) }),
          (batch) => ({ ...batch, contentCommitment: changeBit(batch.contentCommitment) }),
          (batch) => ({ ...batch, count: batch.count + 1 }),
          (batch) => ({ ...batch, first: batch.first + 1 }),
          (batch) => ({ ...batch, first: 1e15 }),
          (batch) => ({ ...batch, count: 5000 }),
          (batch) => ({
            ...batch,
            records: batch.records.map((record) => ({ ...record, sealed: changeBit(record.sealed) })),
          }),
          (batch) => ({
            ...batch,
            records: batch.records.map((record) => ({ ...record, commitment: changeBit(record.commitment) })),
          }),
          (batch) => ({
            ...batch,
            records: [...batch.records]
              .reverse()
              .map((record, i) => ({ ...record, index: batch.records[i]?.index as number })),
          }),
          (batch) => ({ ...batch, proof: [...batch.proof, batch.salt] }),
          (batch) => ({ ...batch, position: 9 }),
          (batch) => ({ ...batch, position: batch.position + 1 }),
        ];
        for (const [number, alter] of change.entries()) {
          const storage = new HonestStorage(primitives, log);
          storage.recordsOf = async (position, indices) => {
            const batch = await HonestStorage.prototype.recordsOf.call(storage, position, indices);
            return position === 1 ? alter(batch) : batch;
          };
          const verdicts = await verify(depsOf(storage), evidence);
          for (const { index, verdict } of verdicts) {
            assert.equal(
              verdict,
              index >= 3 && index <= 6 ? 'corrupted' : 'intact',
              `change ${number}, block ${index}`,
            );
          }
        }
      });

      it('one record of a batch forged beside its true one is not proven with it', async () => {
        for (const front of [true, false]) {
          const storage = new HonestStorage(primitives, log);
          storage.recordsOf = async (position, indices) => {
            const batch = await HonestStorage.prototype.recordsOf.call(storage, position, indices);
            const forged = batch.records.map((record) => ({ ...record, sealed: changeBit(record.sealed) }));
            return position === 1
              ? { ...batch, records: front ? [...forged, ...batch.records] : [...batch.records, ...forged] }
              : batch;
          };
          await expect(storage, evidence, allAs('corrupted', [3, 4, 5, 6]));
        }
      });

      it('records of a log of another size do not lead to the head', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.getRecords = (dataset, blocks, batches) =>
          HonestStorage.prototype.getRecords.call(storage, dataset, blocks, batches - 1);
        await expect(storage, evidence, { ...allAs('corrupted'), 8: 'unavailable', 9: 'unavailable' });
        const longer = sealLog(primitives, [...SIZES, [5]]);
        const more = new HonestStorage(primitives, longer);
        more.getRecords = (dataset, blocks) => HonestStorage.prototype.getRecords.call(more, dataset, blocks, 5);
        await expect(more, evidence, allAs('corrupted'));
      });

      it('a batch claimed at the position of another is corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.recordsOf = async (position, indices) => {
          const batch = await HonestStorage.prototype.recordsOf.call(storage, position, indices);
          return { ...batch, position: position === 1 ? 2 : position === 2 ? 1 : position };
        };
        await expect(storage, evidence, allAs('corrupted', [3, 4, 5, 6, 7]));
      });

      it('two batches under one position, and one batch under two, are corrupted alone', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.getRecords = async (...ask) => {
          const records = await HonestStorage.prototype.getRecords.apply(storage, ask);
          return ask[1].length > 4
            ? { ...records, batches: records.batches.map((batch) => ({ ...batch, position: 0 })) }
            : records;
        };
        await expect(storage, evidence, {});
        storage.getRecords = async (...ask) => {
          const records = await HonestStorage.prototype.getRecords.apply(storage, ask);
          return { ...records, batches: records.batches.flatMap((batch) => [batch, batch]) };
        };
        await expect(storage, evidence, allAs('corrupted'));
      });

      it('faults on records: for blocks not asked for, given twice, and beside a proven record', async () => {
        const storage = new HonestStorage(primitives, log);
        const faultsOn = (...indices: number[]): Fault[] =>
          indices.flatMap((index) => [
            { index, kind: 'refused', reason: 'a' },
            { index, kind: 'unrecorded', reason: 'b' },
          ]);
        storage.getRecords = async (dataset, blocks, batches) => {
          const kept = blocks.filter((index) => index !== 2);
          const records = await HonestStorage.prototype.getRecords.call(storage, dataset, kept, batches);
          return { ...records, faults: faultsOn(2, 3, 500) };
        };
        await expect(storage, evidence, { 2: 'unavailable' });
        const broken: Records = { batches: [], proof: [new Uint8Array(32)], faults: faultsOn(1, 1, 99) };
        storage.getRecords = async () => broken;
        await expect(storage, evidence, allAs('unavailable'));
      });

      it('records withheld without a word are unavailable', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.getRecords = (dataset, blocks, batches) =>
          HonestStorage.prototype.getRecords.call(
            storage,
            dataset,
            blocks.filter((index) => index % 2 === 0),
            batches,
          );
        await expect(storage, evidence, allAs('unavailable', [1, 3, 5, 7, 9]));
      });

      it('records that fail batch by batch, and storage that dies on the way, still end in one verdict each', async () => {
        const storage = new HonestStorage(primitives, log);
        let asked = 0;
        storage.getRecords = async (dataset, blocks, batches) => {
          asked += 1;
          if (asked === 3) throw new StoreUnavailableError('Gone.');
          const records = await HonestStorage.prototype.getRecords.call(storage, dataset, blocks, batches);
          // Every batch claims to hold every block, so that the blocks are named several times.
          const claimed = blocks.map((index) => ({
            index,
            sealed: new Uint8Array(32),
            commitment: new Uint8Array(32),
          }));
          return asked === 1
            ? { ...records, batches: records.batches.map((batch) => ({ ...batch, records: claimed as never })) }
            : records;
        };
        const verdicts = await verify(depsOf(storage), evidence);
        assert.ok(verdicts.every(({ verdict }) => verdict === 'intact' || verdict === 'unavailable'));
      });

      it('a commitment that the dataset key does not give is the writer misrecording', async () => {
        const made = sealMisrecorded(
          primitives,
          EMPTY_LOG,
          [0, 1].map((i) => reading(i, 30)),
          {
            commitment: (commitment, number) =>
              number === 1 ? (changeBit(commitment) as typeof commitment) : commitment,
          },
        );
        await expect(new HonestStorage(primitives, [made]), evidence, { 1: 'misrecorded' }, [made]);
      });

      it('a salt fabricated by the writer gives no key that fits: misrecorded', async () => {
        const made = sealMisrecorded(
          primitives,
          EMPTY_LOG,
          [0, 1].map((i) => reading(i, 30)),
          { salt: (salt) => changeBit(salt) as typeof salt },
        );
        await expect(new HonestStorage(primitives, [made]), evidence, { 0: 'misrecorded', 1: 'misrecorded' }, [made]);
      });

      it('a hash of other bytes recorded by the writer is corrupted: nobody is proven to be the culprit', async () => {
        const made = sealMisrecorded(
          primitives,
          EMPTY_LOG,
          [0, 1].map((i) => reading(i, 30)),
          {
            opening: (opening, number) =>
              number === 0 ? { ...opening, sha256: changeBit(opening.sha256) as typeof opening.sha256 } : opening,
          },
        );
        await expect(new HonestStorage(primitives, [made]), evidence, { 0: 'corrupted' }, [made]);
      });
    });
  }
}
