import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { functionRows } from '../../functions/table.ts';
import { placeOf } from './function-rights.ts';
import { type Synthesised, synthStack, synthStackWith } from './synth-stack.ts';

interface Acknowledged {
  readonly id: string;
  readonly reason: string;
}

let stack: Synthesised;
before(() => {
  stack = synthStack({ stage: 'prod' });
});

describe('the AwsSolutions rules', () => {
  test('stop a deployment with a bucket that takes plaintext', () => {
    assert.throws(() => synthStackWith((into) => new Bucket(into, 'Careless')), /Validation failed/);
  });

  test('are acknowledged one finding of one resource at a time, and only these', () => {
    const shown = [...acknowledged(stack)].map(([place, list]) => [place, list.map(({ id }) => id).sort()]);
    const segments = 'AwsSolutions-IAM5[Resource::<StoreSegmentsC0D51B43.Arn>/*]';
    const own = ['charter-*', 'tile/*'].map((keys) => segments.replace('/*]', `/*/${keys}]`));
    const aside = ['*.car', 'rejected/*'].map((keys) => segments.replace('/*]', `/${keys}]`));
    const traces = 'AwsSolutions-IAM5[Resource::*]';
    const roles = functionRows.map(({ name, may }) => [
      `${placeOf(name)}/Role`,
      [
        traces,
        ...(may.objects === undefined ? [] : [segments]),
        ...(may.objects === 'read-put' ? own : []),
        ...(may.objects === 'read-list-aside' ? aside : []),
      ].sort(),
    ]);
    const routes = functionRows.flatMap(({ trigger }) =>
      trigger.kind === 'http'
        ? [[`Api/Http/${`${trigger.method}${trigger.path}`.replaceAll('/', '--')}`, ['AwsSolutions-APIG4']]]
        : [],
    );
    assert.deepEqual(shown.sort(), [...roles, ...routes, ['IpfsToken', ['AwsSolutions-SMG4']]].sort());
    for (const list of acknowledged(stack).values()) {
      for (const { id, reason } of list) assert.ok(reason.length > 30, `${id}: ${reason}`);
    }
  });
});

/** Acknowledged findings by the place of their resource. */
function acknowledged({ resources }: Synthesised): Map<string, readonly Acknowledged[]> {
  const found = new Map<string, readonly Acknowledged[]>();
  for (const { Metadata } of Object.values(resources)) {
    const nag = Metadata?.cdk_nag as { rules_to_suppress: readonly Acknowledged[] } | undefined;
    const place = String(Metadata?.['aws:cdk:path'])
      .replace(/^[^/]+\//, '')
      .replace(/\/Resource$/, '');
    if (nag !== undefined) found.set(place, nag.rules_to_suppress);
  }
  return found;
}
