import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RELAYER_STATE_SK, relayerPk } from '../../functions/state/entries.ts';
import { Death, dyingPorts } from './dying-ports.ts';
import { assertPaid, CLOSED, openGrant, PRICE_WEI, propose, readGrant } from './grant-fixture.ts';
import { assertRecordedOnce, createLogFixture, type LogFixture, type TestService } from './log-fixture.ts';
import { readWork } from './read-work.ts';

const ETHER = 10n ** 18n;
/** Of a batch. */
const BLOCKS = 3;

describe('anchor with grants, killed at any moment', () => {
  let fixture: LogFixture;
  before(async () => {
    fixture = await createLogFixture();
  });
  after(() => fixture.stop());

  const countCalls = async (service: TestService): Promise<number> => {
    const counting = dyingPorts(service.ports, Number.POSITIVE_INFINITY, 'before');
    await service.anchor(counting.ports);
    return counting.calls();
  };
  const dieAt = async (service: TestService, at: number, moment: 'before' | 'after'): Promise<void> => {
    const run = service.anchor(dyingPorts(service.ports, at, moment).ports);
    await run.catch((error: unknown) => assert.ok(error instanceof Death, String(error)));
  };
  const assertClosed = async (service: TestService, at: number): Promise<void> => {
    const work = await readWork(service.table);
    assert.deepEqual(work, [], `killed at call ${at}`);
    const state = await service.table.get(relayerPk(service.relayer.account), RELAYER_STATE_SK);
    assert.equal(state?.open, '[]', `killed at call ${at}`);
  };

  for (const moment of ['before', 'after'] as const) {
    it(`is paid once for every record, whichever call it dies ${moment}`, async () => {
      const service = await fixture.service({}, ETHER, CLOSED);
      const dataset = fixture.openDataset();
      const fundedWei = 1000n * PRICE_WEI;
      const grant = await openGrant(fixture, service, dataset, fundedWei);
      const transactionsBefore = (await service.recorder.nonces()).latest;
      await service.fill(dataset, 1, BLOCKS);
      const sending = await countCalls(service);
      await fixture.mine(3);
      const closing = await countCalls(service);
      assert.ok(sending > 15 && closing > 15, `${sending} and ${closing} calls are too few to be all`);
      for (let at = 0; at < Math.max(sending, closing); at++) {
        await service.fill(dataset, 1, BLOCKS);
        await dieAt(service, at, moment);
        await service.anchor();
        await fixture.mine();
        await fixture.assertRecorded(dataset);
        await fixture.mine(2);
        await dieAt(service, at, moment);
        await service.anchor();
        await service.anchor();
        await assertClosed(service, at);
      }
      await assertRecordedOnce(fixture, dataset);
      const records = dataset.end.size / BLOCKS;
      await assertPaid(fixture, service, grant, { fundedWei, records });
      const { latest } = await service.recorder.nonces();
      assert.equal(latest - transactionsBefore, records, 'no transaction did nothing');
    });

    it(`accepts every proposal once, whichever call it dies ${moment}`, async () => {
      const service = await fixture.service({}, ETHER, CLOSED);
      const datasets = [fixture.openDataset()];
      await propose(fixture, service, datasets[0]!);
      await fixture.mine(3);
      const sending = await countCalls(service);
      await fixture.mine(3);
      await service.anchor();
      assert.ok(sending > 10, `${sending} calls are too few to be all`);
      for (let at = 0; at < sending; at++) {
        const grant = await propose(fixture, service, datasets[0]!);
        await fixture.mine(3);
        await dieAt(service, at, moment);
        await service.anchor();
        await fixture.mine();
        assert.equal((await readGrant(fixture, grant)).state, 'accepted', `killed at call ${at}`);
        await fixture.mine(2);
        await dieAt(service, at, moment);
        await service.anchor();
        await service.anchor();
        await assertClosed(service, at);
      }
      const { latest } = await service.recorder.nonces();
      assert.equal(latest, sending + 1, 'no transaction did nothing');
    });
  }
});
