import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { create, type KuboRPCClient } from 'kubo-rpc-client';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import type { BucketDeps } from '../../client/owner/read-bucket.ts';
import { type RetrievalSource, verifyRetrievable } from '../../client/owner/verify-retrievable.ts';
import { readSegment } from '../../core/batch/read-segment.ts';
import { blockDigest, openBlock } from '../../core/block/digest.ts';
import { auditKey, blockKeys, openDigest } from '../../core/block/seal.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import { recordBytes } from '../../core/log/record.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { decodeRecords } from '../../core/wire/answers.ts';
import { quickenKeystore } from '../cli/quicken-keystore.ts';
import { type Ended, runPlumb, type StackUnderTest, startStackUnderTest } from '../cli/run-plumb.ts';
import { all, except } from './consumer-scene.ts';
import { changed } from './lies.ts';
import { startLyingProxy } from './lying-proxy.ts';
import { BLOCKS, damage, exchange, flipBit, LARGE_BLOCK, SMALL_BLOCK_BYTES } from './recorded-stack.ts';
import { type OwnerScene, setOwnerScene, verifyAll, withstandAsOwner } from './withstand-as-owner.ts';

/*
 * Protocol II (Table III) on the embedded stack: as an owner runs it from the command line, in its three ways; and step by
 * step, with what storage and strangers may do.
 */
describe('Protocol II on the embedded stack, from the command line', { timeout: 120_000 }, () => {
  let folder = '';
  let stack: StackUnderTest;
  let ipfs: KuboRPCClient;
  let bucket: ReturnType<typeof createS3ObjectStore>;
  const plumb = (...args: string[]): Promise<Ended> =>
    runPlumb([...args, '--password-file', join(folder, 'password'), '--json'], {
      PLUMB_STACK: stack.stackFile,
      PLUMB_HOME: join(folder, 'owner'),
    });
  const json = (ended: Ended, exitCode = 0) => {
    assert.equal(ended.exitCode, exitCode, `${ended.stdout}${ended.stderr}`);
    return JSON.parse(ended.stdout.trim().split('\n').at(-1) as string);
  };
  const verify = (...args: string[]) => plumb('owner', 'verify', 'readings', '--protocol', 'II', ...args);
  const contents = Array.from({ length: 6 }, (_, i) => `reading ${i} ${'x'.repeat(100 * i)}\n`);

  /** Stored bytes of the dataset's blocks, straight from the bucket. */
  async function storedBlocks(): Promise<Uint8Array[]> {
    const blocks: Uint8Array[] = [];
    for await (const key of bucket.list('')) {
      if (!key.endsWith('.car')) continue;
      const car = await bucket.read(key, { start: 0, end: MAX_SEGMENT_BYTES });
      blocks.push(...readSegment(nodePrimitives, car as Uint8Array).blocks);
    }
    return blocks;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plumbline-protocol-two-'));
    stack = await startStackUnderTest(join(folder, 'stack'));
    const said = JSON.parse(await readFile(stack.stackFile, 'utf8'));
    ipfs = create({ url: said.ipfsApiUrl });
    bucket = createS3ObjectStore({
      ...{ region: 'us-east-1', bucket: said.bucket, endpoint: said.s3Endpoint },
      credentials: { accessKeyId: said.s3AccessKey, secretAccessKey: said.s3SecretKey },
    });
    await writeFile(join(folder, 'password'), 'correct horse battery\n', { mode: 0o600 });
    const { account } = json(await plumb('owner', 'init', '--mnemonic-out', join(folder, 'mnemonic')));
    await quickenKeystore(join(folder, 'owner'), 'correct horse battery');
    json(await runPlumb(['local', 'admit', account, '--json'], { PLUMB_STACK: stack.stackFile }));
    json(await plumb('dataset', 'create', 'readings'));
    const provision = join(folder, 'device.json');
    json(await plumb('device', 'provision', 'readings', '--out', provision));
    const device = ['device', 'run', '--provision', provision, '--source', 'stdin', '--every', '100ms'];
    const end = ['--poll', '100ms', '--until-idle', '--timeout', '60s', '--json'];
    const ran = await runPlumb([...device, ...end], {}, contents.join(''));
    assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
  });
  after(async () => {
    bucket?.close();
    await stack?.end('SIGINT');
    await rm(folder, { recursive: true, force: true });
  });

  it('plain retrieval: every block is intact from the bucket alone, and through get-block', async () => {
    for (const from of ['s3', 'get-block']) {
      const report = json(await verify('--from', from));
      assert.deepEqual([report.protocol, report.evidence, report.ok], ['II', 'retrieved', true]);
      assert.equal(report.counts.intact, 6);
    }
    assert.equal(json(await verify('--from', 's3', '--sample', '2')).checked, 2);
  });

  it('the same hash library: nothing is in IPFS, then all of it, by CIDs alone', async () => {
    const before = json(await verify('--from', 'ipfs'), 1);
    assert.equal(before.counts.unavailable, 6);
    const { published } = json(await plumb('owner', 'publish', 'readings'));
    assert.ok(published.length >= 1);
    assert.deepEqual(json(await plumb('owner', 'publish', 'readings')).published, published);
    const report = json(await verify('--from', 'ipfs'));
    assert.deepEqual([report.evidence, report.counts.intact], ['attested', 6]);
    assert.equal(report.assurance.confidence, null);
    assert.equal(json(await verify('--from', 'ipfs', '--evidence', 'retrieved')).counts.intact, 6);
  });

  it('another hash library: what other tools put in is linked, retrieved and hashed', async () => {
    const [first, second] = await storedBlocks();
    const cut = await ipfs.add(first as Uint8Array, { chunker: 'size-16' });
    const other = await ipfs.add(second as Uint8Array, { rawLeaves: false });
    const { links } = json(await plumb('owner', 'link', 'readings', `0=${cut.cid}`, `1=${other.cid}`));
    assert.deepEqual([links.length, links[0].first, links[0].count], [1, 0, 2]);
    const report = json(
      await verify('--from', 'ipfs', '--evidence', 'retrieved', '--blocks', '0-1', '--anchor', 'latest'),
    );
    assert.deepEqual([report.evidence, report.counts.intact], ['retrieved', 2]);

    // What is not the recorded block is never linked.
    const wrong = json(await plumb('owner', 'link', 'readings', `1=${cut.cid}`), 2);
    assert.match(wrong.error.message, /not linked to block 1, corrupted/);
    await ipfs.pin.rm(cut.cid);
  });

  it('options that do not go together are refused with a remedy', async () => {
    for (const [args, remedy] of [
      [['--protocol', 'II'], /--from s3, get-block or ipfs/],
      [['--protocol', 'I', '--from', 's3'], /Add --protocol II/],
      [['--protocol', 'II', '--from', 's3', '--evidence', 'attested'], /it cannot attest them/],
      [['--evidence', 'retrieved'], /Add --protocol II/],
      [['--ipfs', 'http://127.0.0.1:1'], /works only with --from ipfs/],
    ] as const) {
      const { error } = json(await plumb('owner', 'verify', 'readings', ...args), 2);
      assert.match(error.message, remedy);
    }
  });

  it('an IPFS node that is not there is an error in time, with its own code', async () => {
    const { error } = json(await verify('--from', 'ipfs', '--ipfs', 'http://127.0.0.1:1'), 3);
    assert.equal(error.name, 'StoreUnavailableError');
  });
});

