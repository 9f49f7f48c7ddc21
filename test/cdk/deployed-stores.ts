import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { DescribeKeyCommand, ListAliasesCommand } from '@aws-sdk/client-kms';
import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { attributesOf, type Looked } from './look-at.ts';

const run = promisify(execFile);

/** Bucket, queues, table and key, as they were deployed in dev. */
export function storesAreDeployed(looked: () => Looked): void {
  test('keeps segments privately, in versions, encrypted, and tells the queues', async () => {
    const { s3 } = looked().clients;
    const Bucket = looked().stack.outputs.Bucket ?? '';
    const versioning = await s3.send(new GetBucketVersioningCommand({ Bucket }));
    assert.equal(versioning.Status, 'Enabled');
    const block = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    assert.deepEqual(Object.values(block.PublicAccessBlockConfiguration ?? {}), [true, true, true, true]);
    const encryption = await s3.send(new GetBucketEncryptionCommand({ Bucket }));
    const [rule] = encryption.ServerSideEncryptionConfiguration?.Rules ?? [];
    assert.equal(rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm, 'AES256');
    const owner = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    assert.equal(owner.OwnershipControls?.Rules?.[0]?.ObjectOwnership, 'BucketOwnerEnforced');
    const lifecycle = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
    const [kept] = lifecycle.Rules ?? [];
    assert.equal(kept?.NoncurrentVersionExpiration?.NoncurrentDays, 7);
    assert.equal(kept?.Expiration?.Days, undefined);
    const { QueueConfigurations = [] } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    assert.deepEqual(
      QueueConfigurations.map(({ Events, QueueArn }) => `${Events} ${looked().stack.text(QueueArn)}`).sort(),
      [
        's3:LifecycleExpiration:* <SegmentRemovedQueue/Queue.Arn>',
        's3:ObjectCreated:* <IngestSegmentQueue/Queue.Arn>',
        's3:ObjectRemoved:* <SegmentRemovedQueue/Queue.Arn>',
      ],
    );
    const { Policy = '' } = await s3.send(new GetBucketPolicyCommand({ Bucket }));
    const statements = JSON.parse(Policy).Statement as { Effect: string; Action: string; Condition: object }[];
    assert.deepEqual(
      statements.map(({ Effect, Action, Condition }) => `${Effect} ${Action} ${Object.keys(Condition).sort()}`),
      ['Deny s3:* Bool', 'Deny s3:* NumericLessThan', 'Deny s3:PutObject Bool,Null'],
    );
  });

  test('has queues with dead letters, which only S3, the clock and the functions reach', async () => {
    const expected: Readonly<Record<string, readonly string[]>> = {
      IngestSegmentQueue: ['174', '5', 's3.amazonaws.com arn:aws:s3:::plumbline-dev-*'],
      SegmentRemovedQueue: ['174', '5', 's3.amazonaws.com arn:aws:s3:::plumbline-dev-*'],
      AnchorQueue: ['58', '3', 'events.amazonaws.com <AnchorClock.Arn>'],
      ReconcileSegmentsQueue: ['58', '3', 'events.amazonaws.com <ReconcileSegmentsClock.Arn>'],
    };
    const urls = looked().stack.idsOf('AWS::SQS::Queue');
    assert.equal(urls.length, 8);
    for (const [place, [visible, receives, sender]] of Object.entries(expected)) {
      const attributes = await attributesOf(looked(), place);
      assert.equal(attributes.SqsManagedSseEnabled, 'true', place);
      assert.equal(attributes.VisibilityTimeout, visible, place);
      const redrive = JSON.parse(attributes.RedrivePolicy ?? '{}');
      assert.equal(String(redrive.maxReceiveCount), receives, place);
      assert.equal(looked().stack.text(redrive.deadLetterTargetArn), `<${place}/DeadLetters.Arn>`);
      assert.equal(attributes.FifoQueue, receives === '3' ? 'true' : undefined, place);
      const allowed = JSON.parse(attributes.Policy ?? '{}').Statement.filter((one: { Effect: string }) => {
        return one.Effect === 'Allow';
      });
      assert.deepEqual(
        allowed.map(
          (one: { Principal: { Service: string }; Condition: { ArnLike: Record<string, string> } }) =>
            `${one.Principal.Service} ${looked().stack.text(one.Condition.ArnLike['aws:SourceArn'])}`,
        ),
        [sender],
      );
    }
  });

  test('has a table that can be recovered and forgets what has expired', async () => {
    const TableName = looked().stack.outputs.Table ?? '';
    const { Table } = await looked().clients.dynamodb.send(new DescribeTableCommand({ TableName }));
    assert.equal(Table?.BillingModeSummary?.BillingMode, 'PAY_PER_REQUEST');
    assert.equal(Table?.SSEDescription?.Status, 'ENABLED');
    assert.deepEqual(
      Table?.KeySchema?.map(({ AttributeName }) => AttributeName),
      ['pk', 'sk'],
    );
    const { TimeToLiveDescription } = await looked().clients.dynamodb.send(
      new DescribeTimeToLiveCommand({ TableName }),
    );
    assert.deepEqual(TimeToLiveDescription, { AttributeName: 'expiresAtS', TimeToLiveStatus: 'ENABLED' });
    const backups = await looked().clients.dynamodb.send(new DescribeContinuousBackupsCommand({ TableName }));
    const { PointInTimeRecoveryDescription } = backups.ContinuousBackupsDescription ?? {};
    assert.equal(PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus, 'ENABLED');
  });

  test('has a key of the chain’s curve, under its alias, whose account the operator can be told', async () => {
    const KeyId = looked().stack.outputs.RelayerKeyId ?? '';
    const { KeyMetadata } = await looked().clients.kms.send(new DescribeKeyCommand({ KeyId }));
    assert.equal(KeyMetadata?.KeySpec, 'ECC_SECG_P256K1');
    assert.equal(KeyMetadata?.KeyUsage, 'SIGN_VERIFY');
    const { Aliases = [] } = await looked().clients.kms.send(new ListAliasesCommand({ KeyId }));
    assert.deepEqual(
      Aliases.map(({ AliasName }) => AliasName),
      ['alias/plumbline-dev-relayer'],
    );
    const plumb = join(import.meta.dirname, '..', '..', 'cli', 'plumb.ts');
    const parameters = [plumb, 'contracts', 'account', '--kms', KeyId];
    const { stdout } = await run(process.execPath, parameters, { env: { ...looked().deployment.emulator.env } });
    assert.match(stdout, /^0x[0-9a-fA-F]{40}\n$/);
  });
}
