import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { create, type KuboRPCClient } from 'kubo-rpc-client';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { readSegment } from '../../core/batch/segment.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import { type Ended, runPlumb, type StackUnderTest, startStackUnderTest } from '../cli/run-plumb.ts';

/*
 * Protocol II (Table III) as an owner runs it, on the embedded stack. Steps 1–7, recording, are the device's.
 */
describe('Protocol II on the embedded stack', { timeout: 120_000 }, () => {
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
      [['--protocol', 'II', '--from', 's3', '--evidence', 'attested'], /retrieved, not attested/],
      [['--evidence', 'retrieved'], /Add --protocol II/],
      [['--ipfs', 'http://127.0.0.1:1'], /goes with --from ipfs/],
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