describe('Protocol II on the embedded stack, step by step', { timeout: 300_000 }, () => {
  let scene: OwnerScene;
  const verifyFrom =
    (source: (service: Parameters<OwnerScene['verify']>[0]) => RetrievalSource): OwnerScene['verify'] =>
    (service, ledger, datasetKey, onVerdicts) =>
      verifyRetrievable(
        { primitives: nodePrimitives, ledger, records: service },
        source(service),
        { dataset: scene.of.dataset, datasetKeyOf: () => datasetKey, anchor: 'final' },
        onVerdicts,
      );
  before(async () => {
    const made = await setOwnerScene();
    scene = {
      ...{ ...made, verify: verifyFrom((css) => ({ from: 'get-block', css })) },
      async ask(service) {
        const given = await service.getBlock(made.of.dataset, 0);
        if ('kind' in given) assert.fail(given.reason);
      },
    };
  });
  after(() => scene?.stack.close());

  it('steps 1–13', async () => {
    const { stack, proxy, of } = scene;
    const paths = await stack.segmentPaths(of);
    const segments = await Promise.all(
      paths.map(async (path) => readSegment(nodePrimitives, new Uint8Array(await readFile(path)))),
    );
    const lines = segments.flatMap(({ manifest }) => manifest.blocks);
    const stored = segments.flatMap(({ blocks }) => blocks);
    // Table III steps 1–3, 5 and 6: the device has cut DataBlocks, encrypted, hashed and sealed them, and given them to the CSS.
    assert.deepEqual(
      stored.map(({ length }) => length),
      of.contents.map(({ length }) => length + 16),
    );
    assert.ok(lines.every(({ record }) => recordBytes(record).length === 96));
    // Table III steps 4 and 7: the sealed digests are on DISSC, under the device's signature.
    const { heads, point } = await stack.ledger.readHeads([of.dataset], 'final');
    const head = heads[0] as (typeof heads)[number];
    assert.equal(head.size, BLOCKS);
    assert.deepEqual(Buffer.from(head.root), Buffer.from(segments.at(-1)?.manifest.head.root ?? []));
    const events = await stack.ledger.findRecorded(of.dataset, 0, point.blockNumber);
    assert.ok(events.length > 0 && events.every(({ signer }) => signer === accountOfKey(of.deviceKey)));

    proxy.reset();
    const { kinds, report, verdicts } = await verifyAll(scene);
    // Table III step 8: the BlockIDs to the CSS, and nothing that it would have to compute.
    const retrieved = proxy.seen
      .filter(({ path }) => !path.endsWith('/records'))
      .map((asked) => ({ ...asked, index: Number(/\/blocks\/([0-9]+)$/.exec(asked.path)?.[1]) }))
      .sort((a, b) => a.index - b.index);
    const indices = Array.from({ length: BLOCKS }, (_, index) => index);
    assert.deepEqual(
      retrieved.map(({ index }) => index),
      indices,
    );
    // Table III step 9: the DataBlocks back, as they are stored.
    assert.deepEqual(
      retrieved.map(({ answer }) => Buffer.from(answer?.body ?? [])),
      stored.map(Buffer.from),
    );
    // Table III step 11: the BlockIDs to DISSC: records of the log whose head was read there.
    const [records] = proxy.seen.filter(({ path }) => path.endsWith('/records'));
    const wanted = JSON.parse(Buffer.from(records?.body ?? []).toString());
    assert.deepEqual(wanted, { blocks: indices, size: head.size });
    // Table III step 12: Encrypted[Hash(DataBlock)] back, as the device has sealed it.
    const found = decodeRecords(records?.answer?.body as Uint8Array).batches.flatMap((batch) =>
      batch.records.map((record) => ({ ...record, salt: batch.salt })),
    );
    assert.deepEqual(
      found.map(({ record }) => Buffer.from(recordBytes(record))),
      lines.map(({ record }) => Buffer.from(recordBytes(record))),
    );
    // Table III steps 10 and 13: hashed here; opened with the owner's key, the sealed digest is that of the bytes that came.
    const computed = retrieved.map(({ answer, index }) => {
      const meta = Buffer.from(String(answer?.headers['plumbline-meta']), 'base64');
      const opening = openBlock(nodePrimitives, answer?.body as Uint8Array, new Uint8Array(meta));
      return blockDigest(nodePrimitives, { dataset: of.dataset, index }, opening);
    });
    const key = auditKey(nodePrimitives, of.datasetKey);
    const opened = found.map(({ index, record: { sealed, commitment }, salt }) =>
      openDigest(nodePrimitives, sealed, commitment, blockKeys(nodePrimitives, key, salt)(index)),
    );
    assert.deepEqual(opened, computed);
    // Table III step 14: compared.
    assert.deepEqual([kinds, report.ok, report.evidence], [all('intact'), true, 'retrieved']);
    assert.ok(verdicts.every(({ signer }) => signer === accountOfKey(of.deviceKey)));
  });

  withstandAsOwner(() => scene);

  describe('a bucket, without any function', () => {
    const fromBucket = (bucket: BucketDeps['bucket']): OwnerScene => ({
      ...scene,
      verify: verifyFrom(() => ({ from: 's3', bucket })),
    });

    it('a tampered and two swapped blocks are corrupted, and no other', async () => {
      const { stack, of } = scene;
      const undo = await damage(stack, of, (block) => {
        flipBit(block(2));
        exchange(block(4), block(11));
      });
      const { kinds } = await verifyAll(fromBucket(stack.bucket()));
      await undo();
      assert.deepEqual(kinds, except([2, 'corrupted'], [4, 'corrupted'], [11, 'corrupted']));
      assert.deepEqual((await verifyAll(fromBucket(stack.bucket()))).kinds, all('intact'));
    });

    it('ranges that lie are corrupted, ranges that never come are unavailable in time', async () => {
      const { stack } = scene;
      const silence = await startLyingProxy(stack.file.s3Endpoint);
      stack.ending(() => silence.close());
      silence.rule = () => 'hang';
      const [honest, silent] = [stack.bucket(), stack.bucket(silence.url, 1_500)];
      const reading = (readBlock: BucketDeps['bucket']['read']): OwnerScene =>
        fromBucket({
          ...honest,
          read: (key, range, signal) =>
            range.end - range.start === SMALL_BLOCK_BYTES
              ? readBlock(key, range, signal)
              : honest.read(key, range, signal),
        });
      const lied = await verifyAll(reading(async (...asked) => changed((await honest.read(...asked)) as Uint8Array)));
      assert.deepEqual(lied.kinds, all('corrupted').with(LARGE_BLOCK, 'intact'));
      const waited = await verifyAll(reading(silent.read));
      assert.deepEqual(waited.kinds, all('unavailable').with(LARGE_BLOCK, 'intact'));
      await assert.rejects(verifyAll(fromBucket(silent)), { name: 'StoreUnavailableError' });
    });
  });
});
