import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import type { LogRoot } from '../../core/ids.ts';
import { growPeaks } from '../../core/log/growth.ts';
import { signHead } from '../../core/log/head.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import { appendedSubtrees } from '../../core/log/subtrees.ts';
import { proveRecords } from '../../core/protocols/prove-records.ts';
import { getRecords } from '../../functions/get-records.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import {
  assertRecordedOnce,
  createLogFixture,
  type LogFixture,
  seal,
  type TestDataset,
  type TestService,
} from './log-fixture.ts';

/* A thief has the device's file, and records what nobody has. All that is left goes on to be recorded and proven. */

describe('anchor, behind a head of a thief', () => {
  let fixture: LogFixture;
  before(async () => {
    fixture = await createLogFixture();
  });
  after(() => fixture.stop());

  /** Records `blocks` blocks of which nobody has anything, in the name of the dataset's device. */
  const recordJunk = async (thief: TestService, dataset: TestDataset, blocks: number): Promise<void> => {
    const before = dataset.end;
    const size = before.size + blocks;
    const appended = appendedSubtrees(before.size, size).map(() => nodePrimitives.randomBytes(32));
    const end = growPeaks(nodePrimitives, before, size, appended);
    const head = { dataset: dataset.id, size, root: rootOfPeaks(nodePrimitives, end) as LogRoot };
    const signature = signHead(fixture.ledger.domain, head, dataset.writer.deviceKey);
    const call = {
      charters: [dataset.first],
      updates: [{ ...head, signature, peaks: before.peaks, appended }],
    };
    const { accepted, gas } = await thief.recorder.simulate(call);
    assert.deepEqual(accepted, [true]);
    const { latest: nonce } = await thief.recorder.nonces();
    await thief.recorder.broadcast(await thief.recorder.prepare(call, { nonce, gas: gas + 100_000n }));
    await fixture.mine();
    dataset.end = end;
  };
  /** Blocks that storage can prove under what the chain has recorded. */
  const provable = async (service: TestService, dataset: TestDataset, blocks: readonly number[]): Promise<number[]> => {
    const { heads } = await fixture.ledger.readHeads([dataset.id], 'latest');
    const records = {
      getRecords: (_: unknown, wanted: readonly number[], size: number) =>
        getRecords(service.ports, { dataset: dataset.id, blocks: wanted, size }),
    };
    const { proven, broken } = await proveRecords({ hasher: nodePrimitives, records }, [heads[0]!], blocks);
    assert.deepEqual(broken, []);
    return proven.map(({ index }) => index).sort((a, b) => a - b);
  };
  const anchorAndMine = async (service: TestService, runs: number): Promise<void> => {
    for (let run = 0; run < runs; run++) {
      await service.anchor();
      await fixture.mine();
    }
  };

  for (const junk of [1, 5, 300, 2 ** 28]) {
    for (const replaced of [false, true]) {
      const who = replaced ? 'the device that replaces the stolen one' : 'the device';
      it(`${who} goes on behind ${junk} blocks that nobody has, and all others stay provable`, async () => {
        const service = await fixture.service();
        const thief = await fixture.service();
        const dataset = fixture.openDataset();
        await service.fill(dataset, 2);
        await anchorAndMine(service, 1);
        await recordJunk(thief, dataset, junk);
        if (replaced) await fixture.replaceDevice(dataset);
        const first = dataset.end.size;
        // Until it is final, what nobody has may still be on its way.
        await service.anchor();
        await fixture.mine(3);
        await service.fill(dataset, 2);
        await anchorAndMine(service, 3);
        await assertRecordedOnce(fixture, dataset);
        const own = [0, 1, 2, 3, 4, 5, ...[0, 1, 2, 3, 4, 5].map((i) => first + i)];
        assert.deepEqual(await provable(service, dataset, [...own, first - 1]), own, 'the junk alone is not');
        assert.equal((await readDatasetEntry(service.table, dataset.id)).suspendedAtSize, undefined);
        await fixture.mine(3);
        await service.anchor();
        await service.fill(dataset, 1);
        await anchorAndMine(service, 1);
        await assertRecordedOnce(fixture, dataset);
      });
    }
  }

  it('what was stored and not recorded when the thief came is sealed again behind the junk, and recorded', async () => {
    const service = await fixture.service();
    const thief = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    await anchorAndMine(service, 1);
    const recorded = dataset.end;
    const stored = await service.fill(dataset, 3);
    dataset.end = recorded;
    await recordJunk(thief, dataset, 4);
    await fixture.mine(3);
    assert.equal((await service.anchor()).transactions, 0, 'they are rivals of what is final');
    for (let batch = 0; batch < stored.length; batch++) await service.store(seal(dataset, 3, 1));
    await anchorAndMine(service, 2);
    await assertRecordedOnce(fixture, dataset);
    assert.deepEqual(await provable(service, dataset, [0, 1, 2, 7, 8, 15]), [0, 1, 2, 7, 8, 15]);
  });

  it('a thief who records again and again stops nobody for longer than until it is final', async () => {
    const service = await fixture.service();
    const thief = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    await anchorAndMine(service, 1);
    for (let round = 0; round < 4; round++) {
      await recordJunk(thief, dataset, 3 + round);
      await fixture.mine(3);
      await service.anchor();
    }
    await fixture.replaceDevice(dataset);
    await service.fill(dataset, 1);
    await anchorAndMine(service, 2);
    await assertRecordedOnce(fixture, dataset);
    const last = dataset.end.size - 1;
    assert.deepEqual(await provable(service, dataset, [0, 1, 2, 4, last]), [0, 1, 2, last]);
  });
});
