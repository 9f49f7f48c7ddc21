import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { functionRows, httpRows } from '../../functions/table.ts';
import { type Resource, type Synthesised, synthStack } from './synth-stack.ts';

let dev: Synthesised;
let prod: Synthesised;
before(() => {
  dev = synthStack();
  prod = synthStack({ stage: 'prod' });
});

const find = (stack: Synthesised, type: string, place: string): Resource => {
  const found = stack.ofType(type).get(place);
  assert.ok(found, `${type} at ${place}`);
  return found;
};

describe('functions', () => {
  test('are those of the table, at its limits, on Node 24 and arm64, traced, each with its own log', () => {
    const functions = [...dev.ofType('AWS::Lambda::Function').values()].map(({ Properties }) => Properties);
    assert.deepEqual(
      functions.map(({ FunctionName }) => FunctionName).sort(),
      functionRows.map(({ name }) => `plumbline-dev-${name}`).sort(),
    );
    for (const { name, limits } of functionRows) {
      const properties = functions.find(({ FunctionName }) => FunctionName === `plumbline-dev-${name}`);
      assert.equal(properties.Handler, 'index.handler');
      assert.equal(properties.MemorySize, limits.memoryMb, name);
      assert.equal(properties.Timeout * 1_000, limits.timeoutMs, name);
      assert.equal(properties.Runtime, 'nodejs24.x');
      assert.deepEqual(properties.Architectures, ['arm64']);
      assert.deepEqual(properties.TracingConfig, { Mode: 'Active' });
      assert.equal(properties.ReservedConcurrentExecutions, undefined, 'a small account has none to give');
    }
    const logs = functions.map(({ LoggingConfig }) => dev.text(LoggingConfig.LogGroup));
    assert.equal(new Set(logs).size, functionRows.length);
  });

  test('are fed by their queues: segments with partial failure, wake-ups of the anchor in one go', () => {
    const feeds = dev.ofType('AWS::Lambda::EventSourceMapping');
    const shown = [...feeds].map(([place, { Properties }]) => [
      place,
      dev.text(Properties.EventSourceArn),
      Properties.BatchSize,
      Properties.FunctionResponseTypes ?? null,
      Properties.ScalingConfig ?? null,
    ]);
    const partial = ['ReportBatchItemFailures'];
    assert.deepEqual(shown.sort(), [
      ['Anchor/Feed', '<AnchorQueue/Queue.Arn>', 10, null, null],
      ['IngestSegment/Feed', '<IngestSegmentQueue/Queue.Arn>', 5, partial, { MaximumConcurrency: 4 }],
      ['ReconcileSegments/Feed', '<ReconcileSegmentsQueue/Queue.Arn>', 10, null, null],
      ['SegmentRemoved/Feed', '<SegmentRemovedQueue/Queue.Arn>', 5, partial, { MaximumConcurrency: 2 }],
    ]);
  });

  test('bring no custom resource, and no function that the table does not have', () => {
    for (const stack of [dev, prod]) {
      const types = Object.values(stack.resources).map(({ Type }) => Type);
      assert.deepEqual(
        types.filter((type) => /^Custom::|CustomResource/.test(type)),
        [],
      );
      assert.equal(types.filter((type) => type === 'AWS::Lambda::Function').length, functionRows.length);
    }
  });
});

