import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives as primitives } from '../../adapters/crypto/node-primitives.ts';
import { createKeySigner } from '../../adapters/ethereum/account-signer.ts';
import { createDisscOwner } from '../../adapters/ethereum/dissc-owner.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { downloadPresigned } from '../../adapters/service/download-presigned.ts';
import { type OpenSource, sourceOfBucket, sourceOfService } from '../../client/owner/block-source.ts';
import { getRange } from '../../client/owner/get-range.ts';
import type { GotBlock } from '../../client/owner/judge-stored.ts';
import { replaceDevice } from '../../client/owner/replace-device.ts';
import { verifyDataset } from '../../client/owner/verify-dataset.ts';
import { growPeaks } from '../../core/log/growth.ts';
import { signHead } from '../../core/log/head.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import { rebuildPeaks } from '../../core/log/rebuild-peaks.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { BLOCKS, type RecordedStack, type StackDataset, startRecordedStack, until } from './recorded-stack.ts';

/** As many blocks as one head may claim more than the one before. */
const CLAIMED = 2 ** 28;

/*
 * A thief with a device's file records a head over blocks that there never were. Nothing that was recorded before becomes
 * unprovable by it; after the owner has replaced the device, nothing of it is left but its name.
 */
describe('a junk head recorded by a thief, on the embedded stack', { timeout: 120_000 }, () => {
  let stack: RecordedStack;
  let of: StackDataset;
  const size = BLOCKS + CLAIMED;
  const indices = Array.from({ length: BLOCKS }, (_, index) => index);

  before(async () => {
    stack = await startRecordedStack(1);
    of = stack.datasets[0] as StackDataset;
  });
  after(() => stack?.close());

  const service = () => stack.clientOf(of.ownerKey);
  const sources = (): Record<string, OpenSource> => ({
    service: sourceOfService({ primitives, service: service(), download: downloadPresigned }, of.dataset),
    bucket: sourceOfBucket({ primitives, bucket: stack.bucket() }),
  });
  const get = async (openSource: OpenSource): Promise<GotBlock[]> => {
    const range = { dataset: of.dataset, datasetKeyOf: () => of.datasetKey, anchor: 'latest', by: 'block' } as const;
    const got: GotBlock[] = [];
    const all = { ...range, from: 0, to: Number.MAX_SAFE_INTEGER };
    for await (const block of getRange({ primitives, ledger: stack.ledger, openSource }, all)) got.push(block);
    return got;
  };
  const verify = (sample?: number) =>
    verifyDataset(
      { primitives, ledger: stack.ledger, css: service() },
      {
        dataset: of.dataset,
        datasetKeyOf: () => of.datasetKey,
        anchor: 'latest',
        evidence: 'possession',
        ...(sample === undefined ? { range: { from: 0, to: BLOCKS } } : { sample }),
      },
    );

  it('is accepted by the chain, as the device signed it', async () => {
    const { point } = await stack.ledger.readHeads([of.dataset], 'latest');
    const events = await stack.ledger.findRecorded(of.dataset, 0, point.blockNumber);
    const peaks = [...rebuildPeaks(primitives, events)].at(-1);
    assert.ok(peaks !== undefined && peaks.size === BLOCKS);
    const appended = appendedSubtrees(BLOCKS, size).map((_, i) => new Uint8Array(32).fill(i + 1));
    const root = rootOfPeaks(primitives, growPeaks(primitives, peaks, size, appended));
    const head = { dataset: of.dataset, size, root };
    const signature = signHead(stack.ledger.domain, head, of.deviceKey);
    const thief = createDisscRecorder({ ...stack.chain, signer: createKeySigner(await stack.funded()) });
    const call = { charters: [], updates: [{ ...head, signature, peaks: peaks.peaks, appended }] };
    const { accepted, gas } = await thief.simulate(call);
    assert.deepEqual(accepted, [true]);
    const { latest } = await thief.nonces();
    const sent = await thief.prepare(call, { nonce: latest, gas });
    await thief.broadcast(sent);
    await until('The junk head', async () => ((await thief.receipt(sent.hash))?.ok === true ? true : null));
    assert.equal((await stack.ledger.readHeads([of.dataset], 'latest')).heads[0]?.size, size);
  });

  for (const name of ['service', 'bucket']) {
    it(`everything before it comes back from the ${name}; the rest is named with its signer, and in time`, async () => {
      const startMs = performance.now();
      const got = await get(sources()[name] as OpenSource);
      assert.ok(performance.now() - startMs < 20_000);
      const intact = got.filter(({ verdict }) => verdict.verdict === 'intact');
      assert.deepEqual(
        intact.map(({ content }) => Buffer.from(content ?? [])),
        of.contents.map((content) => Buffer.from(content)),
      );
      const lost = got.slice(BLOCKS);
      assert.ok(lost.every(({ verdict }) => verdict.verdict === 'unavailable'));
      assert.ok(lost.every(({ verdict }) => verdict.signer === accountOfKey(of.deviceKey)));
      assert.deepEqual([lost[0]?.verdict.index, lost.at(-1)?.upTo], [BLOCKS, size - 1]);
    });
  }

  it('an audit proves everything before it', async () => {
    const report = await verify();
    assert.deepEqual([report.counts.intact, report.counts.unavailable, report.ok], [BLOCKS, 1, false]);
    assert.deepEqual(
      report.recordedBy.map(({ from, signer }) => [from, signer]),
      [[BLOCKS, accountOfKey(of.deviceKey)]],
    );
  });

  it('once the device is replaced from there on, all that is the owner’s is intact, and the junk is named', async () => {
    const owner = { address: of.owner, privateKey: of.ownerKey, seed: new Uint8Array(64).fill(3) };
    const replaced = await replaceDevice(
      {
        primitives,
        sources: { ledger: stack.ledger, fromBlock: 0, service: service(), bucket: null },
        chain: createDisscOwner({ ...stack.chain, signer: createKeySigner(of.ownerKey) }),
        nowSeconds: () => Math.floor(Date.now() / 1000),
      },
      owner,
      { dataset: of.dataset, kept: [of.charter], from: BLOCKS },
    );
    assert.equal(replaced.unshown, null);
    assert.deepEqual(
      replaced.disowned.map(({ from, to, signer }) => [from, to, signer]),
      [[BLOCKS, size - 1, accountOfKey(of.deviceKey)]],
    );
    const report = await verify(1000);
    assert.deepEqual([report.total, report.checked, report.counts.intact, report.ok], [BLOCKS, BLOCKS, BLOCKS, true]);
    assert.deepEqual(
      report.disowned.map(({ from, to }) => [from, to]),
      [[BLOCKS, size - 1]],
    );
    assert.deepEqual(
      (await get(sources().service as OpenSource))
        .slice(0, BLOCKS)
        .map(({ verdict }) => [verdict.index, verdict.verdict]),
      indices.map((index) => [index, 'intact']),
    );
  });
});
