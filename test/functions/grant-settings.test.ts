import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { handlerFor } from '../../functions/anchor.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { handler } from '../../lambda/anchor.ts';
import { kmsForTest } from './kms-for-test.ts';
import { RPC_SECRET, secretsForTest } from './secrets-for-test.ts';

const ENV = {
  AWS_REGION: 'eu-central-1',
  PLUMBLINE_RPC_SECRET: RPC_SECRET,
  PLUMBLINE_CHAIN_ID: '1',
  PLUMBLINE_DISSC: `0x${'ab'.repeat(20)}`,
  PLUMBLINE_ASC: `0x${'a5'.repeat(20)}`,
  PLUMBLINE_BUCKET: 'segments',
  PLUMBLINE_TABLE: 'plumbline',
  PLUMBLINE_AUTHORITIES: 'api.example',
};
const silent = createLineObserver(() => undefined);

/** The environment, with a key in KMS that records. */
const withKms = async (t: TestContext) => ({
  ...ENV,
  ...(await secretsForTest(t)).env,
  PLUMBLINE_RELAYER_KEY_ID: await kmsForTest(t),
});

describe('what the operator says of grants and cadence', () => {
  test('is nothing by default: every batch at once, no owner but those named', async (t) => {
    const settings = (await handler.openPorts(await withKms(t), silent)).settings();
    assert.deepEqual(settings.grants, { minPerRecordWei: 0n, openQuotaBytes: null });
    assert.equal(settings.recordEveryMs, 0);
    assert.equal(settings.fromBlock, 0);
  });

  test('comes from the environment', async (t) => {
    const ports = await handler.openPorts(
      {
        ...(await withKms(t)),
        PLUMBLINE_RECORD_EVERY_MS: '600000',
        PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI: '123456789012345678901',
        PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES: '5000',
        PLUMBLINE_FROM_BLOCK: '23000000',
      },
      silent,
    );
    const settings = ports.settings();
    assert.deepEqual(settings.grants, { minPerRecordWei: 123_456_789_012_345_678_901n, openQuotaBytes: 5000 });
    assert.equal(settings.recordEveryMs, 600_000);
    assert.equal(settings.fromBlock, 23_000_000);
  });

  for (const name of [
    'PLUMBLINE_RECORD_EVERY_MS',
    'PLUMBLINE_GRANTS_MIN_PER_RECORD_WEI',
    'PLUMBLINE_GRANTS_OPEN_QUOTA_BYTES',
    'PLUMBLINE_FROM_BLOCK',
  ]) {
    test(`${name} is a whole number or absent: an empty one opens nothing`, async (t) => {
      const env = await withKms(t);
      for (const value of ['', '-1', '1.5', '0x10', 'none']) {
        await assert.rejects(handler.openPorts({ ...env, [name]: value }, silent), new RegExp(name));
      }
    });
  }

  test('one account in KMS records and is repaid; two are refused', async (t) => {
    const ports = await handler.openPorts(await withKms(t), silent);
    assert.equal(ports.grantRecorder?.account, ports.recorder?.account);
    assert.ok(handlerFor(ports));
    const grantRecorder = { ...ports.grantRecorder!, account: ports.ledger.domain.dissc };
    assert.throws(() => handlerFor({ ...ports, grantRecorder }), /One account records and is repaid/);
  });
});