describe('the API', () => {
  test('has the routes of the table and no other', () => {
    const routes = [...dev.ofType('AWS::ApiGatewayV2::Route').values()].map(({ Properties }) => Properties.RouteKey);
    const expected = Object.values(httpRows).map(({ trigger }) => `${trigger.method} ${trigger.path}`);
    assert.deepEqual(routes.sort(), expected.sort());
  });

  test('hands every route to its own function, in the format that the functions read', () => {
    for (const { Properties } of dev.ofType('AWS::ApiGatewayV2::Route').values()) {
      const place = dev.text(Properties.Target).replace(/^integrations\/<(.*)>$/, '$1');
      const integration = find(dev, 'AWS::ApiGatewayV2::Integration', place).Properties;
      const to = dev.text(integration.IntegrationUri).replace(/^<(.*)\.Arn>$/, '$1');
      const { FunctionName } = find(dev, 'AWS::Lambda::Function', to).Properties;
      const row = Object.values(httpRows).find(({ name }) => FunctionName === `plumbline-dev-${name}`);
      assert.equal(Properties.RouteKey, `${row?.trigger.method} ${row?.trigger.path}`);
      assert.equal(integration.PayloadFormatVersion, '2.0');
      assert.equal(integration.IntegrationType, 'AWS_PROXY');
    }
  });

  test('is throttled and writes access logs, without headers or queries', () => {
    const { Properties } = find(dev, 'AWS::ApiGatewayV2::Stage', 'Api/Default');
    assert.equal(Properties.StageName, '$default');
    assert.equal(Properties.DefaultRouteSettings.ThrottlingRateLimit, 50);
    assert.equal(Properties.DefaultRouteSettings.ThrottlingBurstLimit, 100);
    assert.equal(dev.text(Properties.AccessLogSettings.DestinationArn), '<Api/AccessLogs.Arn>');
    assert.doesNotMatch(Properties.AccessLogSettings.Format, /header|query|authorizer|rawPath/i);
  });

  test('bounds every route by the kind of its work, so that none takes all there is', () => {
    const stage = find(dev, 'AWS::ApiGatewayV2::Stage', 'Api/Default');
    const bounds = Object.entries(stage.Properties.RouteSettings as Record<string, Record<string, unknown>>).map(
      ([route, { ThrottlingRateLimit, ThrottlingBurstLimit }]) => [route, ThrottlingRateLimit, ThrottlingBurstLimit],
    );
    assert.deepEqual(bounds.sort(), [
      ['GET /v1/agreements/{agreement}/messages', 25, 50],
      ['GET /v1/agreements/{agreement}/vouchers', 25, 50],
      ['GET /v1/datasets/{dataset}/anchor', 10, 20],
      ['GET /v1/datasets/{dataset}/batches', 25, 50],
      ['GET /v1/datasets/{dataset}/blocks/{index}', 25, 50],
      ['GET /v1/datasets/{dataset}/segments/{first}', 25, 50],
      ['GET /v1/openapi.json', 10, 20],
      ['GET /v1/requests', 10, 20],
      ['POST /v1/agreements/{agreement}/description', 10, 20],
      ['POST /v1/agreements/{agreement}/messages', 25, 50],
      ['POST /v1/agreements/{agreement}/vouchers', 25, 50],
      ['POST /v1/datasets/{dataset}/charter', 10, 20],
      ['POST /v1/datasets/{dataset}/hashes', 20, 40],
      ['POST /v1/datasets/{dataset}/proofs', 20, 40],
      ['POST /v1/datasets/{dataset}/records', 10, 20],
      ['POST /v1/datasets/{dataset}/segments', 25, 50],
      ['POST /v1/datasets/{dataset}/segments/{first}/ipfs', 20, 40],
      ['POST /v1/descriptions', 10, 20],
      ['POST /v1/requests', 10, 20],
    ]);
    // API Gateway refuses settings of routes that are not there yet.
    const { DependsOn = [] } = stage as { readonly DependsOn?: readonly string[] };
    assert.ok(DependsOn.length >= bounds.length, String(DependsOn));
  });
});

