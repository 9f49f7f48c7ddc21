import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  ApiGatewayV2Client,
  GetIntegrationsCommand,
  GetRoutesCommand,
  GetStageCommand,
} from '@aws-sdk/client-apigatewayv2';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { GetRolePolicyCommand, IAMClient, ListAttachedRolePoliciesCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import {
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  InvokeCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import {
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { createKmsSigner } from '../../adapters/kms/kms-signer.ts';
import { KeyError } from '../../core/errors.ts';
import { functionRows, httpRows } from '../../functions/table.ts';
import { type Deployment, deployToEmulator } from '../../scripts/cdk/deploy-to-emulator.ts';
import { EMULATED_CREDENTIALS, EMULATED_REGION } from '../../scripts/cdk/start-emulator.ts';
import { findProgram } from '../../scripts/real/find-program.ts';
import { ask, clientOptions, type DeployedStack, describeDeployed } from './deployed-stack.ts';
import { placeOf, RIGHTS, rightsIn } from './function-rights.ts';
import type { Resource } from './synth-stack.ts';

/*
 * `cdk deploy` and `cdk destroy` for real, against an emulator of CloudFormation (moto 5.2.5 with scripts/cdk/emulator),
 * and what was deployed looked at through the services' interfaces. Needs Python 3:
 *
 *   node --test test/cdk/deploy.real.ts
 */

const run = promisify(execFile);

let deployment: Deployment;
let stack: DeployedStack;
let template: Readonly<Record<string, Resource>>;
let clients: ReturnType<typeof openClients>;

before(
  async () => {
    deployment = await deployToEmulator('dev');
    stack = await describeDeployed(deployment.emulator, deployment.stackName);
    const file = join(deployment.outdir, 'cdk.out', `${deployment.stackName}.template.json`);
    template = JSON.parse(await readFile(file, 'utf8')).Resources;
    clients = openClients();
  },
  { timeout: 15 * 60_000 },
);
after(async () => {
  for (const client of Object.values(clients ?? {})) client.destroy();
  await deployment?.close();
});

function openClients() {
  const options = clientOptions(deployment.emulator);
  return {
    lambda: new LambdaClient(options),
    iam: new IAMClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sqs: new SQSClient({ ...options, useQueueUrlAsEndpoint: false }),
    dynamodb: new DynamoDBClient(options),
    kms: new KMSClient(options),
    gateway: new ApiGatewayV2Client(options),
  };
}

describe('the deployed stack', () => {
  test('has every resource of the template: the emulator has skipped none', () => {
    const typesOf = (entries: Iterable<[string, string]>) => [...entries].sort();
    assert.deepEqual(
      typesOf([...stack.resources].map(([id, { type }]) => [id, type])),
      typesOf(Object.entries(template).map(([id, { Type }]) => [id, Type])),
    );
  });

  test('has 15 functions, at their limits, with code that is there', async () => {
    assert.equal(stack.idsOf('AWS::Lambda::Function').length, 15);
    for (const { name, limits } of functionRows) {
      const found = await clients.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: `plumbline-dev-${name}` }),
      );
      assert.equal(found.Runtime, 'nodejs24.x');
      assert.deepEqual(found.Architectures, ['arm64']);
      assert.equal(found.Handler, `${name}.handler`);
      assert.equal(found.MemorySize, limits.memoryMb);
      assert.equal((found.Timeout ?? 0) * 1_000, limits.timeoutMs);
      assert.equal(found.TracingConfig?.Mode, 'Active');
      assert.ok((found.CodeSize ?? 0) > 500_000, 'the bundle, not a stub');
      assert.equal(found.Environment?.Variables?.PLUMBLINE_BUCKET, stack.outputs.Bucket);
      assert.equal(found.Environment?.Variables?.PLUMBLINE_TABLE, stack.outputs.Table);
      const host = new URL(stack.outputs.ApiUrl ?? '').host;
      assert.equal(found.Environment?.Variables?.PLUMBLINE_AUTHORITIES, `${host},api.example`);
    }
  });

  test('gives each function its rights and no more', async () => {
    for (const { name } of functionRows) {
      const [, role] = [...stack.resources].find(
        ([id, { type }]) => type === 'AWS::IAM::Role' && id.startsWith(`${placeOf(name)}Role`),
      ) ?? ['', { id: '' }];
      const { PolicyDocument } = await clients.iam.send(
        new GetRolePolicyCommand({ RoleName: role.id, PolicyName: 'table' }),
      );
      const document = JSON.parse(decodeURIComponent(PolicyDocument ?? ''));
      assert.deepEqual(rightsIn(document, stack.text), RIGHTS[name], name);
      const { AttachedPolicies } = await clients.iam.send(new ListAttachedRolePoliciesCommand({ RoleName: role.id }));
      assert.deepEqual(AttachedPolicies, []);
    }
  });

  test('lets the API invoke each function from its own path, and nobody else', async () => {
    for (const { name, trigger } of functionRows) {
      const look = clients.lambda.send(new GetPolicyCommand({ FunctionName: `plumbline-dev-${name}` }));
      if (trigger.kind !== 'http') {
        await assert.rejects(look, { name: 'ResourceNotFoundException' }, name);
        continue;
      }
      const statements = JSON.parse((await look).Policy ?? '{}').Statement;
      assert.equal(statements.length, 1, name);
      assert.deepEqual(statements[0].Principal, { Service: 'apigateway.amazonaws.com' });
      assert.ok(Object.values(statements[0].Condition.ArnLike).join().endsWith(`/*/*${trigger.path}`), name);
    }
  });

  test('feeds three functions from their queues', async () => {
    const { EventSourceMappings = [] } = await clients.lambda.send(new ListEventSourceMappingsCommand({}));
    const shown = EventSourceMappings.map((one) => [
      one.FunctionArn?.split(':').at(-1),
      stack.text(one.EventSourceArn),
      one.BatchSize,
      one.FunctionResponseTypes ?? [],
    ]);
    assert.deepEqual(shown.sort(), [
      ['plumbline-dev-anchor', '<AnchorQueue/Queue.Arn>', 10, []],
      ['plumbline-dev-ingest-segment', '<IngestSegmentQueue/Queue.Arn>', 5, ['ReportBatchItemFailures']],
      ['plumbline-dev-segment-removed', '<SegmentRemovedQueue/Queue.Arn>', 5, ['ReportBatchItemFailures']],
    ]);
  });

  test('answers the routes of the table, each with its function', async () => {
    const ApiId = new URL(stack.outputs.ApiUrl ?? '').host.split('.')[0] as string;
    const { Items: routes = [] } = await clients.gateway.send(new GetRoutesCommand({ ApiId }));
    const { Items: integrations = [] } = await clients.gateway.send(new GetIntegrationsCommand({ ApiId }));
    const shown = routes.map(({ RouteKey, Target }) => {
      const to = integrations.find(({ IntegrationId }) => Target === `integrations/${IntegrationId}`);
      return `${RouteKey} -> ${to?.IntegrationUri?.split(':').at(-1)} ${to?.PayloadFormatVersion}`;
    });
    const expected = Object.values(httpRows).map(
      ({ name, trigger }) => `${trigger.method} ${trigger.path} -> plumbline-dev-${name} 2.0`,
    );
    assert.deepEqual(shown.sort(), expected.sort());
    const stage = await clients.gateway.send(new GetStageCommand({ ApiId, StageName: '$default' }));
    assert.equal(stage.AutoDeploy, true);
    assert.match(stage.AccessLogSettings?.DestinationArn ?? '', /log-group:Plumbline-dev-ApiAccessLogs/);
    assert.equal(stage.DefaultRouteSettings?.ThrottlingRateLimit, 50);
    assert.equal(stage.DefaultRouteSettings?.ThrottlingBurstLimit, 100);
  });

  test('keeps segments privately, in versions, encrypted, and tells the queues', async () => {
    const { s3 } = clients;
    const Bucket = stack.outputs.Bucket ?? '';
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
    assert.deepEqual(QueueConfigurations.map(({ Events, QueueArn }) => `${Events} ${stack.text(QueueArn)}`).sort(), [
      's3:LifecycleExpiration:* <SegmentRemovedQueue/Queue.Arn>',
      's3:ObjectCreated:* <IngestSegmentQueue/Queue.Arn>',
      's3:ObjectRemoved:* <SegmentRemovedQueue/Queue.Arn>',
    ]);
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
    };
    const urls = stack.idsOf('AWS::SQS::Queue');
    assert.equal(urls.length, 6);
    for (const [place, [visible, receives, sender]] of Object.entries(expected)) {
      const attributes = await attributesOf(place);
      assert.equal(attributes.SqsManagedSseEnabled, 'true', place);
      assert.equal(attributes.VisibilityTimeout, visible, place);
      const redrive = JSON.parse(attributes.RedrivePolicy ?? '{}');
      assert.equal(String(redrive.maxReceiveCount), receives, place);
      assert.equal(stack.text(redrive.deadLetterTargetArn), `<${place}/DeadLetters.Arn>`);
      assert.equal(attributes.FifoQueue, place === 'AnchorQueue' ? 'true' : undefined, place);
      const allowed = JSON.parse(attributes.Policy ?? '{}').Statement.filter((one: { Effect: string }) => {
        return one.Effect === 'Allow';
      });
      assert.deepEqual(
        allowed.map(
          (one: { Principal: { Service: string }; Condition: { ArnLike: Record<string, string> } }) =>
            `${one.Principal.Service} ${stack.text(one.Condition.ArnLike['aws:SourceArn'])}`,
        ),
        [sender],
      );
    }
  });

  test('has a table that can be recovered and forgets what has expired', async () => {
    const TableName = stack.outputs.Table ?? '';
    const { Table } = await clients.dynamodb.send(new DescribeTableCommand({ TableName }));
    assert.equal(Table?.BillingModeSummary?.BillingMode, 'PAY_PER_REQUEST');
    assert.equal(Table?.SSEDescription?.Status, 'ENABLED');
    assert.deepEqual(
      Table?.KeySchema?.map(({ AttributeName }) => AttributeName),
      ['pk', 'sk'],
    );
    const { TimeToLiveDescription } = await clients.dynamodb.send(new DescribeTimeToLiveCommand({ TableName }));
    assert.deepEqual(TimeToLiveDescription, { AttributeName: 'expiresAtS', TimeToLiveStatus: 'ENABLED' });
    const backups = await clients.dynamodb.send(new DescribeContinuousBackupsCommand({ TableName }));
    const { PointInTimeRecoveryDescription } = backups.ContinuousBackupsDescription ?? {};
    assert.equal(PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus, 'ENABLED');
  });

  test('has a key of the chain’s curve, under its alias, whose account the operator can be told', async () => {
    const KeyId = stack.outputs.RelayerKeyId ?? '';
    const { KeyMetadata } = await clients.kms.send(new DescribeKeyCommand({ KeyId }));
    assert.equal(KeyMetadata?.KeySpec, 'ECC_SECG_P256K1');
    assert.equal(KeyMetadata?.KeyUsage, 'SIGN_VERIFY');
    const { Aliases = [] } = await clients.kms.send(new ListAliasesCommand({ KeyId }));
    assert.deepEqual(
      Aliases.map(({ AliasName }) => AliasName),
      ['alias/plumbline-dev-relayer'],
    );
    const script = join(import.meta.dirname, '..', '..', 'scripts', 'cdk', 'show-relayer.ts');
    const { stdout } = await run(process.execPath, [script, KeyId], { env: { ...deployment.emulator.env } });
    assert.match(stdout, /^0x[0-9a-fA-F]{40}\n$/);
  });

  test('has its alarms, a topic under its own key, filters, a dashboard, a clock and a token', async () => {
    const { emulator } = deployment;
    const alarms = await ask(emulator, 'monitoring', 'Action=DescribeAlarms&Version=2010-08-01');
    assert.equal([...alarms.matchAll(/<AlarmName>plumbline-dev-/g)].length, 20);
    assert.equal([...alarms.matchAll(/<TreatMissingData>breaching</g)].length, 1);
    const topic = `Action=GetTopicAttributes&Version=2010-03-31&TopicArn=${stack.outputs.AlarmTopic}`;
    assert.match(await ask(emulator, 'sns', topic), /KmsMasterKeyId/);
    const subscriptions = await ask(emulator, 'sns', 'Action=ListSubscriptions&Version=2010-03-31');
    assert.match(subscriptions, /operator@plumbline\.example/);
    const filters = await ask(emulator, 'logs', { target: 'Logs_20140328.DescribeMetricFilters' });
    assert.equal(JSON.parse(filters).metricFilters.length, 45);
    const groups = JSON.parse(await ask(emulator, 'logs', { target: 'Logs_20140328.DescribeLogGroups' })).logGroups;
    assert.deepEqual([...new Set(groups.map((one: { retentionInDays: number }) => one.retentionInDays))], [30]);
    const dashboards = await ask(emulator, 'monitoring', 'Action=ListDashboards&Version=2010-08-01');
    assert.match(dashboards, /<DashboardName>plumbline-dev</);
    const [Rule] = stack.idsOf('AWS::Events::Rule');
    const targets = await ask(emulator, 'events', { target: 'AWSEvents.ListTargetsByRule', body: { Rule } });
    const [target] = JSON.parse(targets).Targets;
    assert.equal(stack.text(target.Arn), '<AnchorQueue/Queue.Arn>');
    assert.deepEqual(target.SqsParameters, { MessageGroupId: 'anchor' });
    const SecretId = stack.outputs.IpfsTokenSecret;
    const token = await ask(emulator, 'secretsmanager', {
      target: 'secretsmanager.GetSecretValue',
      body: { SecretId },
    });
    assert.match(JSON.parse(token).SecretString, /^[A-Za-z0-9]{48}$/);
  });

  test('hands the event of a stored object to the queue of ingest-segment', async () => {
    const { EventSourceMappings = [] } = await clients.lambda.send(new ListEventSourceMappingsCommand({}));
    // Else the emulated poller takes it away.
    for (const { UUID } of EventSourceMappings) {
      await clients.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    }
    await clients.s3.send(new PutObjectCommand({ Bucket: stack.outputs.Bucket, Key: 'a segment', Body: 'bytes' }));
    assert.deepEqual(await keysTold('IngestSegmentQueue'), ['a+segment']);
  });

  test('has functions whose code, with the environment they were given, finds the table, the bucket and the token', async () => {
    const dataset = `0x${'00'.repeat(32)}`;
    const asked = await runDeployed('get-records', {
      ...requestTo('POST', `/v1/datasets/${dataset}/records`),
      body: JSON.stringify({ blocks: [0], batches: 1 }),
    });
    // 503 when the table cannot be reached. What is there: a public answer that no stored batch has the block.
    assert.equal(asked.statusCode, 200, asked.body);
    assert.match(Buffer.from(asked.body, 'base64').toString(), /No stored batch of the log has this block/);
    const event = { s3: { object: { key: 'a+segment' } } };
    const ingested = await runDeployed('ingest-segment', {
      Records: [{ messageId: 'one', body: JSON.stringify({ Records: [event] }) }],
    });
    assert.deepEqual(ingested, { batchItemFailures: [] });
    // It does not get so far when the token of Kubo cannot be read.
    const unsigned = await runDeployed('publish-segment', requestTo('POST', `/v1/datasets/${dataset}/segments/0/ipfs`));
    assert.equal(unsigned.statusCode, 401, unsigned.body);
  });

  test('passes cfn-lint, but for dependencies that the CDK names twice', async () => {
    const file = join(deployment.outdir, 'cdk.out', `${deployment.stackName}.template.json`);
    const lint = 'import sys; from cfnlint.runner import main; sys.exit(main())';
    const { stdout } = await run(findProgram('moto'), ['-c', lint, '--ignore-checks', 'W3005', '--', file]);
    assert.equal(stdout, '');
  });
});

