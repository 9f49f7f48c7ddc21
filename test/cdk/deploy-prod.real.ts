import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { DescribeKeyCommand } from '@aws-sdk/client-kms';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { deployToEmulator } from '../../dev/emulator/deploy-to-emulator.ts';
import { ask, clientOptions, describeDeployed } from './deployed-stack.ts';
import { attributesOf, lookAt } from './look-at.ts';

/* What is left of a stack of prod when somebody deletes it; see deploy.real.ts. */

describe('a stack of prod', () => {
  test('leaves all that holds data behind when it is deleted although it is protected', async () => {
    const looked = await lookAt(await deployToEmulator('prod'));
    const { clients, deployment, stack } = looked;
    const { emulator, stackName } = deployment;
    const { outputs } = stack;
    const cloudFormation = new CloudFormationClient(clientOptions(emulator));
    try {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stackName }));
      assert.equal(Stacks?.[0]?.EnableTerminationProtection, true);
      // In an account that stops it; the emulator goes on, as if somebody had taken the protection away.
      await deployment.destroy();
      await assert.rejects(describeDeployed(emulator, stackName), /does not exist/);
      const { Table } = await clients.dynamodb.send(new DescribeTableCommand({ TableName: outputs.Table }));
      assert.equal(Table?.DeletionProtectionEnabled, true);
      const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId: outputs.RelayerKeyId }));
      assert.equal(KeyMetadata?.KeyState, 'Enabled');
      const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
      assert.equal(Buckets.filter(({ Name }) => Name?.startsWith('plumbline-prod-')).length, 2);
      for (const place of ['IngestSegmentQueue', 'IngestSegmentQueueDeadLetters', 'SegmentRemovedQueueDeadLetters']) {
        assert.equal((await attributesOf(looked, place)).MessageRetentionPeriod, '1209600', place);
      }
      const body = { SecretId: outputs.IpfsTokenSecret };
      await ask(emulator, 'secretsmanager', { target: 'secretsmanager.GetSecretValue', body });
    } finally {
      cloudFormation.destroy();
      await looked.close();
    }
  });
});
