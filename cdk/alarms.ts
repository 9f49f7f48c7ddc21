import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { FilterPattern, type IFilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { type AlarmRow, alarmRows, FIVE_MINUTES, type FromLogs, namespaceOf, type Watched } from './alarm-rows.ts';
import { nameOf } from './name-of.ts';
import type { Parameters } from './read-parameters.ts';

/** The alarms and the topic that tells of them. */
export class Alarms extends Construct {
  readonly topic: Topic;
  readonly alarms: readonly Alarm[];
  readonly fromLogs: FromLogs;

  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    this.topic = this.#createTopic(watched.parameters);
    this.fromLogs = {
      chainUnavailable: this.#countLines(
        watched,
        'ChainUnavailable',
        FilterPattern.anyTerm('LedgerUnavailableError', 'ChainAnswerError'),
      ),
      otherNode: this.#countLines(
        watched,
        'OtherNode',
        FilterPattern.stringValue('$.message', '=', 'another node of the chain was asked'),
      ),
      storeUnavailable: this.#countLines(watched, 'StoreUnavailable', FilterPattern.literal('StoreUnavailableError')),
      clockRefusals: this.#countLines(
        watched,
        'ClockRefusals',
        FilterPattern.stringValue('$.problem', '=', '/problems/clock'),
      ),
    };
    this.alarms = alarmRows(watched, this.fromLogs).map((row) => this.#createAlarm(watched, row));
  }

  #createAlarm({ parameters }: Watched, row: AlarmRow): Alarm {
    const alarm = new Alarm(this, row.id, {
      alarmName: `${nameOf(parameters)}-${row.id}`,
      alarmDescription: row.says,
      metric: row.metric,
      threshold: row.at,
      comparisonOperator:
        row.below === true
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: row.periods ?? 1,
      treatMissingData: row.missing ?? TreatMissingData.NOT_BREACHING,
    });
    const tell = new SnsAction(this.topic);
    alarm.addAlarmAction(tell);
    alarm.addOkAction(tell);
    return alarm;
  }

  /** Encrypted by a key of its own: CloudWatch cannot use the one that AWS has for topics. */
  #createTopic(parameters: Parameters): Topic {
    const { alarmEmail } = parameters;
    const key = new Key(this, 'TopicKey', {
      description: `Encrypts alarms of Plumbline (${nameOf(parameters)}) on their way`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    const topic = new Topic(this, 'Topic', {
      displayName: nameOf(parameters),
      masterKey: key,
      enforceSSL: true,
    });
    if (alarmEmail !== null) topic.addSubscription(new EmailSubscription(alarmEmail));
    return topic;
  }

  /** Lines of any function's log that match, as a metric of this stage. */
  #countLines({ functions, parameters }: Watched, metricName: string, filterPattern: IFilterPattern): Metric {
    const metricNamespace = namespaceOf(parameters);
    for (const { row, logGroup } of functions) {
      new MetricFilter(this, `${metricName}-${row.name}`, {
        logGroup,
        filterPattern,
        metricNamespace,
        metricName,
        metricValue: '1',
      });
    }
    return new Metric({ namespace: metricNamespace, metricName, statistic: Stats.SUM, period: FIVE_MINUTES });
  }
}