/*
 * What the emulator cannot do, so that nobody takes it for shown: each is tried, and fails as it did when this was written.
 * When one of them begins to work, its line here fails, and a better test can take its place.
 */
const CANNOT: Readonly<Record<string, () => Promise<void>>> = {
  'refuse what the policy of the bucket denies: a plaintext PUT over an object that is there': async () => {
    const put = () => new PutObjectCommand({ Bucket: stack.outputs.Bucket, Key: 'overwritten', Body: 'bytes' });
    await clients.s3.send(put());
    await clients.s3.send(put());
  },
  'refuse anybody anything for lack of rights': async () => {
    const credentials = { accessKeyId: 'nobody', secretAccessKey: 'nothing' };
    const stranger = new DynamoDBClient({ ...clientOptions(deployment.emulator), credentials });
    await stranger.send(new ScanCommand({ TableName: stack.outputs.Table }));
    stranger.destroy();
  },
  'run a function: an invocation answers without it': async () => {
    const { Payload } = await clients.lambda.send(new InvokeCommand({ FunctionName: 'plumbline-dev-get-openapi' }));
    assert.doesNotMatch(Buffer.from(Payload ?? []).toString(), /statusCode/);
  },
  'answer a request to the API': async () => {
    const answer = await fetch(`${deployment.emulator.endpoint}/v1/openapi.json`);
    await answer.body?.cancel();
    assert.notEqual(answer.status, 200);
  },
  'send the event of a removed object': async () => {
    await clients.s3.send(new DeleteObjectCommand({ Bucket: stack.outputs.Bucket, Key: 'overwritten' }));
    assert.deepEqual(await keysTold('SegmentRemovedQueue'), []);
  },
  'keep the bucket’s access logs': async () => {
    const { LoggingEnabled } = await clients.s3.send(new GetBucketLoggingCommand({ Bucket: stack.outputs.Bucket }));
    assert.equal(LoggingEnabled, undefined);
  },
  'name the log group of a function': async () => {
    const found = await clients.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: 'plumbline-dev-anchor' }),
    );
    assert.equal(found.LoggingConfig?.LogGroup, undefined);
  },
  'sign a digest as KMS does: it hashes it once more': async () => {
    const options = { ...clientOptions(deployment.emulator), credentials: EMULATED_CREDENTIALS };
    const signer = await createKmsSigner({
      ...options,
      region: EMULATED_REGION,
      keyId: stack.outputs.RelayerKeyId ?? '',
    });
    await assert.rejects(signer.signHash(new Uint8Array(32).fill(7)), KeyError);
    signer.close();
  },
};

