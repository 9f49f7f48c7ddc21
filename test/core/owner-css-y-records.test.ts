import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { SealedDigest } from '../../core/ids.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import type { BlockRecord } from '../../core/log/record.ts';
import type { ShownRecord } from '../../core/log/verify-records.ts';
import type { BatchRecords, Fault, Records } from '../../core/ports/css.ts';
import { allAs, auditOf, changeBit, EVIDENCES, SIGNER, SIZES } from './audit-storage.ts';
import { BOTH } from './both-primitives.ts';
import { HonestStorage, reading, sealLog } from './honest-storage.ts';
import { sealMisrecorded } from './misrecorded-batch.ts';

for (const { name, primitives } of BOTH) {
  const { log, depsOf, verify, expect } = auditOf(primitives);

  for (const evidence of EVIDENCES) {
    describe(`records in Protocol I, ${evidence}, on ${name}`, () => {
      it('a record altered in storage is corrupted, and all others are still proven', async () => {
        const alterations: ((shown: ShownRecord) => ShownRecord)[] = [
          (shown) => altered(shown, 'sealed'),
          (shown) => altered(shown, 'commitment'),
          (shown) => altered(shown, 'contentCommitment'),
          (shown) => ({ ...shown, record: { ...shown.record, sealed: new Uint8Array(31) as SealedDigest } }),
        ];
        for (const [number, alter] of alterations.entries()) {
          const storage = new HonestStorage(primitives, log);
          storage.recordsOf = (batch, indices) => {
            const honest = HonestStorage.prototype.recordsOf.call(storage, batch, indices);
            return { ...honest, records: honest.records.map((shown) => (shown.index === 4 ? alter(shown) : shown)) };
          };
          const verdicts = await expect(storage, evidence, { 4: 'corrupted' });
          assert.equal(verdicts[4]?.signer, SIGNER, `change ${number}`);
        }
      });

      it('what is said of a batch beside its records proves nothing against anybody', async () => {
        const harmless: ((batch: BatchRecords) => BatchRecords)[] = [
          (batch) => ({ ...batch, count: batch.count + 1 }),
          (batch) => ({ ...batch, first: 1e15 }),
          (batch) => ({ ...batch, largestBlockBytes: 2 ** 20 }),
          (batch) => ({ ...batch, nonce: null }),
        ];
        const misleading: ((batch: BatchRecords) => BatchRecords)[] = [
          (batch) => ({ ...batch, salt: changeBit(batch.salt) }),
          (batch) => ({ ...batch, serial: batch.serial + 1 }),
        ];
        for (const alter of [...harmless, ...misleading]) {
          const storage = new HonestStorage(primitives, log);
          storage.recordsOf = (batch, indices) => {
            const honest = HonestStorage.prototype.recordsOf.call(storage, batch, indices);
            return honest.first === 3 ? alter(honest) : honest;
          };
          // Without the right salt and serial the digest cannot be opened, and whose doing that is nobody can show.
          const changed = misleading.includes(alter) ? allAs('unavailable', [3, 4, 5, 6]) : {};
          await expect(storage, evidence, changed);
        }
      });

      it('records of two blocks in each other’s place are both corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        const [three, five] = [3, 5].map((index) => log[1]?.manifest.blocks[index - 3]?.record);
        assert.ok(three && five);
        storage.recordsOf = (batch, indices) => {
          const honest = HonestStorage.prototype.recordsOf.call(storage, batch, indices);
          const swapped = honest.records.map(({ index, record }) => ({
            index,
            record: index === 3 ? five : index === 5 ? three : record,
          }));
          return { ...honest, records: swapped };
        };
        await expect(storage, evidence, { 3: 'corrupted', 5: 'corrupted' });
      });

      it('a record forged beside the true one is not proven with it', async () => {
        for (const front of [true, false]) {
          const storage = new HonestStorage(primitives, log);
          storage.recordsOf = (batch, indices) => {
            const honest = HonestStorage.prototype.recordsOf.call(storage, batch, indices);
            const forged = honest.records.map((shown) => altered(shown, 'sealed'));
            return honest.first === 3
              ? { ...honest, records: front ? [...forged, ...honest.records] : [...honest.records, ...forged] }
              : honest;
          };
          await expect(storage, evidence, allAs('corrupted', [3, 4, 5, 6]));
        }
      });

      it('records of a log of another size do not lead to any head', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.getRecords = (dataset, blocks, size) =>
          HonestStorage.prototype.getRecords.call(storage, dataset, blocks, size - 1);
        await expect(storage, evidence, { ...allAs('corrupted'), 9: 'unavailable' });
        const longer = sealLog(primitives, [...SIZES, [5]]);
        const more = new HonestStorage(primitives, longer);
        more.getRecords = (dataset, blocks) => HonestStorage.prototype.getRecords.call(more, dataset, blocks, 11);
        await expect(more, evidence, allAs('corrupted'));
      });

      it('a proof cut short, too long, or with a step of 31 bytes is none', async () => {
        const spoil: ((proof: readonly Uint8Array[]) => readonly Uint8Array[])[] = [
          (proof) => proof.slice(1),
          (proof) => [...proof, new Uint8Array(32)],
          (proof) => proof.map((node) => node.subarray(1)),
        ];
        for (const alter of spoil) {
          const storage = new HonestStorage(primitives, log);
          storage.getRecords = async (...ask) => {
            const records = await HonestStorage.prototype.getRecords.apply(storage, ask);
            return { ...records, proof: alter(records.proof) };
          };
          const verdicts = await verify(depsOf(storage), evidence, [0, 4, 9]);
          assert.ok(verdicts.every(({ verdict }) => verdict === 'corrupted'));
        }
      });

      it('all batches given twice are corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.getRecords = async (...ask) => {
          const records = await HonestStorage.prototype.getRecords.apply(storage, ask);
          return { ...records, batches: records.batches.flatMap((batch) => [batch, batch]) };
        };
        await expect(storage, evidence, allAs('corrupted'));
      });

      it('behind a head that nobody can prove, all others stay intact, and what is missing is named with its signer', async () => {
        const [, , , , junk] = sealLog(primitives, [...SIZES, [5, 5, 5]]);
        assert.ok(junk);
        // A thief has recorded three blocks that he never stored.
        const recorded = [...log, junk];
        const storage = new HonestStorage(primitives, log);
        const verdicts = await expect(storage, evidence, allAs('unavailable', [10, 11, 12]), recorded);
        assert.ok(verdicts.every(({ signer }) => signer === SIGNER));
      });

      it('faults on records: for blocks not asked for, given twice, and beside a proven record', async () => {
        const storage = new HonestStorage(primitives, log);
        const faultsOn = (...indices: number[]): Fault[] =>
          indices.flatMap((index) => [
            { index, kind: 'refused', reason: 'a' },
            { index, kind: 'unrecorded', reason: 'b' },
          ]);
        storage.getRecords = async (dataset, blocks, size) => {
          const kept = blocks.filter((index) => index !== 2);
          const records = await HonestStorage.prototype.getRecords.call(storage, dataset, kept, size);
          return { ...records, faults: faultsOn(2, 3, 500) };
        };
        await expect(storage, evidence, { 2: 'unavailable' });
        const broken: Records = { batches: [], proof: [new Uint8Array(32)], faults: faultsOn(1, 1, 99) };
        storage.getRecords = async () => broken;
        await expect(storage, evidence, allAs('unavailable'));
      });

      it('records withheld without a word are unavailable', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.getRecords = (dataset, blocks, size) =>
          HonestStorage.prototype.getRecords.call(
            storage,
            dataset,
            blocks.filter((index) => index % 2 === 0),
            size,
          );
        await expect(storage, evidence, allAs('unavailable', [1, 3, 5, 7, 9]));
      });

      it('records that do not lead anywhere, and storage that dies on the way, still end in one verdict each', async () => {
        const storage = new HonestStorage(primitives, log);
        let asked = 0;
        storage.getRecords = async (...ask) => {
          asked += 1;
          if (asked === 3) throw new StoreUnavailableError('Gone.');
          const records = await HonestStorage.prototype.getRecords.apply(storage, ask);
          return asked === 1 ? { ...records, proof: [new Uint8Array(32)] } : records;
        };
        const verdicts = await verify(depsOf(storage), evidence);
        const kinds = Map.groupBy(verdicts, ({ verdict }) => verdict);
        assert.deepEqual([...kinds.keys()].sort(), ['intact', 'unavailable']);
        assert.equal(kinds.get('unavailable')?.length, 5);
      });

      it('a commitment that no salt gives is not opened: whose doing it is nobody can show', async () => {
        const made = sealMisrecorded(
          primitives,
          EMPTY_PEAKS,
          [0, 1].map((i) => reading(i, 30)),
          {
            commitment: (commitment, number) =>
              number === 1 ? (changeBit(commitment) as typeof commitment) : commitment,
          },
        );
        await expect(new HonestStorage(primitives, [made]), evidence, { 1: 'unavailable' }, [made]);
      });

      it('a hash of other bytes recorded by the writer is corrupted: nobody is proven to be the culprit', async () => {
        const made = sealMisrecorded(
          primitives,
          EMPTY_PEAKS,
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

function altered(shown: ShownRecord, field: keyof BlockRecord): ShownRecord {
  return { ...shown, record: { ...shown.record, [field]: changeBit(shown.record[field]) } };
}
