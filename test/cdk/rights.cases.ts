import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { functionRows } from '../../functions/table.ts';
import { placeOf, RIGHTS, rightsIn } from './function-rights.ts';
import { CONTEXT, type Resource, type Synthesised, synthStack } from './synth-stack.ts';

let stack: Synthesised;
before(() => {
  stack = synthStack();
});

describe('the rights of the functions', () => {
  test('are exactly those written down here, function by function', () => {
    assert.equal(Object.keys(RIGHTS).length, functionRows.length);
    const text = (value: unknown) => stack.text(value).replace(CONTEXT.rpcSecret, '<nodes>');
    // The row of a function decides; these three are held by name, as what they may do is worth most.
    assert.deepEqual(
      RIGHTS['get-openapi']?.filter((right) => !/^(logs|xray):/.test(right)),
      [],
    );
    const [signing, writing, removing] = ['kms:Sign', 's3:PutObject', 's3:DeleteObject'].map((action) =>
      Object.entries(RIGHTS).flatMap(([name, rights]) => (rights.some((one) => one.startsWith(action)) ? [name] : [])),
    );
    assert.deepEqual([signing, removing], [['anchor'], ['reconcile-segments']]);
    assert.deepEqual(writing, ['upload-segment', 'put-charter', 'anchor', 'reconcile-segments']);
    // All but devices' segments, whose addresses it signs, are named by what the service itself writes.
    for (const [name, rights] of Object.entries(RIGHTS)) {
      if (name === 'upload-segment') continue;
      const written = rights.filter((one) => one.startsWith('s3:PutObject'));
      assert.ok(
        written.every((one) => /\/(tile\/|charter-|rejected\/)\*$/.test(one)),
        `${name}: ${written}`,
      );
    }
    for (const [name, rights] of Object.entries(RIGHTS)) {
      assert.deepEqual(rightsIn(roleOf(name).Properties.Policies[0].PolicyDocument, text), rights, name);
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

  test('to be invoked by other accounts: those named, the two functions that hash, and nothing else', () => {
    const named = synthStack({ invokers: '111111111111,222222222222' });
    const permissions = [...named.ofType('AWS::Lambda::Permission').values()]
      .map(({ Properties }) => Properties)
      .filter(({ Principal }) => Principal !== 'apigateway.amazonaws.com')
      .map(({ Principal, Action, FunctionName }) => `${named.text(Principal)} ${Action} ${named.text(FunctionName)}`);
    assert.deepEqual(permissions.sort(), [
      '111111111111 lambda:InvokeFunction <HashBlocks/Function.Arn>',
      '111111111111 lambda:InvokeFunction <ProveChunks/Function.Arn>',
      '222222222222 lambda:InvokeFunction <HashBlocks/Function.Arn>',
      '222222222222 lambda:InvokeFunction <ProveChunks/Function.Arn>',
    ]);
  });

  test('fall away with what they are about: without Kubo nobody reads its token', () => {
    const without = synthStack({ kuboApiUrl: undefined });
    assert.equal(without.ofType('AWS::SecretsManager::Secret').size, 0);
    assert.equal(without.ofType('AWS::Lambda::Function').has('PublishSegment/Function'), false);
    assert.doesNotMatch(JSON.stringify(without.resources), /IpfsToken|PLUMBLINE_IPFS/);
  });
});

function roleOf(name: string): Resource {
  const role = stack.ofType('AWS::IAM::Role').get(`${placeOf(name)}/Role`);
  assert.ok(role, name);
  return role;
}
