import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { functionRows } from '../../functions/table.ts';
import { type Resource, type Synthesised, synthStack } from './synth-stack.ts';

const SEGMENTS = '<Store/Segments.Arn>';
const TABLE = '<Table.Arn>';
const WAKE = 'sqs:SendMessage <AnchorQueue/Queue.Arn>';

const readObjects = [`s3:GetObject ${SEGMENTS}/*`, `s3:ListBucket ${SEGMENTS}`];
const useTable = ['GetItem', 'Query', 'PutItem', 'DeleteItem'].map((action) => `dynamodb:${action} ${TABLE}`);
const poll = (queue: string) =>
  ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map((action) => `sqs:${action} <${queue}/Queue.Arn>`);

/*
 * What each function may do beside writing its own log and traces, written down by hand: whoever changes a right says so
 * here as well. (`rights-of.ts` derives the same from the table of functions; nothing of it is used here.)
 */
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  'upload-segment': [...readObjects, `s3:PutObject ${SEGMENTS}/*`, ...useTable, WAKE],
  'list-batches': [...useTable],
  'hash-blocks': [...readObjects, ...useTable],
  'prove-chunks': [...readObjects, ...useTable],
  'get-block': [...readObjects, ...useTable],
  'get-segment': [`s3:GetObject ${SEGMENTS}/*`, ...useTable],
  'publish-segment': [...readObjects, ...useTable, 'secretsmanager:GetSecretValue <IpfsToken>'],
  'get-records': [...readObjects, ...useTable],
  'store-voucher': [...useTable],
  'post-message': [...useTable],
  'list-messages': [...useTable],
  'get-openapi': [],
  'ingest-segment': [...readObjects, ...useTable, WAKE, ...poll('IngestSegmentQueue')],
  'segment-removed': [...readObjects, ...useTable, WAKE, ...poll('SegmentRemovedQueue')],
  anchor: [
    ...readObjects,
    ...useTable,
    'kms:GetPublicKey <RelayerKey.Arn>',
    'kms:Sign <RelayerKey.Arn> if {"StringEquals":{"kms:MessageType":"DIGEST","kms:SigningAlgorithm":"ECDSA_SHA_256"}}',
    ...poll('AnchorQueue'),
  ],
};

let stack: Synthesised;
before(() => {
  stack = synthStack();
});

describe('the rights of the functions', () => {
  test('are exactly those written down here, function by function', () => {
    assert.deepEqual(functionRows.map(({ name }) => name).sort(), Object.keys(RIGHTS).sort());
    for (const [name, rights] of Object.entries(RIGHTS)) {
      const place = placeOf(name);
      const own = [
        `logs:CreateLogStream <${place}/Logs.Arn>`,
        `logs:PutLogEvents <${place}/Logs.Arn>`,
        'xray:PutTraceSegments *',
        'xray:PutTelemetryRecords *',
      ];
      assert.deepEqual(rightsOf(roleOf(name)), [...rights, ...own].sort(), name);
    }
  });

  test('come from one role each, which is Lambda’s to take and which nothing else adds to', () => {
    const roles = stack.ofType('AWS::IAM::Role');
    assert.deepEqual(
      [...roles.keys()].sort(),
      Object.keys(RIGHTS)
        .map((name) => `${placeOf(name)}/Role`)
        .sort(),
    );
    for (const [place, { Properties }] of roles) {
      assert.equal(Properties.ManagedPolicyArns, undefined, place);
      assert.equal(Properties.Policies.length, 1, place);
      assert.deepEqual(
        Properties.AssumeRolePolicyDocument.Statement,
        [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }],
        place,
      );
    }
    const others = Object.values(stack.resources).filter(
      ({ Type }) => Type.startsWith('AWS::IAM::') && Type !== 'AWS::IAM::Role',
    );
    assert.deepEqual(others, []);
    for (const [place, { Properties }] of stack.ofType('AWS::Lambda::Function')) {
      assert.equal(stack.text(Properties.Role), `<${place.replace('/Function', '/Role')}.Arn>`);
    }
  });

  test('to be invoked: by the API alone, from the function’s own path', () => {
    const permissions = [...stack.ofType('AWS::Lambda::Permission').values()].map(({ Properties }) => [
      Properties.Principal,
      Properties.Action,
      stack.text(Properties.FunctionName).replace(/^<(.*)\/Function\.Arn>$/, '$1'),
      stack.text(Properties.SourceArn).replace(/^.*<Api\/Http>\/\*\/\*/, ''),
    ]);
    const expected = functionRows.flatMap(({ name, trigger }) =>
      trigger.kind === 'http'
        ? [['apigateway.amazonaws.com', 'lambda:InvokeFunction', placeOf(name), trigger.path]]
        : [],
    );
    assert.deepEqual(permissions.sort(), expected.sort());
  });

  test('fall away with what they are about: without Kubo nobody reads a secret', () => {
    const without = synthStack({ kuboApiUrl: undefined });
    assert.equal(without.ofType('AWS::SecretsManager::Secret').size, 0);
    assert.equal(without.ofType('AWS::Lambda::Function').has('PublishSegment/Function'), false);
    assert.doesNotMatch(JSON.stringify(without.resources), /secretsmanager|PLUMBLINE_IPFS/);
  });
});

function roleOf(name: string): Resource {
  const role = stack.ofType('AWS::IAM::Role').get(`${placeOf(name)}/Role`);
  assert.ok(role, name);
  return role;
}

/** "action resource", and its condition, one by one. */
function rightsOf({ Properties }: Resource): string[] {
  const statements = Properties.Policies[0].PolicyDocument.Statement as {
    Effect: string;
    Action: string | string[];
    Resource: unknown;
    Condition?: unknown;
  }[];
  return statements
    .flatMap(({ Effect, Action, Resource, Condition }) => {
      assert.equal(Effect, 'Allow');
      const resources = Array.isArray(Resource) ? Resource : [Resource];
      const condition = Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`;
      return [Action].flat().flatMap((action) => resources.map((one) => `${action} ${stack.text(one)}${condition}`));
    })
    .sort();
}

function placeOf(name: string): string {
  return name
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}
