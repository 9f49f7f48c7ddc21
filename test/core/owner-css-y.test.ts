import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { EMPTY_LOG } from '../../core/batch/seal-batch.ts';
import { InvalidInputError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import { MAX_RECORD_BLOCKS } from '../../core/limits.ts';
import { accountOfKey } from '../../core/log/head.ts';
import type { Answers, BatchRecords, Fault, HashedBlock, ProvenChunk, Records } from '../../core/ports/css.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { type CssYEvidence, type OwnerCssY, verifyOwnerCssY } from '../../core/protocols/owner-css-y.ts';
import type { Verdict, VerdictKind } from '../../core/verdict.ts';
import { BOTH } from './both-primitives.ts';
import { DEVICE_KEY, HonestStorage, headOf, reading, sealLog, swapBlocks, WRITER } from './honest-storage.ts';
import { sealMisrecorded } from './misrecorded-batch.ts';

const SIGNER = accountOfKey(DEVICE_KEY);
const EVIDENCES: readonly CssYEvidence[] = ['attested', 'possession'];
/** Blocks 0 … 9 in four batches; 3 … 6 have one size, and 2 has three chunks. */
const SIZES = [[40, 40, 2500], [300, 300, 300, 300], [1], [1000, 7]];
const ALL = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

for (const { name, primitives, slow } of BOTH) {
  const log = sealLog(primitives, SIZES);
  const depsOf = (storage: HonestStorage, batches = log): OwnerCssY => ({
    ...{ primitives, css: storage, head: headOf(primitives, batches), datasetKey: WRITER.datasetKey },
    signerOf: () => SIGNER,
  });
  const verify = async (
    deps: OwnerCssY,
    evidence: CssYEvidence,
    blocks: readonly number[] = ALL,
  ): Promise<Verdict[]> => {
    const verdicts: Verdict[] = [];
    for await (const window of verifyOwnerCssY(deps, blocks, evidence)) verdicts.push(...window);
    const indices = verdicts.map(({ index }) => index).sort((a, b) => a - b);
    assert.deepEqual(
      indices,
      [...blocks].sort((a, b) => a - b),
      'exactly one verdict a block asked for',
    );
    for (const verdict of verdicts) {
      assert.equal(verdict.evidence, evidence);
      assert.equal(verdict.reason === null, verdict.verdict === 'intact');
      assert.equal(verdict.blame, verdict.verdict === 'misrecorded' ? 'writer' : null);
    }
    return verdicts;
  };
  /** Verdicts of an audit of everything: `changed` differ, all others are intact. */
  const expect = async (
    storage: HonestStorage,
    evidence: CssYEvidence,
    changed: Record<number, VerdictKind>,
    batches = log,
  ): Promise<Verdict[]> => {
    const blocks = Array.from({ length: headOf(primitives, batches).size }, (_, i) => i);
    const verdicts = await verify(depsOf(storage, batches), evidence, blocks);
    assert.deepEqual(
      Object.fromEntries(verdicts.map(({ index, verdict }) => [index, verdict])),
      Object.fromEntries(blocks.map((index) => [index, changed[index] ?? 'intact'])),
    );
    return verdicts;
  };
  const all = (verdict: VerdictKind, blocks = ALL): Record<number, VerdictKind> =>
    Object.fromEntries(blocks.map((index) => [index, verdict]));

  for (const evidence of EVIDENCES) {
    describe(`Protocol I, ${evidence}, on ${name}`, () => {
      it('honest storage: every block is intact, under the signer of its record', async () => {
        const verdicts = await expect(new HonestStorage(primitives, log), evidence, {});
        assert.ok(verdicts.every(({ signer }) => signer === SIGNER));
      });

      for (const [plain, published] of [
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        it(`honest storage of a ${plain ? 'plain' : 'encrypted'}, ${published ? 'published' : 'rooted'} dataset`, async () => {
          const batches = sealLog(primitives, SIZES, { ...WRITER, plain, published });
          await expect(new HonestStorage(primitives, batches), evidence, {}, batches);
        });
      }

      it('a block that the chain does not have is unrecorded, and the storage is not asked for it', async () => {
        const storage = new HonestStorage(primitives, log);
        const deps = depsOf(storage, log.slice(0, 2));
        const verdicts = await verify(deps, evidence, [6, 7, 9, 1000]);
        assert.deepEqual(
          verdicts.map(({ index, verdict }) => [index, verdict]),
          [
            [6, 'intact'],
            [7, 'unrecorded'],
            [9, 'unrecorded'],
            [1000, 'unrecorded'],
          ],
        );
        assert.ok(storage.calls.every(({ blocks }) => blocks.every((index) => index === 6)));
        assert.deepEqual(
          (await verify(deps, evidence, [8])).map(({ verdict }) => verdict),
          ['unrecorded'],
        );
      });

      it('a bit flipped in a stored block is seen in that block alone', async () => {
        for (const [index, bit] of [
          [0, 0],
          [4, 777],
          [7, 3],
          [9, 55],
        ] as const) {
          const storage = new HonestStorage(primitives, log);
          storage.flipBit(index, bit);
          const verdicts = await expect(storage, evidence, { [index]: 'corrupted' });
          assert.equal(verdicts.find((verdict) => verdict.index === index)?.signer, SIGNER);
        }
      });

      it('an object cut off loses the blocks behind the cut', async () => {
        const storage = new HonestStorage(primitives, log);
        const { key, offset } = storage.locate(5);
        storage.objects.set(key, (storage.objects.get(key) as Uint8Array).slice(0, offset + 10));
        await expect(storage, evidence, { 5: 'unavailable', 6: 'unavailable' });
      });

      it('two stored blocks swapped are both corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        swapBlocks(storage, 3, 5);
        await expect(storage, evidence, { 3: 'corrupted', 5: 'corrupted' });
      });

      it('two blocks swapped with all that the storage says of them are both corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        const exchange = <T extends { index: number }>(answers: Answers<T>): Answers<T> => ({
          ...answers,
          answers: answers.answers.map((answer) => {
            const twin = answer.index === 3 ? 5 : answer.index === 5 ? 3 : null;
            return twin === null
              ? answer
              : { ...(answers.answers.find(({ index }) => index === twin) as T), index: answer.index };
          }),
        });
        storage.hashBlocks = async (...ask) => exchange(await HonestStorage.prototype.hashBlocks.apply(storage, ask));
        storage.proveChunks = async (...ask) => exchange(await HonestStorage.prototype.proveChunks.apply(storage, ask));
        await expect(storage, evidence, { 3: 'corrupted', 5: 'corrupted' });
      });

      it('a rival older segment in place of the recorded one is corrupted, as it does not lead to the head', async () => {
        const storage = new HonestStorage(primitives, log);
        const rivals = sealLog(primitives, SIZES, WRITER, (index, size) => reading(index + 50, size));
        const [recorded, rival] = [log[1], rivals[1]];
        assert.ok(recorded && rival);
        storage.objects.set(recorded.segment.key, rival.segment.car);
        await expect(storage, evidence, all('corrupted', [3, 4, 5, 6]));
        // It indexes the rival too: now its records lead elsewhere.
        storage.batches[1] = rival;
        storage.objects.set(rival.segment.key, rival.segment.car);
        const verdicts = await verify(depsOf(storage), evidence);
        assert.ok(
          verdicts.filter(({ index }) => index >= 3 && index <= 6).every(({ verdict }) => verdict === 'corrupted'),
        );
        assert.ok(verdicts.every(({ verdict }) => verdict !== 'misrecorded'));
      });

      it('an object deleted makes its blocks unavailable and no others', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.objects.delete(storage.locate(4).key);
        await expect(storage, evidence, all('unavailable', [3, 4, 5, 6]));
      });

      it('answers for other blocks than asked, and answers given twice, change nothing', async () => {
        const storage = new HonestStorage(primitives, log);
        const noise = <T extends { index: number }>(answers: Answers<T>): Answers<T> => ({
          answers: answers.answers.flatMap((answer) => [{ ...answer, index: answer.index + 100 }, answer, answer]),
          remaining: [77, -1, 1e9],
        });
        storage.hashBlocks = async (...ask) => noise(await HonestStorage.prototype.hashBlocks.apply(storage, ask));
        storage.proveChunks = async (...ask) => noise(await HonestStorage.prototype.proveChunks.apply(storage, ask));
        await expect(storage, evidence, {});
      });

      it('answers of other blocks under the asked names are corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        const shift = <T extends { index: number }>({ answers, remaining }: Answers<T>): Answers<T> => ({
          answers: answers.map((answer, at) => ({
            ...answer,
            index: answers[(at + 1) % answers.length]?.index as number,
          })),
          remaining,
        });
        storage.hashBlocks = async (...ask) => shift(await HonestStorage.prototype.hashBlocks.apply(storage, ask));
        storage.proveChunks = async (...ask) => shift(await HonestStorage.prototype.proveChunks.apply(storage, ask));
        await expect(storage, evidence, all('corrupted'));
      });

      it('silence is unavailable', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.hashBlocks = async () => ({ answers: [], remaining: [] });
        storage.proveChunks = async () => ({ answers: [], remaining: [] });
        await expect(storage, evidence, all('unavailable'));
      });

      it('storage that postpones for ever is unavailable, after one request', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.requestBytes = 0;
        let asked = 0;
        storage.hashBlocks = async (_, blocks) => ({ answers: [], remaining: ++asked > 50 ? [] : blocks });
        storage.proveChunks = async (_, challenges) => ({
          answers: [],
          remaining: ++asked > 50 ? [] : challenges.map(({ index }) => index),
        });
        await expect(storage, evidence, all('unavailable'));
        assert.equal(asked, 1);
      });

      it('storage that answers one block a request is asked until all are answered', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.requestBytes = 1;
        await expect(storage, evidence, {});
        const asked = storage.calls.filter((call) => call.name !== 'get-records');
        assert.deepEqual(
          asked.map(({ blocks }) => blocks.length),
          [10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
        );
      });

      it('faults are shown as what they are, and a recorded block is never called unrecorded', async () => {
        const storage = new HonestStorage(primitives, log);
        const kinds: Record<number, Fault['kind']> = { 1: 'refused', 2: 'unavailable', 8: 'unrecorded' };
        const fault = <T extends { index: number }>({ answers, remaining }: Answers<T>): Answers<T> => ({
          answers: answers.map((answer) => {
            const kind = kinds[answer.index];
            return kind === undefined ? answer : { index: answer.index, kind, reason: 'Not today.' };
          }),
          remaining,
        });
        storage.hashBlocks = async (...ask) => fault(await HonestStorage.prototype.hashBlocks.apply(storage, ask));
        storage.proveChunks = async (...ask) => fault(await HonestStorage.prototype.proveChunks.apply(storage, ask));
        const verdicts = await expect(storage, evidence, { 1: 'refused', 2: 'unavailable', 8: 'unavailable' });
        assert.deepEqual(
          verdicts.filter(({ reason }) => reason !== null).map(({ reason }) => reason),
          Array(3).fill('Not today.'),
        );
      });

      it('a request refused, not answered or answered with rubbish ends in verdicts, not in an abort', async () => {
        const cases: [Error, VerdictKind][] = [
          [new RequestRefusedError('No.', { type: '/problems/forbidden', status: 403 }), 'refused'],
          [new StoreUnavailableError('Down.'), 'unavailable'],
          [new InvalidInputError('The answer is malformed.'), 'unavailable'],
        ];
        for (const [error, verdict] of cases) {
          for (const methods of [['hashBlocks', 'proveChunks'], ['getRecords']] as const) {
            const storage = new HonestStorage(primitives, log);
            for (const method of methods) storage[method] = (() => Promise.reject(error)) as never;
            const verdicts = await expect(storage, evidence, all(verdict));
            assert.ok(verdicts.every(({ reason }) => reason === error.message));
          }
        }
      });

      it('a programming error is not taken for a verdict', async () => {
        for (const methods of [['hashBlocks', 'proveChunks'], ['getRecords']] as const) {
          const storage = new HonestStorage(primitives, log);
          for (const method of methods)
            storage[method] = (() => Promise.reject(new TypeError('x is not a function'))) as never;
          await assert.rejects(verify(depsOf(storage), evidence), TypeError);
        }
      });

      it('an audit that is called off ends with the reason given', async () => {
        for (const methods of [['hashBlocks', 'proveChunks'], ['getRecords']] as const) {
          const storage = new HonestStorage(primitives, log);
          const abort = new AbortController();
          const reason = new Error('enough');
          const stop = (): Promise<never> => {
            abort.abort(reason);
            return Promise.reject(new StoreUnavailableError('Aborted.'));
          };
          for (const method of methods) storage[method] = stop as never;
          await assert.rejects(verifyOwnerCssY(depsOf(storage), ALL, evidence, abort.signal).next(), reason);
          await assert.rejects(verifyOwnerCssY(depsOf(storage), ALL, evidence, abort.signal).next(), reason);
        }
      });

      it('a record altered in storage is corrupted, and the other batches are still proven', async () => {
        const change: ((batch: BatchRecords) => BatchRecords)[] = [
          (batch) => ({ ...batch, salt: flip(batch.salt) }),
          (batch) => ({ ...batch, sealedHash: flip(batch.sealedHash) }),
          (batch) => ({ ...batch, contentCommitment: flip(batch.contentCommitment) }),
          (batch) => ({ ...batch, count: batch.count + 1 }),
          (batch) => ({ ...batch, first: batch.first + 1 }),
          (batch) => ({ ...batch, first: 1e15 }),
          (batch) => ({ ...batch, count: 5000 }),
          (batch) => ({
            ...batch,
            records: batch.records.map((record) => ({ ...record, sealed: flip(record.sealed) })),
          }),
          (batch) => ({
            ...batch,
            records: batch.records.map((record) => ({ ...record, commitment: flip(record.commitment) })),
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
            const forged = batch.records.map((record) => ({ ...record, sealed: flip(record.sealed) }));
            return position === 1
              ? { ...batch, records: front ? [...forged, ...batch.records] : [...batch.records, ...forged] }
              : batch;
          };
          await expect(storage, evidence, all('corrupted', [3, 4, 5, 6]));
        }
      });

      it('records of a log of another size do not lead to the head', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.getRecords = (dataset, blocks, batches) =>
          HonestStorage.prototype.getRecords.call(storage, dataset, blocks, batches - 1);
        await expect(storage, evidence, { ...all('corrupted'), 8: 'unavailable', 9: 'unavailable' });
        const longer = sealLog(primitives, [...SIZES, [5]]);
        const more = new HonestStorage(primitives, longer);
        more.getRecords = (dataset, blocks) => HonestStorage.prototype.getRecords.call(more, dataset, blocks, 5);
        await expect(more, evidence, all('corrupted'));
      });

      it('a batch claimed at the position of another is corrupted', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.recordsOf = async (position, indices) => {
          const batch = await HonestStorage.prototype.recordsOf.call(storage, position, indices);
          return { ...batch, position: position === 1 ? 2 : position === 2 ? 1 : position };
        };
        await expect(storage, evidence, all('corrupted', [3, 4, 5, 6, 7]));
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
        await expect(storage, evidence, all('corrupted'));
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
        await expect(storage, evidence, all('unavailable'));
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
        await expect(storage, evidence, all('unavailable', [1, 3, 5, 7, 9]));
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
            commitment: (commitment, number) => (number === 1 ? (flip(commitment) as typeof commitment) : commitment),
          },
        );
        await expect(new HonestStorage(primitives, [made]), evidence, { 1: 'misrecorded' }, [made]);
      });

      it('a salt fabricated by the writer gives no key that fits: misrecorded', async () => {
        const made = sealMisrecorded(
          primitives,
          EMPTY_LOG,
          [0, 1].map((i) => reading(i, 30)),
          { salt: (salt) => flip(salt) as typeof salt },
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
              number === 0 ? { ...opening, sha256: flip(opening.sha256) as typeof opening.sha256 } : opening,
          },
        );
        await expect(new HonestStorage(primitives, [made]), evidence, { 0: 'corrupted' }, [made]);
      });

      it('cuts its requests by size, by the storage’s hints, and asks each block once', async () => {
        const count = slow ? 4 : 130;
        const big = sealLog(
          primitives,
          Array.from({ length: Math.ceil(count / 26) }, () => Array.from({ length: Math.min(26, count) }, () => 3)),
        );
        const storage = new HonestStorage(primitives, big);
        storage.recordsOf = async (position, indices) => ({
          ...(await HonestStorage.prototype.recordsOf.call(storage, position, indices)),
          largestBlockBytes: 2 ** 20,
        });
        await expect(storage, evidence, {}, big);
        const asked = storage.calls.filter((call) => call.name !== 'get-records').map(({ blocks }) => blocks.length);
        assert.ok(
          asked.every((length) => length <= 64),
          `requests of ${asked}`,
        );
        assert.equal(
          asked.reduce((sum, length) => sum + length, 0),
          headOf(primitives, big).size,
        );
      });

      it('exactly one verdict a block asked for, and intact only what is, whatever the storage answers', async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.subarray(ALL, { minLength: 1 }),
            fc.nat(),
            fc.subarray(ALL),
            async (blocks, seed, damaged) => {
              const storage = new ErraticStorage(primitives, log, seed);
              for (const index of damaged) storage.flipBit(index, 1);
              const verdicts = await verify(depsOf(storage), evidence, blocks);
              for (const { index, verdict } of verdicts) {
                assert.notEqual(verdict, 'unrecorded');
                assert.notEqual(verdict, 'misrecorded');
                // Block 2 has three chunks: possession may miss a flipped bit in another one.
                if (verdict === 'intact' && (evidence === 'attested' || index !== 2))
                  assert.ok(!damaged.includes(index));
              }
            },
          ),
          { numRuns: slow ? 15 : 250, seed: 8 },
        );
      });
    });
  }

  describe(`what only one kind of evidence sees, on ${name}`, () => {
    it('storage that keeps only hashes passes attested and fails possession', async () => {
      const storage = new HonestStorage(primitives, log);
      const remembered = await new HonestStorage(primitives, log).hashBlocks(WRITER.dataset, ALL);
      storage.objects.clear();
      storage.hashBlocks = async (_, blocks) => ({
        answers: remembered.answers.filter(({ index }) => blocks.includes(index)) as HashedBlock[],
        remaining: [],
      });
      // It makes up a chunk of the right length and has the right path nowhere.
      storage.proveChunks = async (_, challenges) => ({
        answers: challenges.map(({ index }): ProvenChunk => {
          const answer = remembered.answers.find((each) => each.index === index) as HashedBlock;
          const { size, sha256, metaHash } = answer.opening;
          return { index, size, sha256, metaHash, chunk: new Uint8Array(Math.min(size, 1024)), path: [] };
        }),
        remaining: [],
      });
      await expect(storage, 'attested', {});
      await expect(storage, 'possession', all('corrupted'));
    });

    it('a chunk with a valid path, but not the one asked for, is corrupted', async () => {
      const storage = new HonestStorage(primitives, log);
      storage.proveChunks = (dataset, challenges) =>
        HonestStorage.prototype.proveChunks.call(
          storage,
          dataset,
          challenges.map(({ index, random }) => ({ index, random: random + 1 })),
        );
      const verdicts = await verify(depsOf(storage), 'possession');
      assert.equal(verdicts.find(({ index }) => index === 2)?.verdict, 'corrupted');
    });

    for (const [what, alter] of [
      ['one step short', (path: readonly Uint8Array[]) => path.slice(1)],
      ['one step long', (path: readonly Uint8Array[]) => [...path, new Uint8Array(32)]],
      ['with a step of 31 bytes', (path: readonly Uint8Array[]) => path.map((node) => node.subarray(1))],
    ] as const) {
      it(`a path ${what} is corrupted`, async () => {
        const storage = new HonestStorage(primitives, log);
        storage.proveChunks = async (...ask) => {
          const { answers } = await HonestStorage.prototype.proveChunks.apply(storage, ask);
          return {
            answers: answers.map((answer) =>
              answer.index === 2 && 'path' in answer ? { ...answer, path: alter(answer.path) } : answer,
            ),
            remaining: [],
          };
        };
        await expect(storage, 'possession', { 2: 'corrupted' });
      });
    }

    it('a size that no block has, claimed in a proof, is corrupted', async () => {
      for (const size of [0, 2 ** 20 + 1, 2501, 2499, 1]) {
        const storage = new HonestStorage(primitives, log);
        storage.proveChunks = async (...ask) => {
          const { answers } = await HonestStorage.prototype.proveChunks.apply(storage, ask);
          return {
            answers: answers.map((answer) => (answer.index === 2 ? { ...answer, size } : answer)),
            remaining: [],
          };
        };
        await expect(storage, 'possession', { 2: 'corrupted' });
      }
    });

    it('a chunk root that contradicts the bytes, recorded by the writer, passes attested and fails possession', async () => {
      const made = sealMisrecorded(
        primitives,
        EMPTY_LOG,
        [0, 1].map((i) => reading(i, 3000)),
        {
          opening: (opening, number) =>
            number === 0 ? { ...opening, chunkRoot: flip(opening.chunkRoot) as typeof opening.chunkRoot } : opening,
        },
      );
      await expect(new HonestStorage(primitives, [made]), 'attested', {}, [made]);
      await expect(new HonestStorage(primitives, [made]), 'possession', { 0: 'corrupted' }, [made]);
    });

    it('possession asks a number of its own randomness for each block, and another one the next time', async () => {
      const storage = new HonestStorage(primitives, log);
      const numbers: number[] = [];
      storage.proveChunks = (dataset, challenges) => {
        numbers.push(...challenges.map(({ random }) => random));
        return HonestStorage.prototype.proveChunks.call(storage, dataset, challenges);
      };
      await expect(storage, 'possession', {});
      await expect(storage, 'possession', {});
      assert.equal(numbers.length, 20);
      assert.ok(new Set(numbers).size >= 19);
      assert.ok(numbers.every((number) => Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff));
    });
  });

  if (!slow) {
    it('many blocks are verified window by window of 512, each with one request for records', async () => {
      const many = sealLog(primitives, [Array.from({ length: 700 }, () => 2), Array.from({ length: 400 }, () => 2)]);
      const storage = new HonestStorage(primitives, many);
      const windows: number[] = [];
      const blocks = Array.from({ length: 1100 }, (_, i) => 1099 - i);
      for await (const verdicts of verifyOwnerCssY(depsOf(storage, many), blocks, 'attested')) {
        assert.ok(verdicts.every(({ verdict }) => verdict === 'intact'));
        windows.push(verdicts.length);
      }
      assert.deepEqual(windows, [MAX_RECORD_BLOCKS, MAX_RECORD_BLOCKS, 76]);
      assert.equal(storage.calls.filter((call) => call.name === 'get-records').length, 3);
    });
  }
}

