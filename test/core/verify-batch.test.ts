import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildSegment } from '../../core/batch/build-segment.ts';
import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { recordsOfPublished } from '../../core/batch/published-batch.ts';
import { openListedBlock, readSegment } from '../../core/batch/read-segment.ts';
import { sealBatch } from '../../core/batch/seal-batch.ts';
import { verifyBatch } from '../../core/batch/verify-batch.ts';
import { openContentKeys, openRecordedDigest, requireSealing } from '../../core/batch/verify-sealing.ts';
import type { AttachedPiece } from '../../core/block/attached-object.ts';
import { decryptContent } from '../../core/block/content-cipher.ts';
import { readKey } from '../../core/block/content-keys.ts';
import { blockDigest } from '../../core/block/digest.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { auditKey } from '../../core/block/seal.ts';
import { concatBytes } from '../../core/bytes.ts';
import type { DatasetKind } from '../../core/charter/kind.ts';
import { ArgumentError, KeyError, ProofError, SegmentError } from '../../core/errors.ts';
import type { DatasetKey, LogRoot, Nonce, Salt } from '../../core/ids.ts';
import { appendLeaves, EMPTY_PEAKS } from '../../core/log/peaks.ts';
import { recordHash } from '../../core/log/record.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { BOTH } from './both-primitives.ts';
import { withBitFlipped } from './draw.ts';
import { captured, DOMAIN, writerOf } from './writers.ts';

const RANDOM = new Uint8Array(16).fill(3);
const KINDS: readonly DatasetKind[] = [0, 1, 2];
const { primitives } = BOTH[0] as (typeof BOTH)[number];