describe('the emulator cannot', () => {
  for (const [what, show] of Object.entries(CANNOT)) test(what, show);
});

describe('destroyed', () => {
  test('nothing of the stack is left', async () => {
    // As in an account: a bucket that has objects is not deleted. Its operator empties it.
    const Bucket = stack.outputs.Bucket;
    const { Versions = [], DeleteMarkers = [] } = await clients.s3.send(new ListObjectVersionsCommand({ Bucket }));
    for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) {
      await clients.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    }
    await deployment.destroy();
    await assert.rejects(describeDeployed(deployment.emulator, deployment.stackName), /does not exist/);
    const { Buckets = [] } = await clients.s3.send(new ListBucketsCommand({}));
    assert.deepEqual(
      Buckets.filter(({ Name }) => Name?.startsWith('plumbline')),
      [],
    );
    for (const { name } of functionRows) {
      const look = new GetFunctionConfigurationCommand({ FunctionName: `plumbline-dev-${name}` });
      await assert.rejects(clients.lambda.send(look), { name: 'ResourceNotFoundException' }, name);
    }
  });
});

describe('a stack of prod', () => {
  test('leaves all that holds data behind when it is deleted although it is protected', async () => {
    const prod = await deployToEmulator('prod');
    const client = new CloudFormationClient(clientOptions(prod.emulator));
    const dynamodb = new DynamoDBClient(clientOptions(prod.emulator));
    const kms = new KMSClient(clientOptions(prod.emulator));
    try {
      const { outputs } = await describeDeployed(prod.emulator, prod.stackName);
      const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: prod.stackName }));
      assert.equal(Stacks?.[0]?.EnableTerminationProtection, true);
      // In an account that stops it; the emulator goes on, as if somebody had taken the protection away.
      await prod.destroy();
      await assert.rejects(describeDeployed(prod.emulator, prod.stackName), /does not exist/);
      const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: outputs.Table }));
      assert.equal(Table?.DeletionProtectionEnabled, true);
      const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: outputs.RelayerKeyId }));
      assert.equal(KeyMetadata?.KeyState, 'Enabled');
      const s3 = new S3Client({ ...clientOptions(prod.emulator), forcePathStyle: true });
      const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
      s3.destroy();
      assert.equal(Buckets.filter(({ Name }) => Name?.startsWith('plumbline-prod-')).length, 2);
      const body = { SecretId: outputs.IpfsTokenSecret };
      await ask(prod.emulator, 'secretsmanager', { target: 'secretsmanager.GetSecretValue', body });
    } finally {
      for (const one of [client, dynamodb, kms]) one.destroy();
      await prod.close();
    }
  });
});

