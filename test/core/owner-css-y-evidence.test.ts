import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import type { HashedBlock, ProvenChunk } from '../../core/ports/css.ts';
import { ALL, allAs, auditOf, changeBit } from './audit-storage.ts';
import { BOTH } from './both-primitives.ts';
import { HonestStorage, reading, WRITER } from './honest-storage.ts';
import { sealMisrecorded } from './misrecorded-batch.ts';

for (const { name, primitives } of BOTH) {
  const { log, depsOf, verify, expect } = auditOf(primitives);

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
      await expect(storage, 'possession', allAs('corrupted'));
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
        EMPTY_PEAKS,
        [0, 1].map((i) => reading(i, 3000)),
        {
          opening: (opening, number) =>
            number === 0
              ? { ...opening, chunkRoot: changeBit(opening.chunkRoot) as typeof opening.chunkRoot }
              : opening,
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
}
