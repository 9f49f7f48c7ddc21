import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { PROBLEMS } from '../../functions/answer/problem.ts';
import { functionRows } from '../../functions/table.ts';
import { type Synthesised, synthStack } from './synth-stack.ts';

const functionsFolder = join(import.meta.dirname, '..', '..', 'functions');

let stack: Synthesised;
before(() => {
  stack = synthStack();
});

describe('the alarms', () => {
  test('are those that the runbook explains', () => {
    const names = [...stack.ofType('AWS::CloudWatch::Alarm').values()].map(({ Properties }) => Properties.AlarmName);
    assert.deepEqual(
      names.sort(),
      [
        ...[
          'AnchorDeadLetters',
          'AnchorFailing',
          'AnchorFull',
          'AnchorLag',
          'AnchorQueueLag',
          'AnchorSilent',
          'AnchorStopped',
          'AnchoredElsewhere',
          'ApiFaults',
          'ChainOtherNode',
          'ChainUnavailable',
          'ChartersNotFollowed',
        ],
        ...['ClockRefusals', 'DatasetFailing', 'DatasetSuspended', 'EventFunctionsThrottled', 'HeadContested'],
        ...[
          'IngestDeadLetters',
          'IngestLag',
          'LogUnreadable',
          'ReconcileDeadLetters',
          'ReconcileFailing',
          'ReconcileFound',
          'ReconcileLost',
          'RelayerBalanceLow',
          'RelayerNonceTaken',
          'RelayerOutOfFunds',
          'RemovalDeadLetters',
          'RoundFailing',
          'RoundLag',
          'RoundMapLost',
          'SegmentLost',
        ],
        ...['SegmentRejected', 'SegmentWaiting', 'StoreUnavailable', 'TransactionRefused'],
      ].map((id) => `plumbline-dev-${id}`),
    );
  });

  test('tell a person, when it goes wrong and when it is well again', () => {
    for (const [place, { Properties }] of stack.ofType('AWS::CloudWatch::Alarm')) {
      assert.deepEqual(Properties.AlarmActions.map(stack.text), ['<Alarms/Topic>'], place);
      assert.deepEqual(Properties.OKActions.map(stack.text), ['<Alarms/Topic>'], place);
      assert.ok(Properties.AlarmDescription.length > 60, place);
    }
    const [subscription] = stack.ofType('AWS::SNS::Subscription').values();
    assert.equal(subscription?.Properties.Endpoint, 'operator@plumbline.example');
    assert.equal(stack.text(subscription?.Properties.TopicArn), '<Alarms/Topic>');
    // CloudWatch must be able to use the topic's key, or no alarm arrives.
    const key = stack.ofType('AWS::KMS::Key').get('Alarms/TopicKey')?.Properties;
    const users = (key.KeyPolicy.Statement as { Principal: { Service?: string }; Action: unknown }[]).filter(
      ({ Principal }) => Principal.Service === 'cloudwatch.amazonaws.com',
    );
    assert.deepEqual(
      users.map(({ Action }) => Action),
      [['kms:Decrypt', 'kms:GenerateDataKey*']],
    );
  });

  test('watch what the functions really count, under the names that they give', () => {
    const counted = countedMetrics();
    const watched = [...stack.ofType('AWS::CloudWatch::Alarm').values()]
      .map(({ Properties }) => Properties)
      .filter(({ Namespace, Dimensions }) => Namespace === 'plumbline/dev' && Dimensions !== undefined);
    assert.ok(watched.length >= 10);
    for (const { MetricName, Dimensions } of watched) {
      assert.ok(
        counted.some((pattern) => pattern.test(MetricName)),
        MetricName,
      );
      assert.equal(Dimensions.length, 1);
      assert.equal(Dimensions[0].Name, 'service');
      assert.ok(
        functionRows.some(({ name }) => name === Dimensions[0].Value),
        Dimensions[0].Value,
      );
    }
  });

  test('count the lines of every function’s log by what the functions write', () => {
    const filters = [...stack.ofType('AWS::Logs::MetricFilter').values()].map(({ Properties }) => Properties);
    const byMetric = Map.groupBy(filters, ({ MetricTransformations: [made] }) => String(made.MetricName));
    const patterns = [...byMetric].map(([name, list]) => [name, list.length, list[0]?.FilterPattern]);
    assert.deepEqual(patterns.sort(), [
      ['ChainUnavailable', functionRows.length, '?"LedgerUnavailableError" ?"ChainAnswerError"'],
      ['ClockRefusals', functionRows.length, '{ $.problem = "/problems/clock" }'],
      ['OtherNode', functionRows.length, '{ $.message = "another node of the chain was asked" }'],
      ['StoreUnavailable', functionRows.length, 'StoreUnavailableError'],
    ]);
    assert.ok('/problems/clock' in PROBLEMS);
    const chain = readFileSync(join(functionsFolder, '..', 'lambda', 'open', 'chain.ts'), 'utf8');
    assert.ok(chain.includes("'another node of the chain was asked'"));
    const errors = readFileSync(join(functionsFolder, '..', 'core', 'errors.ts'), 'utf8');
    for (const name of ['LedgerUnavailableError', 'ChainAnswerError', 'StoreUnavailableError'])
      assert.ok(errors.includes(`name = '${name}'`));
    for (const { MetricTransformations } of filters) {
      assert.equal(MetricTransformations[0].MetricNamespace, 'plumbline/dev');
    }
  });

  test('call a silent anchor a fault, where silence elsewhere is peace', () => {
    const alarms = stack.ofType('AWS::CloudWatch::Alarm');
    for (const [place, { Properties }] of alarms) {
      const expected = place === 'Alarms/AnchorSilent' ? 'breaching' : 'notBreaching';
      assert.equal(Properties.TreatMissingData, expected, place);
    }
    const silent = alarms.get('Alarms/AnchorSilent')?.Properties;
    assert.equal(silent.ComparisonOperator, 'LessThanThreshold');
    assert.equal(silent.MetricName, 'Invocations');
  });

  test('are on a dashboard', () => {
    const [dashboard] = stack.ofType('AWS::CloudWatch::Dashboard').values();
    assert.equal(dashboard?.Properties.DashboardName, 'plumbline-dev');
    const body = stack.text(dashboard?.Properties.DashboardBody);
    assert.match(body, /Alarms\/RelayerOutOfFunds/);
  });
});

/** Every name that the functions count under; what is filled in at run time matches anything. */
function countedMetrics(): RegExp[] {
  const files = readdirSync(functionsFolder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  return files.flatMap((file) => {
    const source = readFileSync(join(functionsFolder, file), 'utf8');
    return [...source.matchAll(/['`]((?:Anchor|Ingest|Removal|Reconcile)\.[\w${}]+)['`]/g)].map(
      ([, name]) => new RegExp(`^${(name ?? '').replace('.', '\\.').replaceAll(/\$\{\w+\}/g, '\\w+')}$`),
    );
  });
}
