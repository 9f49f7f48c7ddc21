import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ArgumentError } from '../../core/errors.ts';
import type { GrantRecorder } from '../../core/ports/grant-recorder.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import { quotaOf } from '../../functions/rights/quota-of.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { datasetPk, logSk, proposedPk, RELAYER_STATE_SK, relayerPk } from '../../functions/state/entries.ts';
import { listGrantIds, MAX_GRANTS, rememberGrant } from '../../functions/state/grant-entry.ts';
import { assertPaid, CLOSED, openGrant, PRICE_WEI, partyOf, propose, readGrant } from './grant-fixture.ts';
import {
  assertRecordedOnce,
  createLogFixture,
  type LogFixture,
  recordCallOf,
  seal,
  type TestDataset,
  type TestService,
} from './log-fixture.ts';

const ETHER = 10n ** 18n;
const OPEN = { minPerRecordWei: PRICE_WEI, openQuotaBytes: 10_000 };

describe('anchor with grants', () => {
  let fixture: LogFixture;
  before(async () => {
    fixture = await createLogFixture();
  });
  after(() => fixture.stop());

  const warnings = (service: TestService): string[] =>
    service.noted.filter(({ level }) => level === 'warn').map(({ message }) => message);
  const count = (service: TestService, metric: string): number => service.counts.get(metric) ?? 0;
  const sizeOf = async (dataset: TestDataset): Promise<number> =>
    (await fixture.ledger.readHeads([dataset.id], 'latest')).heads[0]?.size ?? 0;
  /** How often the dataset has been recorded. */
  const recordsOf = async (dataset: TestDataset): Promise<number> => {
    const { point } = await fixture.ledger.readHeads([], 'latest');
    return (await fixture.ledger.findRecorded(dataset.id, 0, point.blockNumber)).length;
  };
  const passChainTime = async (seconds: number): Promise<void> => {
    await fixture.rpc.call('evm_increaseTime', [seconds]);
    await fixture.mine();
  };
  const anchorAndMine = async (service: TestService, runs = 1): Promise<void> => {
    for (let run = 0; run < runs; run++) {
      await service.anchor();
      await fixture.mine();
    }
  };
  /** Signs a wrong head in the table: DISSC refuses what ends there. */
  const spoil = async (service: TestService, dataset: TestDataset, first: number): Promise<void> => {
    const item = await service.table.get(datasetPk(dataset.id), logSk(first));
    const signature = Uint8Array.from(item?.signature as Uint8Array);
    signature[10] = (signature[10] as number) ^ 1;
    await service.table.put({ ...item, pk: datasetPk(dataset.id), sk: logSk(first), signature }, 'any');
  };

  it('accepts a proposal once it is final, and only once', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const grant = await propose(fixture, service, dataset);
    assert.equal((await service.anchor()).transactions, 0, 'not final yet');
    await fixture.mine(3);
    const runs = await Promise.all([service.anchor(), service.anchor(), service.anchor()]);
    assert.equal(
      runs.reduce((sum, run) => sum + run.transactions, 0),
      1,
    );
    assert.equal((await service.anchor()).transactions, 0, 'under way');
    await fixture.mine();
    assert.equal((await service.anchor()).transactions, 0, 'accepted, not final');
    assert.equal((await readGrant(fixture, grant)).state, 'accepted');
    assert.deepEqual(await listGrantIds(service.table, dataset.id), [grant]);
    await fixture.mine(3);
    await service.anchor();
    await service.anchor();
    const state = await service.table.get(relayerPk(service.relayer.account), RELAYER_STATE_SK);
    assert.equal(state?.open, '[]');
  });

  it('accepts none below its price, none of others’ owners, none to another account, none that was dropped', async () => {
    const service = await fixture.service({}, ETHER, { minPerRecordWei: PRICE_WEI, openQuotaBytes: null });
    const other = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const stranger = await fixture.newAccount();
    const strange = fixture.openDataset({ owner: stranger });
    const cheap = await propose(fixture, service, dataset, { perRecordWei: PRICE_WEI - 1n });
    const foreign = await propose(fixture, service, strange);
    const elsewhere = await propose(fixture, other, dataset);
    const dropped = await propose(fixture, service, dataset);
    await fixture.mine(3);
    await partyOf(fixture, fixture.owner).drop(dropped);
    assert.equal((await service.anchor()).transactions, 0);
    await fixture.mine(3);
    assert.equal((await service.anchor()).transactions, 0);
    for (const grant of [cheap, foreign, elsewhere]) assert.equal((await readGrant(fixture, grant)).state, 'proposed');
    // The operator lowers the price: what was proposed before counts.
    const settings = () => ({ ...service.ports.settings(), grants: CLOSED });
    assert.equal((await service.anchor({ settings })).transactions, 1);
    await fixture.mine();
    assert.equal((await readGrant(fixture, cheap)).state, 'accepted');
  });

  it('accepts no more for a dataset than it can look at in one reading, and finds room when some are over', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    for (let i = 1; i < MAX_GRANTS; i++) {
      await rememberGrant(service.table, dataset.id, `0x${String(i).padStart(64, '0')}` as GrantId);
    }
    const brief = await openGrant(fixture, service, dataset, 0n, { lifeSeconds: 600 });
    const late = await propose(fixture, service, dataset);
    await fixture.mine(3);
    assert.equal((await service.anchor()).transactions, 0);
    await fixture.rpc.call('evm_increaseTime', [700]);
    await fixture.mine(3);
    await service.fill(dataset, 1);
    await anchorAndMine(service, 2);
    assert.equal((await listGrantIds(service.table, dataset.id)).includes(brief), false);
    assert.equal((await readGrant(fixture, late)).state, 'accepted');
  });

  it('records what grants pay for in one transaction, the rest in another, and is paid to the wei', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const paying = [fixture.openDataset(), fixture.openDataset()];
    const unpaid = fixture.openDataset();
    const fundedWei = 100n * PRICE_WEI + 13n;
    const grants = [];
    for (const dataset of paying) grants.push(await openGrant(fixture, service, dataset, fundedWei));
    for (const dataset of [...paying, unpaid]) await service.fill(dataset, 3);
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 2 });
    assert.deepEqual(await service.anchor(), { outcome: 'done', transactions: 0 });
    await fixture.mine();
    for (const dataset of [...paying, unpaid]) await assertRecordedOnce(fixture, dataset);
    for (const grant of grants) {
      assert.equal((await readGrant(fixture, grant)).fuelWei, fundedWei - PRICE_WEI);
    }
    assert.equal(await fixture.grants.readCreditWei(service.relayer.account, 'latest'), 2n * PRICE_WEI);
    assert.deepEqual(warnings(service), []);
  });

  it('is paid a record, however much has come, as long as the fuel reaches; then records unpaid, and says so once', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const fundedWei = 3n * PRICE_WEI - 1n;
    const grant = await openGrant(fixture, service, dataset, fundedWei);
    for (const batches of [5, 1, 1, 1]) {
      await service.fill(dataset, batches);
      await anchorAndMine(service);
    }
    await assertRecordedOnce(fixture, dataset);
    await assertPaid(fixture, service, grant, { fundedWei, records: 2 });
    assert.equal(count(service, 'Anchor.noFuel'), 1);
    assert.equal(warnings(service).length, 1);
    assert.match(warnings(service)[0] ?? '', /out of fuel/);
    // Fuel again, and out of it again: that is news, both times.
    await partyOf(fixture, fixture.owner).fund(grant, PRICE_WEI);
    for (let batch = 0; batch < 2; batch++) {
      await service.fill(dataset, 1);
      await anchorAndMine(service);
    }
    await assertRecordedOnce(fixture, dataset);
    await assertPaid(fixture, service, grant, { fundedWei: fundedWei + PRICE_WEI, records: 3 });
    assert.equal(count(service, 'Anchor.noFuel'), 2);
  });

  it('takes the grant that pays most when there are several, and the next one when its fuel is gone', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const cheap = await openGrant(fixture, service, dataset, 9n * PRICE_WEI);
    const dear = await openGrant(fixture, service, dataset, 2n * PRICE_WEI, { perRecordWei: 2n * PRICE_WEI });
    for (const [cheapFuel, dearFuel] of [
      [9n, 0n],
      [8n, 0n],
    ] as const) {
      await service.fill(dataset, 1);
      await anchorAndMine(service);
      assert.equal((await readGrant(fixture, cheap)).fuelWei, cheapFuel * PRICE_WEI);
      assert.equal((await readGrant(fixture, dear)).fuelWei, dearFuel * PRICE_WEI);
    }
    await assertRecordedOnce(fixture, dataset);
  });

  for (const clock of ['its own clock', 'the chain'] as const) {
    it(`waits until the interval of a grant has passed, by ${clock}, and is paid once in it`, async () => {
      const service = await fixture.service({}, ETHER, CLOSED);
      const dataset = fixture.openDataset();
      const fundedWei = 10n * PRICE_WEI;
      const grant = await openGrant(fixture, service, dataset, fundedWei, { intervalSeconds: 600 });
      // Behind the chain, so that the chain's time counts; else ahead of it, so that the simulation says that it is too early.
      const nowMs = clock === 'the chain' ? () => 0 : service.ports.runtime.nowMs;
      const overrides = { runtime: { ...service.ports.runtime, nowMs } };
      for (let round = 1; round <= 2; round++) {
        await service.fill(dataset, 2);
        assert.equal((await service.anchor(overrides)).transactions, 1);
        await fixture.mine();
        await service.fill(dataset, 1);
        for (let run = 0; run < 2; run++) {
          assert.equal((await service.anchor(overrides)).transactions, 0, 'the interval has not passed');
          await passChainTime(200);
        }
        await assertPaid(fixture, service, grant, { fundedWei, records: 2 * round - 1 });
        await passChainTime(250);
        assert.equal((await service.anchor(overrides)).transactions, 1);
        await fixture.mine();
        await assertRecordedOnce(fixture, dataset);
        await assertPaid(fixture, service, grant, { fundedWei, records: 2 * round });
        await passChainTime(650);
      }
      assert.deepEqual(warnings(service), [], 'waiting is no trouble');
      assert.equal((await readDatasetEntry(service.table, dataset.id)).suspendedAtSize, undefined);
    });
  }

  it('neither earns for another account nor spends another dataset’s fuel, whatever its table says', async () => {
    const service = await fixture.service({}, ETHER, OPEN);
    const other = await fixture.service({}, ETHER, CLOSED);
    const owner = await fixture.newAccount();
    const [dataset, neighbour] = [fixture.openDataset(), fixture.openDataset({ owner })];
    const foreign = await openGrant(fixture, other, dataset, 10n * PRICE_WEI);
    const elsewhere = await openGrant(fixture, service, neighbour, 10n * PRICE_WEI);
    for (const grant of [foreign, elsewhere]) await rememberGrant(service.table, dataset.id, grant);
    await service.fill(dataset, 2);
    await anchorAndMine(service);
    await assertRecordedOnce(fixture, dataset);
    for (const grant of [foreign, elsewhere]) assert.equal((await readGrant(fixture, grant)).fuelWei, 10n * PRICE_WEI);
    // Nor is anybody served for it.
    const strange = fixture.openDataset({ owner });
    for (const grant of [foreign, elsewhere]) await rememberGrant(service.table, strange.id, grant);
    assert.equal(await quotaOf(service.ports, strange.id, owner.account), null);
    assert.equal(await quotaOf(service.ports, neighbour.id, owner.account), OPEN.openQuotaBytes);
  });

  it('is paid after a revocation until the end, and not behind it', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const fundedWei = 10n * PRICE_WEI;
    const grant = await openGrant(fixture, service, dataset, fundedWei, { windowSeconds: 600 });
    await partyOf(fixture, fixture.owner).revoke(grant);
    await service.fill(dataset, 2);
    await anchorAndMine(service);
    await assertPaid(fixture, service, grant, { fundedWei, records: 1 });
    await fixture.rpc.call('evm_increaseTime', [580]);
    await fixture.mine();
    // Twenty seconds are left: too few to be sure of the next block.
    await service.fill(dataset, 1);
    await anchorAndMine(service);
    await fixture.rpc.call('evm_increaseTime', [60]);
    await fixture.mine();
    await service.fill(dataset, 1);
    await anchorAndMine(service);
    await assertRecordedOnce(fixture, dataset);
    await assertPaid(fixture, service, grant, { fundedWei, records: 1 });
    assert.deepEqual(
      warnings(service).map((message) => message.split(':')[0]),
      ['the grants are over, or about to be'],
    );
    await partyOf(fixture, fixture.owner).end(grant);
    await fixture.mine(3);
    await service.fill(dataset, 1);
    await anchorAndMine(service);
    assert.deepEqual(await listGrantIds(service.table, dataset.id), []);
    await assertRecordedOnce(fixture, dataset);
    assert.equal(await fixture.grants.readCreditWei(fixture.owner.account, 'latest'), 9n * PRICE_WEI);
  });

  it('records unpaid what came too late for its grant while it was under way', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const fundedWei = 10n * PRICE_WEI;
    const grant = await openGrant(fixture, service, dataset, fundedWei, { windowSeconds: 600 });
    await partyOf(fixture, fixture.owner).revoke(grant);
    await service.fill(dataset, 2);
    await service.anchor();
    await fixture.rpc.call('evm_increaseTime', [700]);
    await fixture.mine();
    assert.equal(await sizeOf(dataset), 0, 'not forwarded');
    await anchorAndMine(service);
    await assertRecordedOnce(fixture, dataset);
    await assertPaid(fixture, service, grant, { fundedWei, records: 0 });
  });

  it('suspends a dataset whose update is refused, without touching anybody’s fuel, and the others go on', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const [bad, good] = [fixture.openDataset(), fixture.openDataset()];
    const fundedWei = 10n * PRICE_WEI;
    const badGrant = await openGrant(fixture, service, bad, fundedWei);
    const goodGrant = await openGrant(fixture, service, good, fundedWei);
    await service.fill(bad, 1);
    await service.fill(good, 1);
    await spoil(service, bad, 0);
    await anchorAndMine(service, 2);
    await assertRecordedOnce(fixture, good);
    await fixture.assertEmpty(bad);
    assert.equal((await readDatasetEntry(service.table, bad.id)).suspendedAtSize, 0);
    assert.equal(count(service, 'Anchor.suspended'), 1);
    assert.equal(count(service, 'Anchor.noFuel'), 0, 'it is no matter of fuel');
    assert.equal((await readGrant(fixture, badGrant)).fuelWei, fundedWei);
    await assertPaid(fixture, service, goodGrant, { fundedWei, records: 1 });
    // A newer head of the device covers it.
    await service.fill(bad, 1);
    await anchorAndMine(service);
    await assertRecordedOnce(fixture, bad);
    assert.equal((await readGrant(fixture, badGrant)).fuelWei, fundedWei - PRICE_WEI);
  });

  it('is paid once for each record when eight runs start at the same time', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const fundedWei = 100n * PRICE_WEI;
    const grant = await openGrant(fixture, service, dataset, fundedWei);
    for (let round = 1; round <= 3; round++) {
      await service.fill(dataset, 2);
      const runs = await Promise.all(Array.from({ length: 8 }, () => service.anchor()));
      assert.equal(
        runs.reduce((sum, run) => sum + run.transactions, 0),
        1,
      );
      await fixture.mine();
      await assertPaid(fixture, service, grant, { fundedWei, records: round });
    }
    await assertRecordedOnce(fixture, dataset);
  });

  it('is paid only for what the device has not recorded itself, however close they come', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const device = await fixture.service();
    const dataset = fixture.openDataset();
    const fundedWei = 100n * PRICE_WEI;
    const grant = await openGrant(fixture, service, dataset, fundedWei);
    const batches = await service.fill(dataset, 5);
    await service.anchor();
    const first = recordCallOf(dataset, batches.slice(0, 2));
    const { gas } = await device.recorder.simulate(first);
    const cheap = await device.recorder.prepare({ charters: [], updates: [] }, { nonce: 0, gas: 21_000n });
    // Higher in the block, as it pays more: what was relayed is refused then.
    const replaces = { ...cheap, maxPriorityFeePerGasWei: 10n ** 10n };
    await device.recorder.broadcast(await device.recorder.prepare(first, { nonce: 0, gas: gas + 50_000n, replaces }));
    await fixture.mine();
    assert.equal(await sizeOf(dataset), 6);
    await assertPaid(fixture, service, grant, { fundedWei, records: 0 });
    await anchorAndMine(service);
    await assertRecordedOnce(fixture, dataset);
    await assertPaid(fixture, service, grant, { fundedWei, records: 1 });
  });

  for (const depth of [1, 2, 5]) {
    it(`is paid once for what a reorganisation of ${depth} blocks took back`, async () => {
      const service = await fixture.service({}, ETHER, CLOSED);
      const dataset = fixture.openDataset();
      const fundedWei = 100n * PRICE_WEI;
      const grant = await openGrant(fixture, service, dataset, fundedWei);
      await fixture.mine(6);
      await service.fill(dataset, 2);
      await anchorAndMine(service);
      await service.fill(dataset, 1);
      await anchorAndMine(service);
      await fixture.rpc.call('anvil_reorg', [depth, []]);
      for (let run = 0; run < 4; run++) await anchorAndMine(service);
      await assertRecordedOnce(fixture, dataset);
      await assertPaid(fixture, service, grant, { fundedWei, records: await recordsOf(dataset) });
    });

    it(`is paid once for what was recorded before the chain went back ${depth} blocks`, async () => {
      const service = await fixture.service({}, ETHER, CLOSED);
      const dataset = fixture.openDataset();
      const fundedWei = 100n * PRICE_WEI;
      const grant = await openGrant(fixture, service, dataset, fundedWei);
      await fixture.mine(6);
      await service.fill(dataset, 2);
      await anchorAndMine(service);
      await fixture.rpc.call('anvil_rollback', [depth]);
      for (let run = 0; run < 3; run++) await anchorAndMine(service);
      await assertRecordedOnce(fixture, dataset);
      await assertPaid(fixture, service, grant, { fundedWei, records: await recordsOf(dataset) });
    });
  }

  it('goes on without the fuel that a reorganisation took back', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const grant = await openGrant(fixture, service, dataset, 0n);
    await service.fill(dataset, 2);
    await partyOf(fixture, fixture.owner).fund(grant, 10n * PRICE_WEI);
    await anchorAndMine(service);
    await assertPaid(fixture, service, grant, { fundedWei: 10n * PRICE_WEI, records: 1 });
    await fixture.rpc.call('anvil_rollback', [2]);
    const { fuelWei } = await readGrant(fixture, grant);
    assert.equal(fuelWei, 0n);
    await anchorAndMine(service, 3);
    await assertRecordedOnce(fixture, dataset);
    await assertPaid(fixture, service, grant, { fundedWei: 0n, records: 0 });
  });

  it('replaces a relay whose fees have become too low, and is paid once', async () => {
    await fixture.mineAtBaseFee(1);
    const service = await fixture.service({ replaceAfterMs: 60_000 }, 100n * ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const fundedWei = 10n * PRICE_WEI;
    const grant = await openGrant(fixture, service, dataset, fundedWei);
    await fixture.mineAtBaseFee(1);
    await service.fill(dataset, 1);
    await service.anchor();
    await fixture.mineAtBaseFee(100);
    await fixture.assertEmpty(dataset);
    await service.fill(dataset, 1);
    service.passTime(60_000);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
    await assertPaid(fixture, service, grant, { fundedWei, records: 1 });
  });

  it('replaces an acceptance whose fees have become too low', async () => {
    await fixture.mineAtBaseFee(1);
    const service = await fixture.service({ replaceAfterMs: 60_000 }, 100n * ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const grant = await propose(fixture, service, dataset);
    await fixture.mine(3);
    await fixture.mineAtBaseFee(1);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mineAtBaseFee(100);
    assert.equal((await readGrant(fixture, grant)).state, 'proposed');
    assert.equal((await service.anchor()).transactions, 0, 'not yet stuck');
    service.passTime(60_000);
    assert.equal((await service.anchor()).transactions, 1);
    await fixture.mine();
    assert.equal((await readGrant(fixture, grant)).state, 'accepted');
    assert.equal((await service.recorder.nonces()).latest, 1);
  });

  it('finds every proposal though a stranger’s many stand before it', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    const grant = await propose(fixture, service, dataset);
    await fixture.mine(3);
    // As if a run had died between keeping it and accepting it, behind more than are looked at in a run.
    await service.anchor({ grantRecorder: { ...service.ports.grantRecorder!, simulateAccept: async () => null } });
    const pk = proposedPk(service.relayer.account);
    for (let i = 0; i < 150; i++) {
      await service.table.put({ pk, sk: `0x00${String(i).padStart(62, '0')}`, dataset: dataset.id }, 'any');
    }
    let sent = 0;
    for (let run = 0; run < 20 && sent === 0; run++) sent += (await service.anchor()).transactions;
    assert.equal(sent, 1);
    await fixture.mine();
    assert.equal((await readGrant(fixture, grant)).state, 'accepted');
  });

  it('sends half as many at a time where the chain does not take all of them at once', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const datasets = Array.from({ length: 5 }, () => fixture.openDataset());
    for (const dataset of datasets) await openGrant(fixture, service, dataset, PRICE_WEI);
    for (const dataset of datasets) await service.fill(dataset, 1);
    const through = service.ports.grantRecorder as GrantRecorder;
    const simulateRelay: GrantRecorder['simulateRelay'] = async (call, signal) => {
      if (call.updates.length > 2) throw new ArgumentError('The chain does not take them at once. Send fewer.');
      return through.simulateRelay(call, signal);
    };
    assert.equal((await service.anchor({ grantRecorder: { ...through, simulateRelay } })).transactions, 3);
    await fixture.mine();
    for (const dataset of datasets) await assertRecordedOnce(fixture, dataset);
    assert.equal(await fixture.grants.readCreditWei(service.relayer.account, 'latest'), 5n * PRICE_WEI);
  });

  it('says when its funds run out and when they are back, and counts every run in between', async () => {
    const service = await fixture.service({}, 0n, CLOSED);
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    const errors = () => service.noted.filter(({ level }) => level === 'error').length;
    for (let run = 1; run <= 3; run++) {
      assert.deepEqual(await service.anchor(), { outcome: 'out-of-funds', transactions: 0 });
      assert.equal(count(service, 'Anchor.outOfFunds'), run);
      assert.equal(errors(), 1);
    }
    const back = () => service.noted.filter(({ message }) => message === 'the relayer has funds again').length;
    assert.equal(back(), 0);
    await fixture.fund(service.relayer.account);
    await anchorAndMine(service);
    assert.equal(back(), 1);
    await assertRecordedOnce(fixture, dataset);
  });

  it('records unpaid while nobody can say what is granted', async () => {
    const service = await fixture.service({}, ETHER, CLOSED);
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    const grants = { ...fixture.grants, findProposed: () => Promise.reject(new Error('the node keeps no logs')) };
    assert.equal((await service.anchor({ grants })).transactions, 1);
    assert.equal(count(service, 'Anchor.grantsFailed'), 1);
    await fixture.mine();
    await assertRecordedOnce(fixture, dataset);
  });

  describe('open to any owner', () => {
    it('stores for an unknown owner with an accepted grant, in that dataset, up to the quota', async () => {
      const service = await fixture.service({}, ETHER, OPEN);
      const owner = await fixture.newAccount();
      const [granted, other] = [fixture.openDataset({ owner }), fixture.openDataset({ owner })];
      const quota = (dataset: TestDataset) => quotaOf(service.ports, dataset.id, owner.account);
      const early = seal(granted);
      await service.show(granted);
      await service.store(early);
      assert.equal(await quota(granted), null);
      const [fundedWei, perRecordWei] = [ETHER, ETHER / 100n];
      const grant = await openGrant(fixture, service, granted, fundedWei, { perRecordWei });
      assert.equal(await quota(granted), OPEN.openQuotaBytes);
      assert.equal(await quota(other), null);
      await service.store(early);
      await service.fill(granted, 1);
      await service.fill(other, 1);
      await anchorAndMine(service, 2);
      await assertRecordedOnce(fixture, granted);
      await fixture.assertEmpty(other);
      await assertPaid(fixture, service, grant, { fundedWei, records: 1, perRecordWei });
      // Beyond the quota nothing is taken in.
      const large = seal(granted, 200);
      assert.ok(large.segment.car.length > OPEN.openQuotaBytes);
      await service.store(large);
      assert.equal((await service.anchor()).transactions, 0);
      // Nor when the grant is over.
      await partyOf(fixture, owner).revoke(grant);
      await fixture.rpc.call('evm_increaseTime', [3700]);
      await fixture.mine(3);
      assert.equal(await quota(granted), null);
    });

    it('records nothing that is not paid for, says so once, and goes on when there is fuel', async () => {
      const service = await fixture.service({}, ETHER, OPEN);
      const owner = await fixture.newAccount();
      const dataset = fixture.openDataset({ owner });
      const grant = await openGrant(fixture, service, dataset, 0n, { perRecordWei: ETHER / 100n });
      await service.fill(dataset, 2);
      for (let run = 0; run < 3; run++) assert.equal((await service.anchor()).transactions, 0);
      assert.equal(count(service, 'Anchor.noFuel'), 1);
      assert.match(warnings(service)[0] ?? '', /nothing more is recorded/);
      await partyOf(fixture, owner).fund(grant, ETHER);
      await anchorAndMine(service);
      await assertRecordedOnce(fixture, dataset);
      await assertPaid(fixture, service, grant, { fundedWei: ETHER, records: 1, perRecordWei: ETHER / 100n });
    });

    it('waits while the gas costs more than is paid, and lets nobody ride on what another pays', async () => {
      const service = await fixture.service({}, ETHER, OPEN);
      const [rich, poor] = [await fixture.newAccount(), await fixture.newAccount()];
      const paying = fixture.openDataset({ owner: rich });
      const riding = fixture.openDataset({ owner: poor });
      const richWei = ETHER / 10n;
      const richGrant = await openGrant(fixture, service, paying, ETHER, { perRecordWei: richWei });
      const poorGrant = await openGrant(fixture, service, riding, 10n * PRICE_WEI);
      await fixture.mineAtBaseFee(20);
      await service.fill(paying, 1);
      await service.fill(riding, 1);
      await anchorAndMine(service, 2);
      await assertRecordedOnce(fixture, paying);
      await fixture.assertEmpty(riding);
      assert.equal((await readGrant(fixture, richGrant)).fuelWei, ETHER - richWei);
      assert.equal((await readGrant(fixture, poorGrant)).fuelWei, 10n * PRICE_WEI);
      assert.deepEqual(
        warnings(service).map((message) => message.split(':')[0]),
        ['the gas costs more than the grant pays'],
      );
      assert.equal(await fixture.grants.readCreditWei(service.relayer.account, 'latest'), richWei);
    });

    it('stops storing and recording for an owner whom the operator lets go', async () => {
      const service = await fixture.service({}, ETHER, OPEN);
      const owner = await fixture.newAccount();
      const dataset = fixture.openDataset({ owner });
      await openGrant(fixture, service, dataset, ETHER, { perRecordWei: ETHER / 100n });
      await service.fill(dataset, 1);
      const settings = () => ({ ...service.ports.settings(), grants: { ...OPEN, openQuotaBytes: null } });
      assert.equal((await service.anchor({ settings })).transactions, 0);
      assert.equal(await quotaOf({ ...service.ports, settings }, dataset.id, owner.account), null);
      await anchorAndMine(service);
      await assertRecordedOnce(fixture, dataset);
    });
  });
});