describe('a batch that does not fit', () => {
  const writer = writerOf(0);
  const first = sealBatch(primitives, writer, EMPTY_PEAKS, captured(0, [5, 6, 7]), RANDOM);
  const second = sealBatch(primitives, writer, first.end, captured(0, [8, 9]), RANDOM);
  const log = { domain: DOMAIN, dataset: writer.dataset, kind: 0 as DatasetKind, before: first.end };

  it('on its log is refused', () => {
    verifyBatch(primitives, log, second.manifest);
    const refused = (change: Partial<typeof log>, manifest: Manifest, what: string): void =>
      assert.throws(() => verifyBatch(primitives, { ...log, ...change }, manifest), ProofError, what);
    refused({}, first.manifest, 'another place');
    refused({ before: EMPTY_PEAKS }, second.manifest, 'a gap');
    const others = appendLeaves(primitives, EMPTY_PEAKS, [...first.leafHashes].reverse());
    refused({ before: others }, second.manifest, 'other records before');
    refused({ dataset: writerOf(1).dataset }, second.manifest, 'another dataset');
    refused({ kind: 1 }, second.manifest, 'another kind');
    refused({}, { ...second.manifest, blocks: [...second.manifest.blocks].reverse() }, 'another order');
    const root = withBitFlipped(second.manifest.head.root, 5) as LogRoot;
    refused({}, { ...second.manifest, head: { ...second.manifest.head, root } }, 'another root');
    refused({}, { ...second.manifest, signature: new Uint8Array(65) }, 'a malformed signature');
    const another = verifyBatch(primitives, log, { ...second.manifest, signature: first.manifest.signature });
    assert.notEqual(another.signer, accountOfKey(writer.deviceKey));
  });

  it('on the last piece of its object is refused', () => {
    const own = writerOf(2);
    const begun = sealBatch(primitives, own, EMPTY_PEAKS, captured(2, [5, 6]), RANDOM);
    const piece = (offset: number) => [
      { content: Uint8Array.of(1), meta: { at: 1 }, object: { key: 'lake/a.parquet', versionId: 'v1', offset } },
    ];
    const here = { domain: DOMAIN, dataset: own.dataset, kind: 2 as DatasetKind, before: begun.end };
    const lastPiece = begun.manifest.blocks[1] as AttachedPiece;
    const verify = (offset: number): unknown => {
      const { manifest } = sealBatch(primitives, own, begun.end, piece(offset), RANDOM);
      verifyBatch(primitives, here, manifest);
      return verifyBatch(primitives, { ...here, lastPiece }, manifest);
    };
    verify(11);
    for (const offset of [10, 12, 5]) assert.throws(() => verify(offset), ProofError);
    assert.throws(() => verify(0), /Block 2: The same version begins twice/);
  });

  it('its keys is refused, whichever field was altered', () => {
    const audit = auditKey(primitives, writer.datasetKey);
    const read = readKey(primitives, writer.datasetKey);
    const { manifest } = second;
    const block = manifest.blocks[1] as Manifest['blocks'][number];
    const withBlock = (change: Partial<typeof block>): Manifest => ({
      ...manifest,
      blocks: manifest.blocks.with(1, { ...block, ...change }),
    });
    const refused = (changed: Manifest): void =>
      assert.throws(() => requireSealing(primitives, audit, changed), KeyError);
    refused({ ...manifest, salt: withBitFlipped(manifest.salt, 9) as Salt });
    refused({ ...manifest, first: manifest.first + 1 });
    refused({ ...manifest, dataset: writerOf(1).dataset });
    refused(withBlock({ meta: encodeMeta({ at: 5 }) }));
    refused(withBlock({ size: block.size + 1 }));
    refused(withBlock({ sha256: withBitFlipped(block.sha256, 1) as typeof block.sha256 }));
    refused(withBlock({ chunkRoot: withBitFlipped(block.chunkRoot, 1) as typeof block.chunkRoot }));
    const commitment = withBitFlipped(block.record.commitment, 1) as typeof block.record.commitment;
    refused(withBlock({ record: { ...block.record, commitment } }));
    const sealed = withBitFlipped(block.record.sealed, 1) as typeof block.record.sealed;
    refused(withBlock({ record: { ...block.record, sealed } }));
    const otherKey = auditKey(primitives, writerOf(1).datasetKey);
    assert.throws(() => requireSealing(primitives, otherKey, manifest), KeyError);
    assert.throws(() => openRecordedDigest(primitives, otherKey, manifest, 0), KeyError);
    const opening = { ...block, metaHash: primitives.sha256(block.meta) as never };
    const id = { dataset: writer.dataset, index: manifest.first + 1 };
    assert.deepEqual(openRecordedDigest(primitives, audit, manifest, 1), blockDigest(primitives, id, opening));

    const nonce = withBitFlipped(manifest.nonce as Nonce, 3) as Nonce;
    assert.throws(() => openContentKeys(primitives, read, { ...manifest, nonce }), KeyError);
    const otherRead = readKey(primitives, writerOf(1).datasetKey);
    assert.throws(() => openContentKeys(primitives, otherRead, manifest), KeyError);
    const [key] = openContentKeys(primitives, read, manifest) as NonNullable<ReturnType<typeof openContentKeys>>;
    const bytes = readSegment(primitives, second.segment.car).blocks[0] as Uint8Array;
    const at = { dataset: writer.dataset, index: manifest.first };
    decryptContent(primitives, key as never, at, bytes);
    assert.throws(() => decryptContent(primitives, key as never, { ...at, index: 9 }, bytes), KeyError);
    assert.throws(
      () => decryptContent(primitives, key as never, { ...at, dataset: id.dataset.replace('a', 'b') as never }, bytes),
      KeyError,
    );
  });

  it('never pads two digests with one key, nor encrypts two contents with one', () => {
    const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
    const seal = (contents: readonly number[], before = first.end, random = RANDOM, key = writer.datasetKey) =>
      sealBatch(
        primitives,
        { ...writer, datasetKey: key },
        before,
        contents.map((byte, i) => ({ content: Uint8Array.of(byte, i), meta: { at: 1 } })),
        random,
      ).manifest;
    const one = seal([1, 2]);
    assert.deepEqual(seal([1, 2]), one);
    const others = [
      seal([1, 3]),
      seal([2, 1]),
      seal([1, 2, 3]),
      seal([1, 2], EMPTY_PEAKS),
      seal([1, 2], first.end, new Uint8Array(16).fill(4)),
      seal([1, 2], first.end, RANDOM, primitives.sha256(Uint8Array.of(99)) as DatasetKey),
    ];
    for (const other of others) {
      assert.ok(!same(one.nonce as Uint8Array, other.nonce as Uint8Array));
      assert.ok(!same(one.salt, other.salt));
      assert.ok(!same(one.blocks[0]!.record.contentCommitment, other.blocks[0]!.record.contentCommitment));
    }
  });

  it('but is published comes back from the mnemonic alone, and no other does', () => {
    for (const kind of KINDS) {
      const own = writerOf(kind);
      const { manifest, leafHashes } = sealBatch(primitives, own, EMPTY_PEAKS, captured(kind, [5, 6, 7]), RANDOM);
      const keys = {
        auditKey: auditKey(primitives, own.datasetKey),
        readKey: readKey(primitives, own.datasetKey),
      };
      const published = {
        first: 0,
        salt: manifest.salt,
        nonce: manifest.nonce ?? (new Uint8Array(16) as Nonce),
        sealedDigests: concatBytes(...manifest.blocks.map(({ record }) => record.sealed)),
      };
      const records = recordsOfPublished(primitives, keys, published);
      assert.deepEqual(
        records.map((record) => recordHash(primitives, record)),
        leafHashes,
      );
      const salt = withBitFlipped(manifest.salt, 1) as Salt;
      assert.notDeepEqual(recordsOfPublished(primitives, keys, { ...published, salt }), records);
      const cut = published.sealedDigests.subarray(1);
      assert.throws(() => recordsOfPublished(primitives, keys, { ...published, sealedDigests: cut }), ArgumentError);
      const none = new Uint8Array(0);
      assert.throws(() => recordsOfPublished(primitives, keys, { ...published, sealedDigests: none }), ArgumentError);
    }
  });

  it('with bytes of another block is told by its line', () => {
    const listed = second.manifest.blocks[0] as Manifest['blocks'][number];
    const { blocks } = readSegment(primitives, second.segment.car);
    openListedBlock(primitives, listed, blocks[0] as Uint8Array, 'here');
    assert.throws(() => openListedBlock(primitives, listed, blocks[1] as Uint8Array, 'here'), /at here/);
    assert.throws(() => openListedBlock(primitives, listed, withBitFlipped(blocks[0]!, 1), 'here'), SegmentError);
    assert.throws(() => buildSegment(primitives, second.manifest, blocks.slice(1)), SegmentError);
    assert.throws(() => buildSegment(primitives, second.manifest, [...blocks].reverse()), SegmentError);
  });
});
