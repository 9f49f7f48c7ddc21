import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { changeDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { createLogFixture, type LogFixture } from './log-fixture.ts';

/* What the operator's alarms of lag and balance hang on. */

describe('what the anchor counts', () => {
  let fixture: LogFixture;
  before(async () => {
    fixture = await createLogFixture();
  });
  after(() => fixture.stop());

  it('how long the oldest batch that is not final has been stored, whether or not it was sent', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    service.passTime(60_000);
    await service.fill(dataset, 1);
    service.passTime(30_000);
    await service.anchor();
    assert.equal(service.counts.get('Anchor.lagSeconds'), 90);
    service.passTime(10_000);
    await service.anchor();
    assert.equal(service.counts.get('Anchor.lagSeconds'), 90 + 100, 'under way is not final');
    await fixture.mine(3);
    await service.anchor();
    assert.equal(service.counts.get('Anchor.lagSeconds'), 90 + 100, 'final is not late');
  });

  it('no lag of a device that records by itself', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    await changeDatasetEntry(service.table, dataset.id, (entry) => ({ ...entry, direct: true }));
    await service.anchor();
    assert.equal(service.counts.get('Anchor.lagSeconds'), undefined);
  });

  it('the relayer’s balance before each transaction, in gwei', async () => {
    const service = await fixture.service();
    const dataset = fixture.openDataset();
    await service.fill(dataset, 1);
    const balanceWei = await service.recorder.balanceWei();
    await service.anchor();
    assert.equal(service.counts.get('Anchor.balanceGwei'), Number(balanceWei / 10n ** 9n));
    await fixture.mine();
  });
});
