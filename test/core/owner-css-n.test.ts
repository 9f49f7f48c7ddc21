import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSegment } from '../../core/batch/read-segment.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import { encryptContent } from '../../core/block/content-cipher.ts';
import { commitContent, contentBatchKey, contentKey, readKey } from '../../core/block/content-keys.ts';
import { KeyError, ProofError } from '../../core/errors.ts';
import type { Address, ChunkRoot, Nonce } from '../../core/ids.ts';
import { MAX_BLOCK_BYTES } from '../../core/limits.ts';
import { EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { type OwnerCssN, openContent, type RetrievedBlock, verifyRetrieved } from '../../core/protocols/owner-css-n.ts';
import { type ProvenRecord, proveRecords } from '../../core/protocols/prove-records.ts';
import { signersFrom } from '../../core/protocols/signers.ts';
import type { Verdict } from '../../core/verdict.ts';
import { BOTH } from './both-primitives.ts';
import { datasetKeyOf, HonestStorage, headOf, reading, sealLog, WRITER, writerOf } from './honest-storage.ts';
import { sealMisrecorded } from './misrecorded-batch.ts';

const SIGNER = `0x${'51'.repeat(20)}` as Address;

for (const { name, primitives } of BOTH) {
  const owner: OwnerCssN = {
    primitives,
    dataset: WRITER.dataset,
    datasetKeyOf,
    signerOf: () => SIGNER,
  };
  const deps = owner;
  /** A batch that was misrecorded may be of another kind, and so of another dataset. */
  const ownerOf = (batch: SealedBatch): OwnerCssN => ({ ...owner, dataset: batch.manifest.dataset });
  const provenOf = async (batches: readonly SealedBatch[]): Promise<ProvenRecord[]> => {
    const storage = new HonestStorage(primitives, batches);
    const head = headOf(primitives, batches);
    const blocks = Array.from({ length: head.size }, (_, i) => i);
    const found = await proveRecords({ hasher: primitives, records: storage }, [head], blocks);
    assert.equal(found.proven.length, head.size);
    return [...found.proven].sort((a, b) => a.index - b.index);
  };
  const retrievedOf = (batch: SealedBatch, number: number): RetrievedBlock => {
    const { blocks, manifest } = readSegment(primitives, batch.segment.car);
    const line = manifest.blocks[number];
    assert.ok(line);
    return { block: blocks[number] as Uint8Array, meta: line.meta, listedChunkRoot: line.chunkRoot };
  };
  const assertVerdict = (verdict: Verdict, wanted: Verdict['verdict'], blame: Verdict['blame'] = null): void => {
    assert.deepEqual(
      [verdict.verdict, verdict.blame, verdict.signer, verdict.evidence],
      [wanted, blame, SIGNER, 'retrieved'],
    );
    assert.equal(verdict.reason === null, wanted === 'intact');
  };

  describe(`Protocol II, plain retrieval, on ${name}`, () => {
    it('an honest block is intact, and its content is what was captured', async () => {
      for (const writer of [writerOf(1), WRITER]) {
        const [batch] = sealLog(primitives, [[40, 2500]], writer);
        assert.ok(batch);
        const deps = { ...owner, dataset: writer.dataset };
        for (const record of await provenOf([batch])) {
          const retrieved = retrievedOf(batch, record.index);
          assertVerdict(verifyRetrieved(deps, record, retrieved), 'intact');
          assert.deepEqual(
            openContent(deps, record, retrieved.block),
            reading(record.index, [40, 2500][record.index] as number).content,
          );
        }
      }
    });

    it('any change of block or meta is corrupted, and no bytes are unavailable', async () => {
      const [batch] = sealLog(primitives, [[40, 2500]]);
      assert.ok(batch);
      const [first, second] = await provenOf([batch]);
      assert.ok(first && second);
      const good = retrievedOf(batch, 0);
      for (const at of [0, 17, good.block.length - 1]) {
        const block = Uint8Array.from(good.block);
        block[at]! ^= 0x80;
        assertVerdict(verifyRetrieved(deps, first, { ...good, block }), 'corrupted');
      }
      assertVerdict(verifyRetrieved(deps, first, { ...good, block: good.block.subarray(1) }), 'corrupted');
      assertVerdict(verifyRetrieved(deps, first, { ...good, meta: good.meta.subarray(1) }), 'corrupted');
      assertVerdict(verifyRetrieved(deps, first, retrievedOf(batch, 1)), 'corrupted');
      assertVerdict(verifyRetrieved(deps, second, good), 'corrupted');
      assertVerdict(verifyRetrieved(deps, first, { ...good, block: new Uint8Array(MAX_BLOCK_BYTES + 1) }), 'corrupted');
      assertVerdict(verifyRetrieved(deps, first, { ...good, block: new Uint8Array(0) }), 'unavailable');
      assertVerdict(verifyRetrieved({ ...deps, dataset: `0x${'00'.repeat(32)}` as never }, first, good), 'corrupted');
    });

    it('a chunk root that contradicts the bytes is the writer misrecording, and only where the bytes are the recorded ones', async () => {
      const made = sealMisrecorded(primitives, EMPTY_PEAKS, [reading(0, 3000), reading(1, 3000)], {
        opening: (opening, number) =>
          number === 0 ? { ...opening, chunkRoot: new Uint8Array(32).fill(1) as ChunkRoot } : opening,
      });
      const [first, second] = await provenOf([made]);
      assert.ok(first && second);
      const listed = made.manifest.blocks[0]?.chunkRoot as ChunkRoot;
      const stored = { block: reading(0, 3000).content, meta: made.manifest.blocks[0]?.meta as Uint8Array };
      assertVerdict(
        verifyRetrieved(ownerOf(made), first, { ...stored, listedChunkRoot: listed }),
        'misrecorded',
        'writer',
      );
      assertVerdict(verifyRetrieved(ownerOf(made), first, stored), 'corrupted');
      // A storage that lists another chunk root than the recorded one shifts no blame.
      assertVerdict(
        verifyRetrieved(ownerOf(made), first, { ...stored, listedChunkRoot: new Uint8Array(32) as ChunkRoot }),
        'corrupted',
      );
      assertVerdict(
        verifyRetrieved(ownerOf(made), first, { ...stored, block: stored.block.with(0, 99), listedChunkRoot: listed }),
        'corrupted',
      );
      const other = { block: reading(1, 3000).content, meta: made.manifest.blocks[1]?.meta as Uint8Array };
      assertVerdict(
        verifyRetrieved(ownerOf(made), second, { ...other, listedChunkRoot: new Uint8Array(32) as ChunkRoot }),
        'intact',
      );
    });

    it('a salt or serial that does not lead to the commitment proves nothing against anybody', async () => {
      const [batch] = sealLog(primitives, [[40]]);
      assert.ok(batch);
      const [record] = await provenOf([batch]);
      assert.ok(record);
      const retrieved = retrievedOf(batch, 0);
      const hints = [{ salt: new Uint8Array(32) as never }, { serial: WRITER.serial + 1 }];
      for (const hint of hints) {
        const misled = { ...record, batch: { ...record.batch, ...hint } };
        assertVerdict(verifyRetrieved(deps, misled, retrieved), 'unavailable');
      }
    });

    it('a nonce altered by storage is a proof that fails; another content key is the writer’s', async () => {
      const [batch] = sealLog(primitives, [[40]]);
      assert.ok(batch);
      const [record] = await provenOf([batch]);
      assert.ok(record);
      const { block } = retrievedOf(batch, 0);
      const withNonce = (nonce: Nonce | null): ProvenRecord => ({ ...record, batch: { ...record.batch, nonce } });
      assert.throws(() => openContent(deps, withNonce(null), block), ProofError);
      assert.throws(() => openContent(deps, withNonce(new Uint8Array(16) as Nonce), block), ProofError);

      const nonce = new Uint8Array(16).fill(4) as Nonce;
      const batchKey = contentBatchKey(primitives, readKey(primitives, WRITER.datasetKey), nonce);
      const wrongKey = contentKey(primitives, batchKey, 7);
      const content = encryptContent(primitives, wrongKey, { dataset: WRITER.dataset, index: 0 }, new Uint8Array(9));
      const made = sealMisrecorded(primitives, EMPTY_PEAKS, [{ content, meta: { at: 1 } }], {
        content: { nonce, commitment: (index) => commitContent(primitives, contentKey(primitives, batchKey, index)) },
      });
      const [misrecorded] = await provenOf([made]);
      assert.ok(misrecorded);
      assertVerdict(verifyRetrieved(deps, misrecorded, retrievedOf(made, 0)), 'intact');
      assert.throws(() => openContent(deps, misrecorded, content), KeyError);
    });
  });
}

describe('whose signature a block was recorded under', () => {
  const event = (size: number, signer: string) => ({ size, signer }) as never;

  it('is that of the first update that covers it, in whatever order they come', () => {
    for (const events of [
      [event(2, 'a'), event(5, 'b'), event(6, 'a')],
      [event(6, 'a'), event(2, 'a'), event(5, 'b')],
    ]) {
      const signerOf = signersFrom(events);
      assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 100].map(signerOf), ['a', 'a', 'b', 'b', 'b', 'a', null, null]);
    }
    assert.equal(signersFrom([])(0), null);
  });
});