describe('the bucket of segments', () => {
  test('is private, versioned, encrypted, logged, and keeps current versions for ever', () => {
    const { Properties } = find(dev, 'AWS::S3::Bucket', 'Store/Segments');
    const all = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };
    assert.deepEqual(Properties.PublicAccessBlockConfiguration, all);
    assert.deepEqual(Properties.VersioningConfiguration, { Status: 'Enabled' });
    const [encryption] = Properties.BucketEncryption.ServerSideEncryptionConfiguration;
    assert.equal(encryption.ServerSideEncryptionByDefault.SSEAlgorithm, 'AES256');
    assert.equal(dev.text(Properties.LoggingConfiguration.DestinationBucketName), '<Store/AccessLogs>');
    assert.deepEqual(Properties.OwnershipControls.Rules, [{ ObjectOwnership: 'BucketOwnerEnforced' }]);
    assert.deepEqual(Properties.LifecycleConfiguration.Rules, [
      {
        Id: 'old-versions',
        Status: 'Enabled',
        NoncurrentVersionExpiration: { NoncurrentDays: 7 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        ExpiredObjectDeleteMarker: true,
      },
      { Id: 'rejected', Status: 'Enabled', Prefix: 'rejected/', ExpirationInDays: 31 },
    ]);
  });

  test('forgets its access logs after 90 days', () => {
    const { Properties } = find(dev, 'AWS::S3::Bucket', 'Store/AccessLogs');
    const kept = Properties.LifecycleConfiguration.Rules.map(
      (rule: { ExpirationInDays?: number }) => rule.ExpirationInDays,
    );
    assert.deepEqual(kept, [90]);
  });

  test('refuses plaintext, old TLS, and a PUT that could replace an object', () => {
    const statements = find(dev, 'AWS::S3::BucketPolicy', 'Store/Segments/Policy').Properties.PolicyDocument.Statement;
    const denied = (statements as { Effect: string; Action: string; Condition: object }[])
      .filter(({ Effect }) => Effect === 'Deny')
      .map(({ Action, Condition }) => [Action, Condition]);
    assert.deepEqual(denied, [
      ['s3:*', { Bool: { 'aws:SecureTransport': 'false' } }],
      ['s3:*', { NumericLessThan: { 's3:TlsVersion': 1.2 } }],
      ['s3:PutObject', { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } }],
    ]);
    assert.equal(statements.length, denied.length, 'the policy allows nobody anything');
  });

  test('tells the queues of the table’s events, which let only this account’s buckets of this stack send', () => {
    const { QueueConfigurations } = find(dev, 'AWS::S3::Bucket', 'Store/Segments').Properties.NotificationConfiguration;
    type Told = { Event: string; Queue: unknown; Filter: { S3Key: { Rules: { Name: string; Value: string }[] } } };
    const told = QueueConfigurations.map(({ Event, Queue, Filter }: Told) => [
      Event,
      dev.text(Queue),
      ...Filter.S3Key.Rules.map(({ Name, Value }) => `${Name} ${Value}`),
    ]);
    // Tiles and charters are the service's own, and events of nobody.
    assert.deepEqual(told.sort(), [
      ['s3:LifecycleExpiration:*', '<SegmentRemovedQueue/Queue.Arn>', 'suffix .car'],
      ['s3:ObjectCreated:*', '<IngestSegmentQueue/Queue.Arn>', 'suffix .car'],
      ['s3:ObjectRemoved:*', '<SegmentRemovedQueue/Queue.Arn>', 'suffix .car'],
    ]);
    for (const name of ['IngestSegmentQueue', 'SegmentRemovedQueue']) {
      assert.deepEqual(sendersTo(dev, name), [
        ['s3.amazonaws.com', 'sqs:SendMessage', 'arn:<AWS::Partition>:s3:::plumbline-dev-*', '<AWS::AccountId>'],
      ]);
    }
  });
});

