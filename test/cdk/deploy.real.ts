import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { GetIntegrationsCommand, GetRoutesCommand, GetStageCommand } from '@aws-sdk/client-apigatewayv2';
import { GetRolePolicyCommand, ListAttachedRolePoliciesCommand } from '@aws-sdk/client-iam';
import {
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import {
  DeleteObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { deployToEmulator } from '../../dev/emulator/deploy-to-emulator.ts';
import { findProgram } from '../../dev/real/programs/find-program.ts';
import { functionRows, httpRows } from '../../functions/table.ts';
import { ask, describeDeployed } from './deployed-stack.ts';
import { storesAreDeployed } from './deployed-stores.ts';
import { EMULATOR_GAPS } from './emulator-gaps.ts';
import { placeOf, RIGHTS, rightsIn } from './function-rights.ts';
import { keysTold, type Looked, lookAt, requestTo, runDeployed } from './look-at.ts';
import { rebuildsItsTable } from './rebuild-deployed.ts';
import type { Resource } from './synth-stack.ts';

/*
 * `cdk deploy` and `cdk destroy` for real, against an emulator of CloudFormation (moto 5.2.5 with dev/emulator/moto),
 * and what was deployed looked at through the services' interfaces. Needs Python 3:
 *
 *   node --test test/cdk/deploy.real.ts
 */

const run = promisify(execFile);

let looked: Looked;
let template: Readonly<Record<string, Resource>>;

before(
  async () => {
    looked = await lookAt(await deployToEmulator('dev'));
    const file = join(looked.deployment.outdir, 'cdk.out', `${looked.deployment.stackName}.template.json`);
    template = JSON.parse(await readFile(file, 'utf8')).Resources;
  },
  { timeout: 15 * 60_000 },
);
after(() => looked?.close());

describe('the deployed stack', () => {
  storesAreDeployed(() => looked);
  rebuildsItsTable(() => looked);

  test('has every resource of the template: the emulator has skipped none', () => {
    const typesOf = (entries: Iterable<[string, string]>) => [...entries].sort();
    assert.deepEqual(
      typesOf([...looked.stack.resources].map(([id, { type }]) => [id, type])),
      typesOf(Object.entries(template).map(([id, { Type }]) => [id, Type])),
    );
  });

  test('has all functions, at their limits, with code that is there', async () => {
    assert.equal(looked.stack.idsOf('AWS::Lambda::Function').length, Object.keys(RIGHTS).length);
    for (const { name, limits, may, trigger } of functionRows) {
      const found = await looked.clients.lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: `plumbline-dev-${name}` }),
      );
      assert.equal(found.Runtime, 'nodejs24.x');
      assert.deepEqual(found.Architectures, ['arm64']);
      assert.equal(found.Handler, 'index.handler');
      assert.equal(found.MemorySize, limits.memoryMb);
      assert.equal((found.Timeout ?? 0) * 1_000, limits.timeoutMs);
      assert.equal(found.TracingConfig?.Mode, 'Active');
      assert.ok((found.CodeSize ?? 0) > 100_000, `${name}: the bundle, not a stub, ${found.CodeSize}`);
      const { PLUMBLINE_BUCKET, PLUMBLINE_TABLE, PLUMBLINE_AUTHORITIES } = found.Environment?.Variables ?? {};
      const { Bucket, Table, ApiUrl = '' } = looked.stack.outputs;
      assert.equal(PLUMBLINE_BUCKET, may.objects === undefined ? undefined : Bucket, name);
      assert.equal(PLUMBLINE_TABLE, may.table === undefined ? undefined : Table, name);
      const authorities = `${new URL(ApiUrl).host},api.example`;
      assert.equal(PLUMBLINE_AUTHORITIES, trigger.kind === 'http' ? authorities : undefined, name);
    }
  });

  test('gives each function its rights and no more', async () => {
    for (const { name } of functionRows) {
      const [, role] = [...looked.stack.resources].find(
        ([id, { type }]) => type === 'AWS::IAM::Role' && id.startsWith(`${placeOf(name)}Role`),
      ) ?? ['', { id: '' }];
      const { PolicyDocument } = await looked.clients.iam.send(
        new GetRolePolicyCommand({ RoleName: role.id, PolicyName: 'table' }),
      );
      const document = JSON.parse(decodeURIComponent(PolicyDocument ?? ''));
      assert.deepEqual(rightsIn(document, looked.stack.text), RIGHTS[name], name);
      const { AttachedPolicies } = await looked.clients.iam.send(
        new ListAttachedRolePoliciesCommand({ RoleName: role.id }),
      );
      assert.deepEqual(AttachedPolicies, []);
    }
  });

  test('lets the API invoke each function from its own path, and nobody else', async () => {
    for (const { name, trigger } of functionRows) {
      const look = looked.clients.lambda.send(new GetPolicyCommand({ FunctionName: `plumbline-dev-${name}` }));
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

  test('feeds four functions from their queues', async () => {
    const { EventSourceMappings = [] } = await looked.clients.lambda.send(new ListEventSourceMappingsCommand({}));
    const shown = EventSourceMappings.map((one) => [
      one.FunctionArn?.split(':').at(-1),
      looked.stack.text(one.EventSourceArn),
      one.BatchSize,
      one.FunctionResponseTypes ?? [],
    ]);
    assert.deepEqual(shown.sort(), [
      ['plumbline-dev-anchor', '<AnchorQueue/Queue.Arn>', 10, []],
      ['plumbline-dev-ingest-segment', '<IngestSegmentQueue/Queue.Arn>', 5, ['ReportBatchItemFailures']],
      ['plumbline-dev-reconcile-segments', '<ReconcileSegmentsQueue/Queue.Arn>', 10, []],
      ['plumbline-dev-segment-removed', '<SegmentRemovedQueue/Queue.Arn>', 5, ['ReportBatchItemFailures']],
    ]);
  });

  test('answers the routes of the table, each with its function', async () => {
    const ApiId = new URL(looked.stack.outputs.ApiUrl ?? '').host.split('.')[0] as string;
    const { Items: routes = [] } = await looked.clients.gateway.send(new GetRoutesCommand({ ApiId }));
    const { Items: integrations = [] } = await looked.clients.gateway.send(new GetIntegrationsCommand({ ApiId }));
    const shown = routes.map(({ RouteKey, Target }) => {
      const to = integrations.find(({ IntegrationId }) => Target === `integrations/${IntegrationId}`);
      return `${RouteKey} -> ${to?.IntegrationUri?.split(':').at(-1)} ${to?.PayloadFormatVersion}`;
    });
    const expected = Object.values(httpRows).map(
      ({ name, trigger }) => `${trigger.method} ${trigger.path} -> plumbline-dev-${name} 2.0`,
    );
    assert.deepEqual(shown.sort(), expected.sort());
    const stage = await looked.clients.gateway.send(new GetStageCommand({ ApiId, StageName: '$default' }));
    assert.equal(stage.AutoDeploy, true);
    assert.match(stage.AccessLogSettings?.DestinationArn ?? '', /log-group:plumbline-dev-ApiAccessLogs/);
    assert.equal(stage.DefaultRouteSettings?.ThrottlingRateLimit, 50);
    assert.equal(stage.DefaultRouteSettings?.ThrottlingBurstLimit, 100);
  });

  test('has its alarms, a topic under its own key, filters, a dashboard, two clocks and a token', async () => {
    const { emulator } = looked.deployment;
    const alarms = await ask(emulator, 'monitoring', 'Action=DescribeAlarms&Version=2010-08-01');
    assert.equal(
      [...alarms.matchAll(/<AlarmName>plumbline-dev-/g)].length,
      looked.stack.idsOf('AWS::CloudWatch::Alarm').length,
    );
    assert.equal([...alarms.matchAll(/<TreatMissingData>breaching</g)].length, 1);
    const topic = `Action=GetTopicAttributes&Version=2010-03-31&TopicArn=${looked.stack.outputs.AlarmTopic}`;
    assert.match(await ask(emulator, 'sns', topic), /KmsMasterKeyId/);
    const subscriptions = await ask(emulator, 'sns', 'Action=ListSubscriptions&Version=2010-03-31');
    assert.match(subscriptions, /operator@plumbline\.example/);
    const filters = await ask(emulator, 'logs', { target: 'Logs_20140328.DescribeMetricFilters' });
    assert.equal(JSON.parse(filters).metricFilters.length, 4 * functionRows.length);
    const groups = JSON.parse(await ask(emulator, 'logs', { target: 'Logs_20140328.DescribeLogGroups' })).logGroups;
    assert.deepEqual([...new Set(groups.map((one: { retentionInDays: number }) => one.retentionInDays))], [30]);
    const dashboards = await ask(emulator, 'monitoring', 'Action=ListDashboards&Version=2010-08-01');
    assert.match(dashboards, /<DashboardName>plumbline-dev</);
    const sent: unknown[] = [];
    for (const Rule of looked.stack.idsOf('AWS::Events::Rule')) {
      const targets = await ask(emulator, 'events', { target: 'AWSEvents.ListTargetsByRule', body: { Rule } });
      const [target] = JSON.parse(targets).Targets;
      sent.push([looked.stack.text(target.Arn), target.SqsParameters]);
    }
    assert.deepEqual(sent.sort(), [
      ['<AnchorQueue/Queue.Arn>', { MessageGroupId: 'anchor' }],
      ['<ReconcileSegmentsQueue/Queue.Arn>', { MessageGroupId: 'reconcile-segments' }],
    ]);
    const SecretId = looked.stack.outputs.IpfsTokenSecret;
    const token = await ask(emulator, 'secretsmanager', {
      target: 'secretsmanager.GetSecretValue',
      body: { SecretId },
    });
    assert.match(JSON.parse(token).SecretString, /^[A-Za-z0-9]{48}$/);
  });

  test('hands the event of a stored object to the queue of ingest-segment', async () => {
    const { EventSourceMappings = [] } = await looked.clients.lambda.send(new ListEventSourceMappingsCommand({}));
    // Else the emulated poller takes it away.
    for (const { UUID } of EventSourceMappings) {
      await looked.clients.lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled: false }));
    }
    await looked.clients.s3.send(
      new PutObjectCommand({ Bucket: looked.stack.outputs.Bucket, Key: 'a segment', Body: 'bytes' }),
    );
    assert.deepEqual(await keysTold(looked, 'IngestSegmentQueue'), ['a+segment']);
  });

  test('has functions whose code, with the environment they were given, finds the table, the bucket and the token', async () => {
    const dataset = `0x${'00'.repeat(32)}`;
    const asked = await runDeployed(looked, 'get-records', {
      ...requestTo(looked, 'POST', `/v1/datasets/${dataset}/records`),
      body: JSON.stringify({ blocks: [0], size: 1 }),
    });
    // 503 when the table cannot be reached. What is there: a public answer that the stored log is empty.
    assert.equal(asked.statusCode, 200, asked.body);
    assert.match(Buffer.from(asked.body, 'base64').toString(), /the stored log has 0 blocks/);
    const event = { s3: { object: { key: 'a+segment' } } };
    const ingested = await runDeployed(looked, 'ingest-segment', {
      Records: [{ messageId: 'one', body: JSON.stringify({ Records: [event] }) }],
    });
    assert.deepEqual(ingested, { batchItemFailures: [] });
    // It does not get so far when the token of Kubo cannot be read.
    const unsigned = await runDeployed(
      looked,
      'publish-segment',
      requestTo(looked, 'POST', `/v1/datasets/${dataset}/segments/0/ipfs`),
    );
    assert.equal(unsigned.statusCode, 401, unsigned.body);
  });

  test('passes cfn-lint, but for dependencies that the CDK names twice', async () => {
    const file = join(looked.deployment.outdir, 'cdk.out', `${looked.deployment.stackName}.template.json`);
    const lint = 'import sys; from cfnlint.runner import main; sys.exit(main())';
    const { stdout } = await run(findProgram('moto'), ['-c', lint, '--ignore-checks', 'W3005', '--', file]);
    assert.equal(stdout, '');
  });
});

describe('the emulator cannot', () => {
  for (const [what, show] of Object.entries(EMULATOR_GAPS)) test(what, () => show(looked));
});

describe('destroyed', () => {
  test('nothing of the stack is left', async () => {
    // As in an account: a bucket that has objects is not deleted. Its operator empties it.
    const Bucket = looked.stack.outputs.Bucket;
    const { Versions = [], DeleteMarkers = [] } = await looked.clients.s3.send(
      new ListObjectVersionsCommand({ Bucket }),
    );
    for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) {
      await looked.clients.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    }
    await looked.deployment.destroy();
    await assert.rejects(describeDeployed(looked.deployment.emulator, looked.deployment.stackName), /does not exist/);
    const { Buckets = [] } = await looked.clients.s3.send(new ListBucketsCommand({}));
    assert.deepEqual(
      Buckets.filter(({ Name }) => Name?.startsWith('plumbline')),
      [],
    );
    for (const { name } of functionRows) {
      const look = new GetFunctionConfigurationCommand({ FunctionName: `plumbline-dev-${name}` });
      await assert.rejects(looked.clients.lambda.send(look), { name: 'ResourceNotFoundException' }, name);
    }
  });
});
