import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AnchorPorts } from '../../functions/anchor/anchor-ports.ts';
import { RELAYER_STATE_SK, relayerPk, WORK_PK } from '../../functions/state/entries.ts';
import { assertRecordedOnce, createLogFixture, type LogFixture, type TestService } from './log-fixture.ts';

/** `before`: the process dies before the call goes out. `after`: the call is done, and its answer never comes back. */
type Moment = 'before' | 'after';

class Death extends Error {}

/** The ports of a process that dies at its call number `at`: that one and every later one fails. */
function dyingPorts(ports: AnchorPorts, at: number, moment: Moment): { ports: AnchorPorts; calls: () => number } {
  let calls = 0;
  const dying = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const method = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...parameters: unknown[]) => {
          const call = calls++;
          if (call > at || (call === at && moment === 'before')) throw new Death(String(name));
          const result = await method.apply(target, parameters);
          if (call === at) throw new Death(String(name));
          return result;
        };
      },
    });
  const { table, ledger, recorder, objects } = ports;
  return {
    ports: {
      ...ports,
      ...{ table: dying(table), ledger: dying(ledger), recorder: dying(recorder), objects: dying(objects) },
    },
    calls: () => calls,
  };
}

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
    it(`records every batch once, whichever call it dies ${moment}`, async () => {
      const service = await fixture.service();
      const dataset = await fixture.openDataset({ published: true });
      await service.fill(dataset, 1);
      const sending = await countCalls(service);
      await fixture.mine(3);
      const closing = await countCalls(service);
      assert.ok(sending > 10 && closing > 10, `${sending} and ${closing} calls are too few to be all`);

      for (let at = 0; at < Math.max(sending, closing); at++) {
        await service.fill(dataset, 1);
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
        const work = await service.table.query(WORK_PK, { from: '0', to: 'z', limit: 9 });
        assert.deepEqual(work.items, [], `killed at call ${at}`);
        const state = await service.table.get(relayerPk(service.recorder.account), RELAYER_STATE_SK);
        assert.equal(state?.open, '[]', `killed at call ${at}`);
      }
      await assertRecordedOnce(fixture, dataset);
      // Nor was a transaction paid for that did nothing.
      const { latest } = await service.recorder.nonces();
      assert.equal(latest, dataset.end.frontier.leaves);
    });
  }
});
