import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createDisscRecorder } from '../../adapters/ethereum/dissc-recorder.ts';
import { encodeCharter } from '../../core/charter/charter-file.ts';
import { ArgumentError, LedgerUnavailableError, NotRecordedError } from '../../core/errors.ts';
import { EMPTY_PEAKS, rootOfPeaks } from '../../core/log/peaks.ts';
import type { ChainPoint, RecordCall, Recorder } from '../../core/ports/ledger.ts';
import { changeDatasetEntry, readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import {
  datasetPk,
  FIRST_CHARTER_SK,
  logSk,
  RELAYER_STATE_SK,
  relayerPk,
  transactionSk,
} from '../../functions/state/entries.ts';
import { readLogEnd } from '../../functions/state/log-entry.ts';
import {
  assertRecordedOnce,
  createLogFixture,
  type LogFixture,
  recordCallOf,
  seal,
  type TestDataset,
  type TestService,
} from './log-fixture.ts';
import { readWork } from './read-work.ts';
import { statedOwners } from './stated-owners.ts';

describe('anchor', () => {
  let fixture: LogFixture;
  before(async () => {
    fixture = await createLogFixture();
  });
  after(() => fixture.stop());

  const openNonces = async (service: TestService): Promise<{ nonce: number; hashes: string[] }[]> => {
    const state = await service.table.get(relayerPk(service.recorder.account), RELAYER_STATE_SK);
    return JSON.parse((state?.open as string | undefined) ?? '[]');
  };
  const work = (service: TestService): Promise<string[]> => readWork(service.table);
  /** Sends an update as the device would, by itself. */
  const recordDirectly = async (recorder: Recorder, call: RecordCall) => {
    const { gas } = await recorder.simulate(call);
    const { latest } = await recorder.nonces();
    await recorder.broadcast(await recorder.prepare(call, { nonce: latest, gas: gas + 50_000n }));
  };
  const sizeOf = async (dataset: TestDataset): Promise<number | undefined> =>
    (await fixture.ledger.readHeads([dataset.id], 'latest')).heads[0]?.size;

  it('records every stored batch of every dataset in one transaction, and nothing more when run again', async () => {
    const service = await fixture.service();
    const datasets = [fixture.openDataset(), fixture.openDataset()];
    for (const dataset of datasets) await service.fill(dataset, 5);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 1 });
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    await fixture.mine();
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    for (const dataset of datasets) await fixture.assertRecorded(dataset);
    assert.equal((await work(service)).length, 2, 'recorded is not final');
    await fixture.mine(2);
    await service.anchor();
    await service.anchor();
    assert.deepEqual(await work(service), []);
    assert.deepEqual(await openNonces(service), []);
    const { items } = await service.table.query(relayerPk(service.recorder.account), { from: 'TX', to: 'U', limit: 9 });
    assert.deepEqual(items, []);
    for (const dataset of datasets) await assertRecordedOnce(fixture, dataset);
  });

  it('pays nothing for a device that records by itself, until it says otherwise', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    const batches = await service.fill(dataset, 2);
    const says = (direct: boolean) => changeDatasetEntry(service.table, dataset.id, (entry) => ({ ...entry, direct }));
    await says(true);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    const device = await fixture.service();
    await recordDirectly(device.recorder, recordCallOf(dataset, batches.slice(0, 1)));
    await fixture.mine(3);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    await says(false);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 1 });
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('notes which final transaction recorded what', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 2);
    await service.anchor();
    const [open] = await openNonces(service);
    await fixture.mine(3);
    await service.anchor();
    const { items } = await service.table.query(datasetPk(dataset.id), { from: 'X#', to: 'X$', limit: 9 });
    assert.equal(items.length, 1);
    assert.equal(items[0]?.size, 6);
    assert.deepEqual(items[0]?.root, rootOfPeaks(nodePrimitives, dataset.end));
    assert.equal(items[0]?.txHash, open?.hashes[0]);
  });

  it('records each batch once when eight runs start at the same time', async () => {
    const service = await fixture.service();
    const datasets = [];
    for (let i = 0; i < 4; i++) datasets.push(fixture.openDataset());
    for (const dataset of datasets) await service.fill(dataset, 3);
    const runs = await Promise.all(Array.from({ length: 8 }, () => service.anchor()));
    assert.equal(
      runs.reduce((sum, run) => sum + run.transactions, 0),
      1,
    );
    await fixture.mine();
    for (const dataset of datasets) await assertRecordedOnce(fixture, dataset);
  });

  it('brings a dataset’s first charter to the chain with its first record, and never again', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    for (let run = 0; run < 2; run++) {
      await service.fill(dataset, 1);
      await service.anchor();
      await fixture.mine();
    }
    await assertRecordedOnce(fixture, dataset);
    const { point } = await fixture.ledger.readHeads([], 'latest');
    const events = await fixture.ledger.findChartered({ dataset: dataset.id }, 0, point.blockNumber);
    assert.deepEqual(
      events.map(({ charter }) => charter.serial),
      [dataset.first.serial],
    );
  });

  it('leaves a dataset alone whose charter names another anchorer: only its owner may open it on the chain', async () => {
    const service = await fixture.service();
    const { account: anchorer } = await fixture.newAccount();
    const dataset = fixture.openDataset({ anchorer });
    await service.fill(dataset, 1);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    assert.equal((await readDatasetEntry(service.table, dataset.id)).suspendedAtSize, undefined);
    // It is said once for each batch that comes, not in every run.
    assert.deepEqual(await work(service), []);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    assert.equal(service.counts.get('Anchor.elsewhere'), 1);
    await service.fill(dataset, 1);
    await service.anchor();
    assert.equal(service.counts.get('Anchor.elsewhere'), 2);
  });

  it('costs the same however many batches have come: one update with O(log n) hashes', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    const gas: bigint[] = [];
    for (const batches of [1, 20]) {
      await service.fill(dataset, batches, 4);
      const simulate: Recorder['simulate'] = async (call, signal) => {
        const simulated = await service.recorder.simulate(call, signal);
        gas.push(simulated.gas);
        return simulated;
      };
      await service.anchor({ recorder: { ...service.recorder, simulate } });
      await fixture.mine();
    }
    await assertRecordedOnce(fixture, dataset);
    // The first brings the charter, and two new slots.
    assert.ok((gas[1] as bigint) < (gas[0] as bigint), String(gas));
  });

  it('sends half as many at a time where the chain does not take all of them at once', async () => {
    const service = await fixture.service();
    const datasets = Array.from({ length: 5 }, () => fixture.openDataset());
    for (const dataset of datasets) await service.fill(dataset, 1);
    const asked: number[] = [];
    const simulate: Recorder['simulate'] = async (call, signal) => {
      asked.push(call.updates.length);
      if (call.updates.length > 2) throw new ArgumentError('The chain does not take them at once. Send fewer.');
      return service.recorder.simulate(call, signal);
    };
    const recorder = { ...service.recorder, simulate };
    assert.equal((await service.anchor({ recorder })).transactions, 3);
    assert.deepEqual(asked, [5, 3, 2, 2, 1], 'what was seen to be too much is not tried again');
    await fixture.mine();
    for (const dataset of datasets) await assertRecordedOnce(fixture, dataset);
  });

  it('sends half as many where the node refuses what it has estimated, at once, and more again later', async () => {
    const service = await fixture.service();
    const datasets = Array.from({ length: 5 }, () => fixture.openDataset());
    for (const dataset of datasets) await service.fill(dataset, 1);
    let limit = 1_200n;
    const broadcast: Recorder['broadcast'] = async (transaction, signal) => {
      if (BigInt((transaction.raw.length - 2) / 2) > limit) {
        throw new NotRecordedError('The node rejects the transaction.', { details: { refusal: 'other' } });
      }
      await service.recorder.broadcast(transaction, signal);
    };
    const recorder = { ...service.recorder, broadcast };
    while ((await service.anchor({ recorder })).transactions > 0) await fixture.mine();
    for (const dataset of datasets) await assertRecordedOnce(fixture, dataset);
    const state = await service.table.get(relayerPk(service.recorder.account), RELAYER_STATE_SK);
    assert.ok((state?.atMost as number) <= 2, `at most ${state?.atMost}`);
    limit = 131_072n;
    for (let run = 0; run < 3; run++) {
      for (const dataset of datasets) await service.fill(dataset, 1);
      await service.anchor({ recorder });
      await fixture.mine(3);
    }
    for (const dataset of datasets) await assertRecordedOnce(fixture, dataset);
    const later = await service.table.get(relayerPk(service.recorder.account), RELAYER_STATE_SK);
    assert.ok((later?.atMost as number) > 2, `at most ${later?.atMost}`);
  });

  it('suspends the one dataset whose charter makes the whole call revert', async () => {
    const service = await fixture.service();
    const datasets = Array.from({ length: 5 }, () => fixture.openDataset());
    for (const dataset of datasets) await service.fill(dataset, 1);
    const [bad, ...good] = datasets as [TestDataset, ...TestDataset[]];
    // A fault of the table: the owner's signature is no longer one.
    const signature = Uint8Array.from(bad.first.signature as Uint8Array);
    signature[10] = (signature[10] as number) ^ 1;
    const file = encodeCharter({ ...bad.first, signature });
    await service.table.put({ pk: datasetPk(bad.id), sk: FIRST_CHARTER_SK, file, onChain: false }, 'any');
    await service.anchor();
    await fixture.mine();
    for (const dataset of good) await assertRecordedOnce(fixture, dataset);
    await fixture.assertEmpty(bad);
    assert.equal((await readDatasetEntry(service.table, bad.id)).suspendedAtSize, 0);
    assert.equal(service.counts.get('Anchor.suspended'), 1);
  });

  it('waits until a batch is recordEvery old, then records all of them together', async () => {
    const service = await fixture.service();
    const settings = () => ({ ...service.ports.settings(), recordEveryMs: 60_000 });
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    service.passTime(59_000);
    await service.fill(dataset, 2);
    assert.equal((await service.anchor({ settings })).transactions, 0);
    service.passTime(1_000);
    assert.equal((await service.anchor({ settings })).transactions, 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  for (const depth of [1, 2, 5]) {
    it(`records again what a reorganisation of ${depth} blocks took back`, async () => {
      const service = await fixture.service();
      const dataset = fixture.openDataset();
      await fixture.mine(6);
      await service.fill(dataset, 2);
      await service.anchor();
      await fixture.mine();
      await service.fill(dataset, 1);
      await service.anchor();
      await fixture.mine();
      await fixture.assertRecorded(dataset);
      await fixture.rpc.call('anvil_reorg', [depth, []]);
      for (let run = 0; run < 4; run++) {
        await service.anchor();
        await service.anchor();
        await fixture.mine();
      }
      await assertRecordedOnce(fixture, dataset);
      await fixture.mine(2);
      await service.anchor();
      assert.deepEqual(await work(service), []);
    });

    it(`records again after the chain went back ${depth} blocks`, async () => {
      const service = await fixture.service();
      const dataset = fixture.openDataset();
      await fixture.mine(6);
      await service.fill(dataset, 2);
      await service.anchor();
      await fixture.mine();
      await fixture.assertRecorded(dataset);
      await fixture.rpc.call('anvil_rollback', [depth]);
      for (let run = 0; run < 3; run++) {
        await service.anchor();
        await fixture.mine();
      }
      await assertRecordedOnce(fixture, dataset);
    });
  }

  it('sends again what the node has forgotten', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    await service.anchor();
    const [open] = await openNonces(service);
    await fixture.rpc.call('anvil_dropTransaction', [open?.hashes[0]]);
    await fixture.mine();
    assert.equal(await sizeOf(dataset), 0);
    assert.equal((await service.anchor()).transactions, 0);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('replaces a transaction whose fees have become too low, with what is wanted by then', async () => {
    await fixture.mineAtBaseFee(1);
    const service = await fixture.service({ replaceAfterMs: 60_000 });
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    await service.anchor();
    await fixture.mineAtBaseFee(100);
    await fixture.assertEmpty(dataset);
    await service.fill(dataset, 1);
    assert.equal((await service.anchor()).transactions, 0, 'not yet stuck');
    service.passTime(60_000);
    assert.equal((await service.anchor()).transactions, 1);
    const [open] = await openNonces(service);
    assert.equal(open?.hashes.length, 2);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
    await fixture.mine(2);
    await service.anchor();
    assert.deepEqual(await openNonces(service), []);
  });

  it('frees a stuck nonce whose batches the device has recorded meanwhile', async () => {
    await fixture.mineAtBaseFee(1);
    const service = await fixture.service({ replaceAfterMs: 60_000 });
    const device = await fixture.service();
    const dataset = fixture.openDataset();
    const batches = await service.fill(dataset, 2);
    await service.anchor();
    await fixture.mineAtBaseFee(100);
    await recordDirectly(device.recorder, recordCallOf(dataset, batches));
    await fixture.mineAtBaseFee(100);
    await assertRecordedOnce(fixture, dataset);
    service.passTime(60_000);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine(3);
    await service.anchor();
    assert.deepEqual(await openNonces(service), []);
    assert.deepEqual(await work(service), []);
    await assertRecordedOnce(fixture, dataset);
  });

  it('suspends a dataset whose update is refused, and the others go on', async () => {
    const service = await fixture.service();
    const bad = fixture.openDataset();
    const good = fixture.openDataset();
    await service.fill(bad, 1);
    await service.fill(good, 1);
    // A fault of the table: the signature is no longer the device's.
    const item = await service.table.get(datasetPk(bad.id), logSk(0));
    const signature = Uint8Array.from(item?.signature as Uint8Array);
    signature[10] = (signature[10] as number) ^ 1;
    await service.table.put({ ...item, pk: datasetPk(bad.id), sk: logSk(0), signature }, 'any');
    await service.anchor();
    await fixture.mine();
    await assertRecordedOnce(fixture, good);
    await fixture.assertEmpty(bad);
    const entry = await readDatasetEntry(service.table, bad.id);
    assert.equal(entry.suspendedAtSize, 0);
    assert.equal(service.counts.get('Anchor.suspended'), 1);
    assert.equal((await service.anchor()).transactions, 0);
    assert.equal(service.counts.get('Anchor.suspended'), 1, 'it is not even simulated again');
    // A newer head of the device covers it.
    await service.fill(bad, 1);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, bad);
    assert.equal((await readDatasetEntry(service.table, bad.id)).suspendedAtSize, undefined);
  });

  it('sends only what is missing when the device has recorded some of it itself', async () => {
    const service = await fixture.service();
    const device = await fixture.service();
    const dataset = fixture.openDataset();
    const batches = await service.fill(dataset, 5);
    await recordDirectly(device.recorder, recordCallOf(dataset, batches.slice(0, 3)));
    await fixture.mine();
    await service.anchor();
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('sends the rest when the device comes first with a part of what is under way', async () => {
    const service = await fixture.service();
    const device = await fixture.service();
    const dataset = fixture.openDataset();
    const batches = await service.fill(dataset, 5);
    await service.anchor();
    // Higher in the block, as it pays more.
    const { gas } = await device.recorder.simulate(recordCallOf(dataset, batches.slice(0, 2)));
    const cheap = await device.recorder.prepare({ charters: [], updates: [] }, { nonce: 0, gas: 21_000n });
    const priced = await device.recorder.prepare(recordCallOf(dataset, batches.slice(0, 2)), {
      ...{ nonce: 0, gas: gas + 50_000n, replaces: { ...cheap, maxPriorityFeePerGasWei: 10n ** 10n } },
    });
    await device.recorder.broadcast(priced);
    await fixture.mine();
    assert.equal(await sizeOf(dataset), 6);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('waits for a head of the new device once another is named, then records all under it', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 2);
    await fixture.replaceDevice(dataset);
    assert.equal((await service.anchor()).transactions, 0);
    await service.fill(dataset, 1);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('recovers when the device is replaced while its update is under way', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 2);
    await service.anchor();
    const [open] = await openNonces(service);
    await fixture.rpc.call('anvil_dropTransaction', [open?.hashes[0]]);
    await fixture.replaceDevice(dataset);
    await service.anchor();
    await fixture.mine();
    await fixture.assertEmpty(dataset);
    await service.fill(dataset, 1);
    await service.anchor();
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('goes on when the relayer’s account is used by another program', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    await service.anchor();
    const [open] = await openNonces(service);
    await fixture.rpc.call('anvil_dropTransaction', [open?.hashes[0]]);
    const another = fixture.openDataset();
    await recordDirectly(service.recorder, recordCallOf(another, [seal(another)]));
    await fixture.mine();
    for (let run = 0; run < 3; run++) {
      await service.anchor();
      await fixture.mine();
    }
    await assertRecordedOnce(fixture, dataset);
    await fixture.mine(2);
    await service.anchor();
    assert.deepEqual(await openNonces(service), []);
  });

  it('says so when its account has no funds, stores nothing, and goes on once it has', async () => {
    const service = await fixture.service({}, 0n);
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    assert.deepEqual(await service.anchor(), { outcome: 'out-of-funds', transactions: 0 });
    assert.equal(service.counts.get('Anchor.outOfFunds'), 1);
    const told = service.noted.find(({ level }) => level === 'error');
    assert.equal(told?.fields.account, service.recorder.account);
    assert.deepEqual(await openNonces(service), []);
    await fixture.fund(service.recorder.account);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('sweeps a transaction that a run stored and never counted', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    const orphan = `0x${'ab'.repeat(32)}`;
    await service.table.put(
      { pk: relayerPk(service.recorder.account), sk: transactionSk(0, orphan), raw: new Uint8Array(1) },
      'any',
    );
    await service.anchor();
    await fixture.mine(3);
    await service.anchor();
    await service.anchor();
    assert.equal(await service.table.get(relayerPk(service.recorder.account), transactionSk(0, orphan)), null);
  });

  for (const damage of [
    { open: 'no JSON' },
    { open: '[{"nonce":"0"}]' },
    { open: 7 },
    { open: '[]', outOfFundsSinceMs: 'yesterday' },
  ]) {
    it(`goes on when what it keeps of its transactions is damaged: ${JSON.stringify(damage)}`, async () => {
      const service = await fixture.service({ replaceAfterMs: 60_000 });
      const dataset = fixture.openDataset();
      await service.fill(dataset, 1);
      await service.anchor();
      await service.table.put({ pk: relayerPk(service.recorder.account), sk: RELAYER_STATE_SK, ...damage }, 'any');
      await service.fill(dataset, 1);
      for (let run = 0; run < 3; run++) {
        await service.anchor();
        service.passTime(60_000);
      }
      await fixture.mine();
      await service.anchor();
      await fixture.mine();
      await assertRecordedOnce(fixture, dataset);
      await fixture.mine(2);
      await service.anchor();
      assert.deepEqual(await openNonces(service), []);
    });
  }

  it('replaces a transaction that is stored damaged', async () => {
    const service = await fixture.service({ replaceAfterMs: 60_000 });
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    await service.anchor();
    const [open] = await openNonces(service);
    const hash = open?.hashes[0] as string;
    await fixture.rpc.call('anvil_dropTransaction', [hash]);
    await service.table.put(
      { pk: relayerPk(service.recorder.account), sk: transactionSk(0, hash), raw: 'swapped', kind: 3 },
      'any',
    );
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  it('records all others when the charter or the log of one dataset is damaged', async () => {
    const service = await fixture.service();
    const datasets = Array.from({ length: 4 }, () => fixture.openDataset());
    for (const dataset of datasets) await service.fill(dataset, 1);
    const [noCharter, noFile, noLog, good] = datasets as [TestDataset, TestDataset, TestDataset, TestDataset];
    await service.table.put({ pk: datasetPk(noCharter.id), sk: FIRST_CHARTER_SK, file: new Uint8Array(9) }, 'any');
    await service.table.put({ pk: datasetPk(noFile.id), sk: FIRST_CHARTER_SK, file: 'text', onChain: 1 }, 'any');
    await service.table.put({ pk: datasetPk(noLog.id), sk: logSk(0), size: 'many', peaks: 5 }, 'any');
    await service.anchor();
    await fixture.mine();
    await assertRecordedOnce(fixture, good);
    for (const dataset of [noCharter, noFile, noLog]) await fixture.assertEmpty(dataset);
    // Whoever shows the charter again mends it.
    for (const dataset of [noCharter, noFile]) await service.show(dataset);
    await service.anchor();
    await fixture.mine();
    for (const dataset of [noCharter, noFile]) await assertRecordedOnce(fixture, dataset);
  });

  it('follows the chain when the device has recorded a rival of what is in the log', async () => {
    const service = await fixture.service();
    const device = await fixture.service();
    const dataset = fixture.openDataset();
    const common = await service.fill(dataset, 3);
    const { end } = dataset;
    const fork = { ...dataset };
    await service.fill(dataset, 2);
    // The device was restored from a copy: it seals other batches in the place of the last two, and one more.
    fork.end = end;
    const rivals = [seal(fork, 3, 1), seal(fork, 2, 1), seal(fork, 1, 1)];
    for (const rival of rivals) await service.store(rival);
    const before = await readLogEnd(service.table, dataset.id);
    assert.equal(before?.size, 15);
    await recordDirectly(device.recorder, recordCallOf(dataset, [...common, ...rivals.slice(0, 2)]));
    await fixture.mine();
    await service.anchor();
    await fixture.mine();
    assert.equal(service.counts.get('Anchor.logAdopted'), 1);
    const after = await readLogEnd(service.table, dataset.id);
    assert.deepEqual(after?.root, rivals[2]?.manifest.head.root);
    await assertRecordedOnce(fixture, fork);
    await fixture.mine(2);
    await service.anchor();
    assert.deepEqual(await work(service), []);
  });

  it('raises an alarm and touches nothing when the chain has blocks that are not stored here', async () => {
    const service = await fixture.service();
    const device = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    const fork = { ...dataset, end: EMPTY_PEAKS };
    await recordDirectly(device.recorder, recordCallOf(dataset, [seal(fork, 2, 7)]));
    await fixture.mine();
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    assert.equal(service.counts.get('Anchor.chainAhead'), 1);
    assert.equal((await readLogEnd(service.table, dataset.id))?.size, 3);
    assert.deepEqual(await work(service), [dataset.id]);
  });

  it('records for no owner but those served', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    assert.equal((await service.anchor({ owners: statedOwners(new Map()) })).transactions, 0);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
  });

  it('stops when its time is up', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    const timeIsUp = Promise.withResolvers<void>();
    const runtime = {
      ...service.ports.runtime,
      after(_ms: number, run: () => void) {
        timeIsUp.promise.then(run);
        return { stop() {} };
      },
    };
    const never = (_: unknown, __: unknown, signal?: AbortSignal) =>
      new Promise<{ point: ChainPoint; heads: never[] }>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        timeIsUp.resolve();
      });
    const hung = { ...service.ports.ledger, readHeads: never };
    assert.deepEqual(await service.anchor({ ledger: hung, runtime }), { outcome: 'stopped', transactions: 0 });
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
  });

  it('fails as a chain that cannot be reached, and changes nothing', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    const away = { ...fixture.chain, rpcUrl: 'http://127.0.0.1:1' };
    const recorder = createDisscRecorder({ ...away, signer: service.relayer });
    await assert.rejects(service.anchor({ recorder }), LedgerUnavailableError);
    assert.deepEqual(await openNonces(service), []);
  });
});
