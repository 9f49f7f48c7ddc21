import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { consoleFile } from '../../core/wire/console-file.ts';
import { functionRows } from '../../functions/table.ts';
import { CONTEXT, type Resource, type Synthesised, synthStack } from './synth-stack.ts';

const KEY = 'arn:aws:kms:eu-central-1:111111111111:key/12345678-1234-1234-1234-123456789012';
const CERTIFICATE = 'arn:aws:acm:eu-central-1:111111111111:certificate/12345678-1234-1234-1234-123456789012';

const typesOf = ({ resources }: Synthesised) => new Set(Object.values(resources).map(({ Type }) => Type));
const functionNamed = (stack: Synthesised, name: string): Resource => {
  const named = [...stack.ofType('AWS::Lambda::Function').values()];
  const found = named.find(({ Properties }) => new RegExp(`-(?:dev|prod)-${name}$`).test(Properties.FunctionName));
  assert.ok(found, name);
  return found;
};

describe('two deployments in one account', () => {
  test('share no name that AWS tells apart by itself, and no namespace of metrics', () => {
    const [one, other] = [synthStack(), synthStack({ prefix: 'weather' })].map(namesIn) as [Set<string>, Set<string>];
    assert.ok(one.size > functionRows.length + 20, `${one.size} names`);
    assert.equal(one.size, other.size);
    assert.deepEqual(
      [...one].filter((name) => other.has(name)),
      [],
    );
    assert.ok(
      [...other].every((name) => /\bweather[-/]dev\b/.test(name)),
      [...other].join(),
    );
  });

  test('let only their own buckets send to their queues', () => {
    const policies = [...synthStack({ prefix: 'weather' }).ofType('AWS::SQS::QueuePolicy').values()];
    const text = JSON.stringify(policies);
    assert.match(text, /s3:::weather-dev-\*/);
    assert.doesNotMatch(text, /plumbline-dev/);
  });
});

