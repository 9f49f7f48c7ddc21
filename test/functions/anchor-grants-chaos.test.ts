import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { ascInterface } from '../../adapters/ethereum/asc-interface.ts';
import type { SealedBatch } from '../../core/batch/seal-batch.ts';
import type { GrantId } from '../../core/ports/grants.ts';
import { RELAYER_STATE_SK, relayerPk } from '../../functions/state/entries.ts';
import { dyingPorts } from './dying-ports.ts';
import { CLOSED, openGrant, PRICE_WEI, partyOf, readGrant } from './grant-fixture.ts';
import {
  assertRecordedOnce,
  createLogFixture,
  type LogFixture,
  recordCallOf,
  type TestDataset,
} from './log-fixture.ts';
import { readWork } from './read-work.ts';

const ETHER = 10n ** 18n;
const STEPS = 40;
const SEEDS = [1, 2];

let fixture: LogFixture;
before(async () => {
  fixture = await createLogFixture();
});
after(() => fixture?.stop());

/** What ASC logged of a grant: fuel in, and for how many records how much was paid. */
async function bookOf(grant: GrantId): Promise<{ fundedWei: bigint; paidWei: bigint; records: number }> {
  const topicOf = (event: string) => ascInterface.getEvent(event)?.topicHash as string;
  const filter = { address: fixture.chain.asc, fromBlock: '0x0', toBlock: 'latest' };
  const events = [topicOf('Funded'), topicOf('Relayed')];
  const logs = (await fixture.rpc.call('eth_getLogs', [{ ...filter, topics: [events, grant] }])) as {
    topics: string[];
    data: string;
  }[];
  const book = { fundedWei: 0n, paidWei: 0n, records: 0 };
  for (const log of logs) {
    const parsed = ascInterface.parseLog(log);
    if (parsed?.name === 'Funded') book.fundedWei += parsed.args.amount;
    else {
      book.paidWei += parsed?.args.paid;
      book.records += 1;
    }
  }
  return book;
}

for (const seed of SEEDS) {
  it(`ends with every block recorded once and every wei in its place, whatever happened (seed ${seed})`, async () => {
    const random = randomFrom(seed);
    const service = await fixture.service({ replaceAfterMs: 60_000 }, 100n * ETHER, CLOSED);
    const device = await fixture.service({}, 100n * ETHER);
    const logs: { dataset: TestDataset; grant: GrantId; batches: SealedBatch[] }[] = [];
    for (let i = 0; i < 3; i++) {
      const dataset = fixture.openDataset();
      logs.push({ dataset, grant: await openGrant(fixture, service, dataset, 3n * PRICE_WEI), batches: [] });
    }
    // Nothing of this is reorganised.
    const blockNumber = async () => (await fixture.ledger.readHeads([], 'latest')).point.blockNumber;
    const setUpAt = await blockNumber();
    const fill = async () => {
      const log = logs[random(logs.length)]!;
      log.batches.push(...(await service.fill(log.dataset, 1 + random(3))));
    };
    const steps: (() => Promise<unknown>)[] = [
      fill,
      fill,
      () => service.anchor(),
      () => Promise.all([service.anchor(), service.anchor(), service.anchor()]),
      () => fixture.mine(),
      () => fixture.mine(),
      () =>
        service
          .anchor(dyingPorts(service.ports, random(60), random(2) === 0 ? 'before' : 'after').ports)
          .catch(() => 0),
      async () => {
        const depth = Math.min(1 + random(4), (await blockNumber()) - setUpAt);
        if (depth === 0) return;
        if (random(2) === 0) await fixture.rpc.call('anvil_rollback', [depth]);
        else await fixture.rpc.call('anvil_reorg', [depth, []]);
      },
      () => partyOf(fixture, fixture.owner).fund(logs[random(logs.length)]!.grant, BigInt(random(4 * 10 ** 9) + 1)),
      async () => service.passTime(60_000),
      async () => {
        const { dataset, batches } = logs[random(logs.length)]!;
        const [head] = (await fixture.ledger.readHeads([dataset.id], 'latest')).heads;
        const recorded = batches.filter(({ end }) => end.size <= (head?.size ?? 0));
        const missing = batches.slice(recorded.length);
        if (missing.length === 0) return;
        const sent = missing.slice(0, 1 + random(missing.length));
        const call = recordCallOf(dataset, sent, recorded.at(-1)?.end);
        const { gas } = await device.recorder.simulate(call);
        const { latest: nonce } = await device.recorder.nonces();
        const transaction = await device.recorder.prepare(call, { nonce, gas: gas + 100_000n });
        await device.recorder.broadcast(transaction).catch(() => undefined);
      },
    ];
    for (let step = 0; step < STEPS; step++) await steps[random(steps.length)]!();

    for (let run = 0; run < 12; run++) {
      service.passTime(30_000);
      await service.anchor();
      await fixture.mine();
    }
    await fixture.mine(3);
    await service.anchor();
    await service.anchor();
    let earnedWei = 0n;
    for (const { dataset, grant } of logs) {
      await assertRecordedOnce(fixture, dataset);
      const { fundedWei, paidWei, records } = await bookOf(grant);
      assert.equal(paidWei, BigInt(records) * PRICE_WEI);
      const { point } = await fixture.ledger.readHeads([], 'latest');
      const recorded = await fixture.ledger.findRecorded(dataset.id, 0, point.blockNumber);
      assert.ok(records <= recorded.length, `paid for ${records} of ${recorded.length} records`);
      assert.equal((await readGrant(fixture, grant)).fuelWei, fundedWei - paidWei);
      earnedWei += paidWei;
    }
    assert.ok(earnedWei > 0n);
    assert.equal(await fixture.grants.readCreditWei(service.relayer.account, 'latest'), earnedWei);
    assert.deepEqual(await readWork(service.table), []);
    const state = await service.table.get(relayerPk(service.relayer.account), RELAYER_STATE_SK);
    assert.equal(state?.open, '[]');
    assert.equal(service.counts.get('Anchor.suspended') ?? 0, 0);
  });
}

/** Numbers that look random and are the same for a seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
