import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { verifyDataset } from '../../client/owner/verify-dataset.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { blockDigest } from '../../core/block/digest.ts';
import { metaHash } from '../../core/block/meta.ts';
import { auditKey, blockKeys, openDigest } from '../../core/block/seal.ts';
import { recordBytes } from '../../core/log/record.ts';
import type { CssYEvidence } from '../../core/protocols/challenge-storage.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { decodeHashedBlocks, decodeRecords } from '../../core/wire/answers.ts';
import { all } from './consumer-scene.ts';
import { BLOCKS, type RecordedStack } from './recorded-stack.ts';
import { type OwnerScene, setOwnerScene, verifyAll, withstandAsOwner } from './withstand-as-owner.ts';

/* Protocol I (Table II) on the embedded stack: an owner verifies what a device has recorded, on storage that can hash. */
describe('Protocol I on the embedded stack', { timeout: 300_000 }, () => {
  let stack: RecordedStack;
  const scenes = {} as Record<CssYEvidence, OwnerScene>;
  before(async () => {
    const common = await setOwnerScene();
    stack = common.stack;
    const { dataset } = common.of;
    const verifyBy =
      (evidence: CssYEvidence): OwnerScene['verify'] =>
      (css, ledger, datasetKey, onVerdicts) =>
        verifyDataset(
          { primitives: nodePrimitives, ledger, css },
          { dataset, datasetKeyOf: () => datasetKey, evidence, anchor: 'final' },
          onVerdicts,
        );
    scenes.attested = {
      ...{ ...common, verify: verifyBy('attested') },
      ask: (service) => service.hashBlocks(dataset, [0]),
    };
    scenes.possession = {
      ...{ ...common, verify: verifyBy('possession') },
      ask: (service) => service.proveChunks(dataset, [{ index: 0, random: 7 }]),
    };
  });
  after(() => stack?.close());

  it('steps 1–13', async () => {
    const { proxy, of } = scenes.attested;
    const paths = await stack.segmentPaths(of);
    const segments = await Promise.all(
      paths.map(async (path) => readSegment(nodePrimitives, new Uint8Array(await readFile(path)))),
    );
    const lines = segments.flatMap(({ manifest }) => manifest.blocks);
    const stored = segments.flatMap(({ blocks }) => blocks);
    // Table II steps 1–3, 5 and 6: the device has cut DataBlocks, encrypted, hashed and sealed them, and given them to the CSS.
    assert.deepEqual(
      stored.map(({ length }) => length),
      of.contents.map(({ length }) => length + 16),
    );
    assert.deepEqual(
      lines.map(({ record }) => recordBytes(record).length),
      Array(BLOCKS).fill(96),
    );
    // Table II steps 4 and 7: the sealed digests are on DISSC, under the device's signature.
    const { heads, point } = await stack.ledger.readHeads([of.dataset], 'final');
    const head = heads[0]!;
    assert.equal(head.size, BLOCKS);
    assert.deepEqual(Buffer.from(head.root), Buffer.from(segments.at(-1)!.manifest.head.root));
    const events = await stack.ledger.findRecorded(of.dataset, 0, point.blockNumber);
    assert.deepEqual([...new Set(events.map(({ signer }) => signer))], [accountOfKey(of.deviceKey)]);

    proxy.reset();
    const { kinds, report, verdicts } = await verifyAll(scenes.attested);
    const named = (path: string) => proxy.seen.filter((asked) => asked.path.endsWith(path));
    const indices = Array.from({ length: BLOCKS }, (_, index) => index);
    // Table II step 8: the BlockIDs to the CSS.
    const [hashes, ...more] = named('/hashes');
    assert.deepEqual([JSON.parse(Buffer.from(hashes!.body).toString()), more], [{ blocks: indices }, []]);
    // Table II step 9: Hash(DataBlock) back, computed from the stored bytes.
    const { answers } = decodeHashedBlocks(hashes!.answer!.body);
    const openings = answers.map((one) => ('opening' in one ? one.opening : assert.fail(one.reason)));
    assert.deepEqual(
      openings.map(({ sha256 }) => Buffer.from(sha256)),
      stored.map((block) => Buffer.from(nodePrimitives.sha256(block))),
    );
    // Table II step 10: the BlockIDs to DISSC: records of the log whose head was read there.
    const [records] = named('/records');
    assert.deepEqual(JSON.parse(Buffer.from(records!.body).toString()), { blocks: indices, size: head.size });
    // Table II step 11: Encrypted[Hash(DataBlock)] back, as the device has sealed it.
    const found = decodeRecords(records!.answer!.body).batches.flatMap((batch) =>
      batch.records.map((record) => ({ ...record, salt: batch.salt })),
    );
    assert.deepEqual(
      found.map(({ record }) => Buffer.from(recordBytes(record))),
      lines.map(({ record }) => Buffer.from(recordBytes(record))),
    );
    // Table II step 12: opened with the owner's key, it is the digest of what the device stored.
    const key = auditKey(nodePrimitives, of.datasetKey);
    const opened = found.map(({ index, record: { sealed, commitment }, salt }) =>
      openDigest(nodePrimitives, sealed, commitment, blockKeys(nodePrimitives, key, salt)(index)),
    );
    assert.deepEqual(
      opened,
      lines.map(({ meta, ...line }, index) =>
        blockDigest(
          nodePrimitives,
          { dataset: of.dataset, index },
          { ...line, metaHash: metaHash(nodePrimitives, meta) },
        ),
      ),
    );
    // Table II step 13: compared.
    assert.deepEqual([kinds, report.ok], [all('intact'), true]);
    assert.deepEqual([report.protocol, report.evidence, report.anchor.anchor], ['I', 'attested', 'final']);
    assert.ok(verdicts.every(({ signer }) => signer === accountOfKey(of.deviceKey)));
  });

  it('a chunk of each block, chosen by the owner, in place of its hash', async () => {
    const { proxy } = scenes.possession;
    proxy.reset();
    const { kinds, report } = await verifyAll(scenes.possession);
    assert.deepEqual([kinds, report.evidence], [all('intact'), 'possession']);
    const [proofs] = proxy.seen.filter(({ path }) => path.endsWith('/proofs'));
    const { challenges } = JSON.parse(Buffer.from(proofs!.body).toString());
    assert.equal(
      new Set(challenges.map(({ random }: { random: number }) => random)).size,
      BLOCKS,
      'random, each its own',
    );
  });

  for (const evidence of ['possession', 'attested'] as const) {
    describe(`with ${evidence}`, () => withstandAsOwner(() => scenes[evidence]));
  }
});