describe('what the account has already', () => {
  const own = { table: 'shared', bucket: 'own-segments', relayerKey: KEY };

  test('is used and not made: table, bucket and key', () => {
    const stack = synthStack(own);
    const types = typesOf(stack);
    assert.ok(
      !types.has('AWS::DynamoDB::Table') && !types.has('AWS::S3::Bucket') && !types.has('AWS::S3::BucketPolicy'),
    );
    // The topic of the alarms has its own key.
    assert.deepEqual([...stack.ofType('AWS::KMS::Key').keys()], ['Alarms/TopicKey']);
    const anchor = functionNamed(stack, 'anchor').Properties.Environment.Variables;
    assert.deepEqual(
      [anchor.PLUMBLINE_TABLE, anchor.PLUMBLINE_BUCKET, stack.text(anchor.PLUMBLINE_RELAYER_KEY_ID)],
      ['shared', 'own-segments', KEY.split('/')[1]],
    );
    const rights = JSON.stringify(stack.ofType('AWS::IAM::Role').get('Anchor/Role')?.Properties.Policies);
    assert.match(rights, /:table\/shared"/);
    assert.match(rights, /:s3:::own-segments\/\*"/);
    assert.ok(rights.includes(KEY));
  });

  test('a bucket’s notifications and write-once policy are told, for the operator to put there', () => {
    const stack = synthStack(own);
    const { Outputs } = stack.template.toJSON();
    const told = JSON.stringify(Outputs.BucketNotifications.Value);
    for (const event of ['ObjectCreated', 'ObjectRemoved', 'LifecycleExpiration'])
      assert.ok(told.includes(event), event);
    assert.match(JSON.stringify(Outputs.BucketPolicyStatement.Value), /if-none-match/);
    const policies = JSON.stringify([...stack.ofType('AWS::SQS::QueuePolicy').values()]);
    assert.match(policies, /:s3:::own-segments"/);
  });

  test('each can be had alone', () => {
    for (const [name, value] of Object.entries(own)) assert.ok(synthStack({ [name]: value }).template, name);
  });
});

describe('a network', () => {
  test('holds every function, which may do no more there than have its interface', () => {
    const stack = synthStack({ subnets: 'subnet-11111111,subnet-22222222', securityGroups: 'sg-33333333' });
    for (const [place, { Properties }] of stack.ofType('AWS::Lambda::Function')) {
      const expected = { SubnetIds: ['subnet-11111111', 'subnet-22222222'], SecurityGroupIds: ['sg-33333333'] };
      assert.deepEqual(Properties.VpcConfig, expected, place);
    }
    for (const [place, { Properties }] of stack.ofType('AWS::IAM::Role')) {
      assert.match(JSON.stringify(Properties.Policies), /ec2:CreateNetworkInterface/, place);
      assert.equal(Properties.ManagedPolicyArns, undefined, place);
    }
    assert.doesNotMatch(JSON.stringify(synthStack().resources), /ec2:|VpcConfig/);
  });
});

describe('a domain', () => {
  test('is the API’s one name, by TLS 1.2 at least, and the authority that requests are signed for', () => {
    const stack = synthStack({ domain: 'plumb.example.com', certificate: CERTIFICATE, authorities: undefined });
    const domain = stack.ofType('AWS::ApiGatewayV2::DomainName').get('Api/Domain');
    const [named] = domain?.Properties.DomainNameConfigurations ?? [];
    assert.deepEqual([named?.CertificateArn, named?.SecurityPolicy], [CERTIFICATE, 'TLS_1_2']);
    assert.equal(stack.ofType('AWS::ApiGatewayV2::ApiMapping').size, 1);
    const [api] = stack.ofType('AWS::ApiGatewayV2::Api').values();
    assert.equal(api?.Properties.DisableExecuteApiEndpoint, true);
    const { Variables } = functionNamed(stack, 'get-block').Properties.Environment;
    assert.equal(Variables.PLUMBLINE_AUTHORITIES, 'plumb.example.com');
    const { Outputs } = stack.template.toJSON();
    assert.equal(Outputs.ApiUrl.Value, 'https://plumb.example.com');
    assert.ok(Outputs.DomainTarget);
  });
});

describe('load', () => {
  test('is bounded by a route’s own limit where it is given, and by its kind’s elsewhere', () => {
    const stack = synthStack({ routeLimits: 'get-records=7/9' });
    const [stage] = stack.ofType('AWS::ApiGatewayV2::Stage').values();
    const limitOf = (route: string) => {
      const { ThrottlingRateLimit, ThrottlingBurstLimit } = stage?.Properties.RouteSettings[route] ?? {};
      return [ThrottlingRateLimit, ThrottlingBurstLimit];
    };
    assert.deepEqual(limitOf('POST /v1/datasets/{dataset}/records'), [7, 9]);
    assert.deepEqual(limitOf('GET /v1/datasets/{dataset}/anchor'), [10, 20]);
  });

  test('of ingest and anchor follows the parameters', () => {
    const given = { accountAtOnce: '200', ingestAtOnce: '50', ingestBatch: '10', ingestMemoryMb: '3008' };
    const stack = synthStack({ ...given, anchorMemoryMb: '2048', stage: 'prod' });
    const feed = stack.ofType('AWS::Lambda::EventSourceMapping').get('IngestSegment/Feed')?.Properties;
    assert.deepEqual([feed.BatchSize, feed.ScalingConfig], [10, { MaximumConcurrency: 50 }]);
    const ingest = functionNamed(stack, 'ingest-segment').Properties;
    assert.deepEqual([ingest.MemorySize, ingest.ReservedConcurrentExecutions], [3008, 50]);
    assert.equal(functionNamed(stack, 'anchor').Properties.MemorySize, 2048);
  });

  test('leaves room for anchor and uploads in an account of ten', () => {
    const feeds = [...synthStack().ofType('AWS::Lambda::EventSourceMapping').values()];
    // First in, first out, one at a time: the anchor and the reconciliation.
    const most = feeds.reduce((sum, { Properties }) => sum + (Properties.ScalingConfig?.MaximumConcurrency ?? 1), 0);
    assert.equal(most, 4 + 2 + 1 + 1);
    assert.ok(10 - most >= 2, 'two uploads at once');
    assert.equal(CONTEXT.stage, 'dev');
  });
});

describe('pages', () => {
  test('are served beside the API by a function that may write its log alone, and only where they are asked for', () => {
    const stack = synthStack({
      ...{ pages: 'build/console', pageOrigins: 'https://other.example', pageRpcUrl: 'https://node.example/public' },
    });
    const { Properties } = functionNamed(stack, 'pages');
    const { PLUMBLINE_PAGE_ORIGINS, PLUMBLINE_PAGE_PLACE } = Properties.Environment.Variables;
    assert.match(
      stack.text(PLUMBLINE_PAGE_ORIGINS),
      /^https:\/\/other\.example,https:\/\/node\.example,https:\/\/<Store\/Segments\.RegionalDomainName>$/,
    );
    const place = consoleFile.parse(JSON.parse(PLUMBLINE_PAGE_PLACE));
    assert.deepEqual(
      [place.passesOn, place.rpcUrl, place.dissc, place.anchorer],
      [false, 'https://node.example/public', CONTEXT.dissc, CONTEXT.cssAccount],
    );
    const [rule] = stack.ofType('AWS::S3::Bucket').get('Store/Segments')?.Properties.CorsConfiguration.CorsRules ?? [];
    assert.deepEqual([rule.AllowedMethods, rule.AllowedHeaders], [['GET'], ['range']]);
    assert.match(rule.AllowedOrigins.map(stack.text).join(), /^https:\/\/<Api\/Http>\.execute-api\./);
    const plain = synthStack().ofType('AWS::S3::Bucket').get('Store/Segments')?.Properties;
    assert.equal(plain.CorsConfiguration, undefined, 'where no page is served, no page reads the bucket');
    const { Policies } = stack.ofType('AWS::IAM::Role').get('Pages/Role')?.Properties ?? {};
    assert.deepEqual(
      Policies[0].PolicyDocument.Statement.map((one: { Action: string[]; Resource: unknown }) => [
        one.Action,
        stack.text(one.Resource),
      ]),
      [[['logs:CreateLogStream', 'logs:PutLogEvents'], '<Pages/Logs.Arn>']],
    );
    const [stage] = stack.ofType('AWS::ApiGatewayV2::Stage').values();
    for (const route of ['GET /check', 'GET /console', 'GET /console/{file}']) {
      assert.equal(stage?.Properties.RouteSettings[route].ThrottlingRateLimit, 10, route);
    }
    assert.ok(!synthStack().ofType('AWS::Lambda::Function').has('Pages/Function'));
  });
});

/** Names that the template gives, and namespaces of its metrics: what has none gets one of AWS’s own making. */
function namesIn(stack: Synthesised): Set<string> {
  const names = new Set<string>();
  for (const { Type, Properties } of Object.values(stack.resources)) {
    for (const [property, value] of Object.entries((Properties ?? {}) as Record<string, unknown>)) {
      const isName =
        /^(?:Name|FunctionName|AlarmName|AliasName|DashboardName|TopicName|QueueName|RoleName|TableName|BucketName|LogGroupName|DomainName)$/;
      if (isName.test(property) && typeof value === 'string') names.add(`${Type} ${value}`);
    }
    for (const made of Properties?.MetricTransformations ?? []) names.add(`namespace ${made.MetricNamespace}`);
    if (Type === 'AWS::Lambda::Function') {
      names.add(`namespace ${Properties.Environment.Variables.POWERTOOLS_METRICS_NAMESPACE}`);
    }
  }
  return names;
}
