import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RELAYER_STATE_SK, relayerPk } from '../../functions/state/entries.ts';
import { Death, dyingPorts } from './dying-ports.ts';
import { assertRecordedOnce, createLogFixture, type LogFixture, type TestService } from './log-fixture.ts';
import { readWork } from './read-work.ts';

/** Of a batch. */
const BLOCKS = 3;

describe('anchor, killed at any moment', () => {
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

  for (const moment of ['before', 'after'] as const) {
    it(`records every head once, whichever call it dies ${moment}`, async () => {
      const service = await fixture.service();
      const dataset = fixture.openDataset();
      await service.fill(dataset, 1, BLOCKS);
      const sending = await countCalls(service);
      await fixture.mine(3);
      const closing = await countCalls(service);
      assert.ok(sending > 10 && closing > 10, `${sending} and ${closing} calls are too few to be all`);

      for (let at = 0; at < Math.max(sending, closing); at++) {
        await service.fill(dataset, 1, BLOCKS);
        const dies = () => service.anchor(dyingPorts(service.ports, at, moment).ports);
        await dies().catch((error: unknown) => assert.ok(error instanceof Death, String(error)));
        await service.anchor();
        await fixture.mine();
        await fixture.assertRecorded(dataset);
        // The same in the run that finds it final.
        await fixture.mine(2);
        await dies().catch((error: unknown) => assert.ok(error instanceof Death, String(error)));
        await service.anchor();
        await service.anchor();
        const work = await readWork(service.table);
        assert.deepEqual(work, [], `killed at call ${at}`);
        const state = await service.table.get(relayerPk(service.recorder.account), RELAYER_STATE_SK);
        assert.equal(state?.open, '[]', `killed at call ${at}`);
      }
      await assertRecordedOnce(fixture, dataset);
      // Nor was a transaction paid for that did nothing.
      const { latest } = await service.recorder.nonces();
      assert.equal(latest, dataset.end.size / BLOCKS);
    });
  }
});