/** Storage that mixes honest answers with every kind of nonsense, by a number that decides. */
class ErraticStorage extends HonestStorage {
  #state: number;

  constructor(primitives: Primitives, batches: ConstructorParameters<typeof HonestStorage>[1], seed: number) {
    super(primitives, batches);
    this.#state = (seed | 1) >>> 0;
  }

  override async hashBlocks(...ask: Parameters<HonestStorage['hashBlocks']>): Promise<Answers<HashedBlock>> {
    return this.#distort(await super.hashBlocks(...ask), ask[1]);
  }

  override async proveChunks(...ask: Parameters<HonestStorage['proveChunks']>): Promise<Answers<ProvenChunk>> {
    return this.#distort(
      await super.proveChunks(...ask),
      ask[1].map(({ index }) => index),
    );
  }

  override async getRecords(...ask: Parameters<HonestStorage['getRecords']>): Promise<Records> {
    const records = await super.getRecords(...ask);
    const chance = this.#next(12);
    if (chance === 0) throw new StoreUnavailableError('Down.');
    const faults =
      this.#next(3) === 0 ? [...records.faults, ...this.#faults(ask[1]), ...this.#faults([3, 4, 400])] : records.faults;
    if (chance > 6) return { ...records, faults };
    const batches = records.batches.flatMap((batch): BatchRecords[] => {
      switch (this.#next(8)) {
        case 0:
          return [];
        case 1:
          return [batch, batch];
        case 2:
          return [{ ...batch, records: [...batch.records, ...batch.records] }];
        case 3:
          return [{ ...batch, salt: flip(batch.salt) as typeof batch.salt }];
        case 4:
          return [{ ...batch, records: batch.records.map((record) => ({ ...record, index: this.#next(12) })) }];
        case 5:
          return [{ ...batch, position: this.#next(5) }];
        default:
          return [batch];
      }
    });
    return { batches, proof: this.#next(9) === 0 ? records.proof.slice(1) : records.proof, faults };
  }

  #distort<T extends { index: number }>(honest: Answers<T>, asked: readonly number[]): Answers<T> {
    if (this.#next(12) === 0) throw new RequestRefusedError('No.', { type: '/problems/x', status: 400 });
    const remaining = this.#next(4) === 0 ? asked.filter(() => this.#next(2) === 0) : honest.remaining;
    const answers = honest.answers.flatMap((answer): (T | Fault)[] => {
      switch (this.#next(8)) {
        case 0:
          return [];
        case 1:
          return [answer, answer];
        case 2:
          return this.#faults([answer.index]);
        case 3:
          return [{ ...answer, index: this.#next(12) }];
        default:
          return [answer];
      }
    });
    return { answers, remaining };
  }

  #faults(indices: readonly number[]): Fault[] {
    const kinds = ['unavailable', 'refused', 'unrecorded'] as const;
    return indices
      .filter(() => this.#next(2) === 0)
      .map((index) => ({ index, kind: kinds[this.#next(3)] ?? 'refused', reason: 'Erratic.' }));
  }

  /** xorshift32: the same seed, the same nonsense. */
  #next(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}

function flip<T extends Uint8Array>(bytes: T): T {
  const changed = Uint8Array.from(bytes);
  changed[0]! ^= 1;
  return changed as T;
}