describe('queues', () => {
  test('are encrypted, over TLS only, each with dead letters that are kept for two weeks', () => {
    const queues = dev.ofType('AWS::SQS::Queue');
    assert.equal(queues.size, 8);
    for (const [place, { Properties }] of queues) {
      assert.equal(Properties.SqsManagedSseEnabled, true, place);
      const policy = find(dev, 'AWS::SQS::QueuePolicy', `${place}/Policy`).Properties.PolicyDocument;
      assert.ok(
        (policy.Statement as { Effect: string; Condition?: { Bool?: Record<string, string> } }[]).some(
          ({ Effect, Condition }) => Effect === 'Deny' && Condition?.Bool?.['aws:SecureTransport'] === 'false',
        ),
        place,
      );
      if (place.endsWith('/DeadLetters')) {
        assert.equal(Properties.MessageRetentionPeriod, 1_209_600);
        continue;
      }
      assert.equal(
        dev.text(Properties.RedrivePolicy.deadLetterTargetArn),
        `<${place.replace('/Queue', '/DeadLetters')}.Arn>`,
      );
      assert.equal(Properties.VisibilityTimeout, Properties.FifoQueue === true ? 58 : 174, place);
    }
  });

  test('the anchor’s is first in, first out, and the clock sends into the group of the wake-ups', () => {
    const { Properties } = find(dev, 'AWS::SQS::Queue', 'AnchorQueue/Queue');
    assert.equal(Properties.FifoQueue, true);
    assert.equal(Properties.ContentBasedDeduplication, true);
    const clock = find(dev, 'AWS::Events::Rule', 'AnchorClock').Properties;
    assert.equal(clock.ScheduleExpression, 'rate(1 minute)');
    // adapters/sqs/sqs-anchor-queue.ts has the same group. A constant message would be taken for a repetition.
    const [target] = clock.Targets;
    assert.deepEqual(target.SqsParameters, { MessageGroupId: 'anchor' });
    assert.equal('Input' in target, false);
    assert.deepEqual(sendersTo(dev, 'AnchorQueue'), [
      ['events.amazonaws.com', 'sqs:SendMessage', '<AnchorClock.Arn>', '<AWS::AccountId>'],
    ]);
  });
});

test('the reconciliation runs every five minutes, one run after the other', () => {
  assert.equal(find(dev, 'AWS::SQS::Queue', 'ReconcileSegmentsQueue/Queue').Properties.FifoQueue, true);
  const { ScheduleExpression, Targets } = find(dev, 'AWS::Events::Rule', 'ReconcileSegmentsClock').Properties;
  assert.equal(ScheduleExpression, 'rate(5 minutes)');
  assert.deepEqual(Targets[0].SqsParameters, { MessageGroupId: 'reconcile-segments' });
  assert.deepEqual(sendersTo(dev, 'ReconcileSegmentsQueue'), [
    ['events.amazonaws.com', 'sqs:SendMessage', '<ReconcileSegmentsClock.Arn>', '<AWS::AccountId>'],
  ]);
});

describe('the table and the keys', () => {
  test('the table is paid by use, encrypted, recoverable to any second, and forgets by the attribute of the adapter', () => {
    const { Properties } = find(dev, 'AWS::DynamoDB::Table', 'Table');
    assert.equal(Properties.BillingMode, 'PAY_PER_REQUEST');
    assert.deepEqual(Properties.PointInTimeRecoverySpecification, { PointInTimeRecoveryEnabled: true });
    assert.deepEqual(Properties.TimeToLiveSpecification, { AttributeName: 'expiresAtS', Enabled: true });
    assert.deepEqual(Properties.SSESpecification, { SSEEnabled: true });
    assert.deepEqual(Properties.KeySchema, [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ]);
  });

  test('the relayer’s key is of the chain’s curve and signs only', () => {
    const { Properties } = find(dev, 'AWS::KMS::Key', 'RelayerKey');
    assert.equal(Properties.KeySpec, 'ECC_SECG_P256K1');
    assert.equal(Properties.KeyUsage, 'SIGN_VERIFY');
    assert.equal(Properties.PendingWindowInDays, 30, 'time to notice that it is being deleted');
  });

  test('no secret is in the template: the token is made in Secrets Manager', () => {
    const { Properties } = find(dev, 'AWS::SecretsManager::Secret', 'IpfsToken');
    assert.equal(Properties.SecretString, undefined);
    assert.equal(Properties.GenerateSecretString.PasswordLength, 48);
    dev.template.hasOutput('IpfsTokenSecret', Match.anyValue());
  });
});

