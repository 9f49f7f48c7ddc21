import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { counted, type Watched } from './alarm-rows.ts';
import type { Alarms } from './alarms.ts';
import { nameOf } from './name-of.ts';

/** What an operator looks at first: alarms, then the way of a block from request to chain. */
export function createDashboard(
  scope: Construct,
  id: string,
  watched: Watched & { readonly alarms: Alarms },
): Dashboard {
  const { parameters, functions, queues, api, alarms } = watched;
  const period = Duration.minutes(5);
  const sum = { period, statistic: Stats.SUM };
  return new Dashboard(scope, id, {
    dashboardName: nameOf(parameters),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 4, alarms: [...alarms.alarms] })],
      [
        graph('Requests', [
          api.stage.metricCount(sum),
          api.stage.metricClientError(sum),
          api.stage.metricServerError(sum),
        ]),
        graph('Latency, 95th percentile', [api.stage.metricLatency({ period, statistic: Stats.percentile(95) })]),
        graph('Requests refused for their time; parts that do not answer', Object.values(alarms.fromLogs)),
      ],
      [
        graph(
          'Segments checked in',
          ['placed', 'waiting', 'superseded', 'rejected', 'gone'].map((outcome) =>
            counted(watched, 'ingest-segment', `Ingest.${outcome}`),
          ),
        ),
        graph('Objects removed', [
          counted(watched, 'segment-removed', 'Removal.lost'),
          counted(watched, 'segment-removed', 'Removal.present'),
        ]),
        graph(
          'Bucket and table compared',
          ['found', 'lost', 'failed'].map((outcome) => counted(watched, 'reconcile-segments', `Reconcile.${outcome}`)),
        ),
        graph('Longest wait for an earlier batch, s', [
          counted(watched, 'reconcile-segments', 'Reconcile.waitingSeconds').with({ statistic: Stats.MAXIMUM }),
        ]),
        graph('Oldest batch that is not final, s', [
          counted(watched, 'anchor', 'Anchor.lagSeconds').with({ statistic: Stats.MAXIMUM }),
        ]),
        graph('Relayer’s balance, gwei', [
          counted(watched, 'anchor', 'Anchor.balanceGwei').with({ statistic: Stats.MINIMUM }),
        ]),
      ],
      [
        graph(
          'Recording',
          ['sent', 'final', 'suspended', 'outOfFunds', 'refusedByNode'].map((outcome) =>
            counted(watched, 'anchor', `Anchor.${outcome}`),
          ),
        ),
        graph(
          'Rounds; runs that did not finish',
          ['rounds', 'roundsFinal', 'stopped', 'full'].map((outcome) =>
            counted(watched, 'anchor', `Anchor.${outcome}`),
          ),
        ),
        graph('Datasets still waiting after a run of the anchor', [
          counted(watched, 'anchor', 'Anchor.backlog').with({ statistic: Stats.MAXIMUM }),
        ]),
      ],
      [
        graph(
          'Age of the oldest message, s',
          Object.values(queues).map(({ queue }) =>
            queue.metricApproximateAgeOfOldestMessage({ period, statistic: Stats.MAXIMUM }),
          ),
        ),
        graph(
          'Duration, 95th percentile, ms',
          functions.map((one) => one.function.metricDuration({ period, statistic: Stats.percentile(95) })),
        ),
        graph(
          'Errors of functions',
          functions.map((one) => one.function.metricErrors(sum)),
        ),
      ],
    ],
  });
}

function graph(title: string, left: IMetric[]): IWidget {
  return new GraphWidget({ title, left, width: 8, height: 6 });
}