/** The event of a request to the API, without a body. */
function requestTo(method: string, path: string) {
  const host = new URL(stack.outputs.ApiUrl ?? '').host;
  const headers = { host, 'content-type': 'application/json' };
  return { version: '2.0', rawPath: path, rawQueryString: '', headers, requestContext: { http: { method, path } } };
}

/** The emulator runs no function; so its code is run here, as it was uploaded, with its environment. */
async function runDeployed(name: string, event: object) {
  const FunctionName = `plumbline-dev-${name}`;
  const { Environment } = await clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const assembly = join(deployment.outdir, 'cdk.out');
  const asset = (await readdir(assembly)).find((file) => file.startsWith('asset.'));
  const script = `
    const { handler } = await import(${JSON.stringify(join(assembly, asset ?? '', `${name}.mjs`))});
    const context = { functionName: '${FunctionName}', getRemainingTimeInMillis: () => 25_000 };
    console.log(JSON.stringify({ answer: await handler(${JSON.stringify(event)}, context) ?? null }));
    process.exit();`;
  const env = { ...deployment.emulator.env, ...Environment?.Variables };
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { env, timeout: 60_000 });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return lines.find((line) => 'answer' in line).answer;
}

async function urlOf(place: string): Promise<string> {
  const [, queue] = [...stack.resources].find(
    ([id, { type }]) => type === 'AWS::SQS::Queue' && new RegExp(`^${place}[0-9A-F]{8}$`).test(id),
  ) ?? ['', null];
  assert.ok(queue, place);
  return queue.id;
}

async function attributesOf(place: string): Promise<Record<string, string | undefined>> {
  const { Attributes = {} } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: await urlOf(place), AttributeNames: ['All'] }),
  );
  return Attributes;
}

/** Keys of the objects in the events that wait in a queue. */
async function keysTold(place: string): Promise<string[]> {
  const { Messages = [] } = await clients.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: await urlOf(place), MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
  );
  return Messages.flatMap(({ Body = '{}' }) => JSON.parse(Body).Records ?? []).map(
    (record: { s3: { object: { key: string } } }) => record.s3.object.key,
  );
}