describe('stages', () => {
  const KEPT = [
    ...['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::SQS::Queue', 'AWS::SecretsManager::Secret'],
    'AWS::Logs::LogGroup',
  ];
  const holdsData = (place: string, { Type }: Resource) =>
    KEPT.includes(Type) || (Type === 'AWS::KMS::Key' && place === 'RelayerKey');

  test('in prod a deployment deletes nothing that holds data, whatever it changes', () => {
    let looked = 0;
    for (const type of new Set(Object.values(prod.resources).map(({ Type }) => Type))) {
      for (const [place, resource] of prod.ofType(type)) {
        if (!holdsData(place, resource)) continue;
        looked++;
        assert.equal(resource.DeletionPolicy, 'Retain', place);
        assert.equal(resource.UpdateReplacePolicy, 'Retain', place);
      }
    }
    assert.equal(looked, 2 + 1 + 8 + 1 + (functionRows.length + 1) + 1);
    assert.equal(find(prod, 'AWS::DynamoDB::Table', 'Table').Properties.DeletionProtectionEnabled, true);
  });

  test('in prod invocations are kept free for each kind of work, within what AWS lets be reserved', () => {
    const reserved = [...prod.ofType('AWS::Lambda::Function').values()].flatMap(({ Properties }) =>
      Properties.ReservedConcurrentExecutions === undefined
        ? []
        : [[Properties.FunctionName.slice('plumbline-prod-'.length), Properties.ReservedConcurrentExecutions]],
    );
    assert.deepEqual(Object.fromEntries(reserved), {
      ...{ 'get-records': 20, 'get-anchor': 20, 'put-charter': 20, 'get-openapi': 20 },
      ...{ 'put-description': 20, 'get-descriptions': 20, 'put-request': 20, 'list-requests': 20 },
      ...{ 'hash-blocks': 50, 'prove-chunks': 50, 'publish-segment': 50 },
      ...{ 'ingest-segment': 4, 'segment-removed': 2 },
    });
    const sum = reserved.reduce((total, [, atOnce]) => total + atOnce, 0);
    assert.ok(sum <= 1_000 - 100, `${sum} are reserved; an account has 1,000, of which 100 stay free`);
  });

  test('in prod old versions and logs are kept for a year', () => {
    const [rule] = find(prod, 'AWS::S3::Bucket', 'Store/Segments').Properties.LifecycleConfiguration.Rules;
    assert.equal(rule.NoncurrentVersionExpiration.NoncurrentDays, 365);
    for (const [place, { Properties }] of prod.ofType('AWS::Logs::LogGroup')) {
      assert.equal(Properties.RetentionInDays, 365, place);
    }
    for (const [place, { Properties }] of dev.ofType('AWS::Logs::LogGroup')) {
      assert.equal(Properties.RetentionInDays, 30, place);
    }
  });

  test('everything that can carry tags says what it belongs to', () => {
    for (const type of ['AWS::S3::Bucket', 'AWS::DynamoDB::Table', 'AWS::Lambda::Function', 'AWS::SQS::Queue']) {
      for (const [place, { Properties }] of prod.ofType(type)) {
        assert.deepEqual(
          Properties.Tags,
          [
            { Key: 'application', Value: 'plumbline' },
            { Key: 'deployment', Value: 'plumbline-prod' },
            { Key: 'stage', Value: 'prod' },
          ],
          place,
        );
      }
    }
  });
});

/** Who may send to a queue: service, action, for which resource, of which account. */
function sendersTo(stack: Synthesised, name: string): string[][] {
  const policy = find(stack, 'AWS::SQS::QueuePolicy', `${name}/Queue/Policy`).Properties.PolicyDocument;
  const statements = policy.Statement as {
    Effect: string;
    Principal: { Service: unknown };
    Action: unknown;
    Condition: { ArnLike: Record<string, unknown>; StringEquals: Record<string, unknown> };
  }[];
  return statements
    .filter(({ Effect }) => Effect === 'Allow')
    .map(({ Principal, Action, Condition }) =>
      [Principal.Service, Action, Condition.ArnLike['aws:SourceArn'], Condition.StringEquals['aws:SourceAccount']].map(
        stack.text,
      ),
    );
}
