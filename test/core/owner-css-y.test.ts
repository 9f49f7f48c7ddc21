import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ArgumentError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import { MAX_RECORD_BLOCKS } from '../../core/limits.ts';
import type { Answers, Fault } from '../../core/ports/css.ts';
import { verifyOwnerCssY } from '../../core/protocols/owner-css-y.ts';
import type { VerdictKind } from '../../core/verdict.ts';
import { ALL, allAs, auditOf, EVIDENCES, SIGNER, SIZES } from './audit-storage.ts';
import { BOTH } from './both-primitives.ts';
import { ErraticStorage } from './erratic-storage.ts';
import { HonestStorage, headOf, reading, sealLog, swapBlocks, WRITER, writerOf } from './honest-storage.ts';

for (const { name, primitives, slow } of BOTH) {
  const { log, depsOf, verify, expect } = auditOf(primitives);

  for (const evidence of EVIDENCES) {
    describe(`Protocol I, ${evidence}, on ${name}`, () => {
      it('honest storage: every block is intact, under the signer of its record', async () => {
        const verdicts = await expect(new HonestStorage(primitives, log), evidence, {});
        assert.ok(verdicts.every(({ signer }) => signer === SIGNER));
      });

      it('honest storage of a plain dataset', async () => {
        const batches = sealLog(primitives, SIZES, writerOf(1));
        await expect(new HonestStorage(primitives, batches), evidence, {}, batches);
      });

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
        await expect(storage, evidence, allAs('corrupted', [3, 4, 5, 6]));
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
        await expect(storage, evidence, allAs('unavailable', [3, 4, 5, 6]));
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
        await expect(storage, evidence, allAs('corrupted'));
      });

      it('silence is unavailable', async () => {
        const storage = new HonestStorage(primitives, log);
        storage.hashBlocks = async () => ({ answers: [], remaining: [] });
        storage.proveChunks = async () => ({ answers: [], remaining: [] });
        await expect(storage, evidence, allAs('unavailable'));
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
        await expect(storage, evidence, allAs('unavailable'));
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
          [new ArgumentError('The answer is malformed.'), 'unavailable'],
        ];
        for (const [error, verdict] of cases) {
          for (const methods of [['hashBlocks', 'proveChunks'], ['getRecords']] as const) {
            const storage = new HonestStorage(primitives, log);
            for (const method of methods) storage[method] = (() => Promise.reject(error)) as never;
            const verdicts = await expect(storage, evidence, allAs(verdict));
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

      it('cuts its requests by size, by the storage’s hints, and asks each block once', async () => {
        const count = slow ? 4 : 130;
        const big = sealLog(
          primitives,
          Array.from({ length: Math.ceil(count / 26) }, () => Array.from({ length: Math.min(26, count) }, () => 3)),
        );
        const storage = new HonestStorage(primitives, big);
        storage.recordsOf = (batch, indices) => ({
          ...HonestStorage.prototype.recordsOf.call(storage, batch, indices),
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
