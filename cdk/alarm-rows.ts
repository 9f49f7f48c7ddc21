import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { type EventName, eventRows } from '../functions/table.ts';
import type { EventQueue } from './event-queue.ts';
import type { ServiceApi } from './http-api.ts';
import type { Parameters } from './read-parameters.ts';
import type { ServiceFunction } from './service-function.ts';

export interface Watched {
  readonly parameters: Parameters;
  readonly functions: readonly ServiceFunction[];
  readonly queues: Readonly<Record<EventName, EventQueue>>;
  readonly api: ServiceApi;
}

/** Counted from the logs, of this stage alone. */
export type FromLogs = Readonly<
  Record<'chainUnavailable' | 'otherNode' | 'storeUnavailable' | 'clockRefusals', Metric>
>;

/** Something that a person should come for. */
export interface AlarmRow {
  readonly id: string;
  /** What it means, and what to do first. */
  readonly says: string;
  readonly metric: IMetric;
  /** Alarms at this value and above; `below` turns it round. */
  readonly at: number;
  readonly below?: true;
  readonly periods?: number;
  /** When nothing is measured: usually nothing has happened. */
  readonly missing?: TreatMissingData;
}

/** Of all that a stage counts: functions/observe is told of it by its environment. */
export const namespaceOf = ({ prefix, stage }: Pick<Parameters, 'prefix' | 'stage'>): string => `${prefix}/${stage}`;

/** Finality takes a quarter of an hour on Ethereum, a stuck transaction is replaced every two minutes. */
const LAG_SECONDS = 3_600;
/** A device that is up uploads what is missing within minutes. */
const WAITING_SECONDS = 3_600;
export const FIVE_MINUTES = Duration.minutes(5);

/** All alarms of a stage; the operator's runbook says more of each. */
export function alarmRows(watched: Watched, fromLogs: FromLogs): AlarmRow[] {
  return [...deadLetterRows(watched), ...serviceRows(watched, fromLogs)];
}

/** What a function counts itself. */
export function counted({ parameters }: Pick<Watched, 'parameters'>, service: string, metricName: string): Metric {
  return new Metric({
    namespace: namespaceOf(parameters),
    metricName,
    dimensionsMap: { service },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
  });
}

export function functionNamed(functions: readonly ServiceFunction[], name: string): ServiceFunction {
  return functions.find(({ row }) => row.name === name) as ServiceFunction;
}

function deadLetterRows({ queues }: Watched): AlarmRow[] {
  return (Object.keys(eventRows) as EventName[]).map((name) => {
    const { alarm, says } = eventRows[name].trigger.queue.putAside;
    const metric = queues[name].deadLetters.metricApproximateNumberOfMessagesVisible({
      period: FIVE_MINUTES,
      statistic: Stats.MAXIMUM,
    });
    return { id: alarm, says, metric, at: 1 };
  });
}

function throttles(functions: readonly ServiceFunction[]): MathExpression {
  const watched = [...Object.keys(eventRows), 'upload-segment'];
  const usingMetrics = Object.fromEntries(
    watched.map((name, number) => [
      `m${number}`,
      functionNamed(functions, name).function.metricThrottles({ period: FIVE_MINUTES }),
    ]),
  );
  return new MathExpression({
    expression: Object.keys(usingMetrics).join(' + '),
    usingMetrics,
    label: 'throttled',
    period: FIVE_MINUTES,
  });
}

function serviceRows(watched: Watched, fromLogs: FromLogs): AlarmRow[] {
  const { functions, queues, api, parameters } = watched;
  const anchor = functionNamed(functions, 'anchor');
  const { chainUnavailable, otherNode, storeUnavailable, clockRefusals } = fromLogs;
  return [
    {
      id: 'AnchorSilent',
      says: 'The anchor function has not run for five minutes, so nothing is recorded. Look at its queue and its errors.',
      metric: anchor.function.metricInvocations({ period: FIVE_MINUTES }),
      at: 1,
      below: true,
      missing: TreatMissingData.BREACHING,
    },
    {
      id: 'AnchorFailing',
      says: 'Runs of the anchor function fail. Its log has the error; recording goes on once it is mended.',
      metric: anchor.function.metricErrors({ period: FIVE_MINUTES }),
      at: 3,
    },
    {
      id: 'AnchorLag',
      says: 'Stored batches have not become final for an hour longer than they may wait. Look at the chain, then at the anchor’s log.',
      metric: counted(watched, 'anchor', 'Anchor.lagSeconds').with({ statistic: Stats.MAXIMUM }),
      at: LAG_SECONDS + Math.ceil(parameters.recordEveryMs / 1_000),
      periods: 3,
    },
    {
      id: 'AnchorQueueLag',
      says: 'Wake-ups of the anchor have been waiting for minutes: its runs fail or are throttled. Look at its log.',
      metric: queues.anchor.queue.metricApproximateAgeOfOldestMessage({
        period: FIVE_MINUTES,
        statistic: Stats.MAXIMUM,
      }),
      at: 300,
      periods: 2,
    },
    {
      id: 'IngestLag',
      says: 'Events of stored segments have been waiting for a quarter of an hour: segments are checked in late.',
      metric: queues['ingest-segment'].queue.metricApproximateAgeOfOldestMessage({
        period: FIVE_MINUTES,
        statistic: Stats.MAXIMUM,
      }),
      at: 900,
    },
    {
      id: 'SegmentRejected',
      says: 'A stored segment is not what its device signed. The log of ingest-segment names its key and the reason.',
      metric: counted(watched, 'ingest-segment', 'Ingest.rejected'),
      at: 1,
    },
    {
      id: 'SegmentLost',
      says: 'The object of a segment is gone. Restore its former version in the bucket; the log of segment-removed names the key.',
      metric: counted(watched, 'segment-removed', 'Removal.lost'),
      at: 1,
    },
    {
      id: 'ReconcileFound',
      says: 'Segments lay in the bucket and were not in the table: events or items are lost. They are checked in now; find out why.',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.found'),
      // Fewer may be segments whose events were just on their way.
      at: 10,
    },
    {
      id: 'ReconcileLost',
      says: 'Objects of segments are gone, and no event said so. Restore their versions; the log of reconcile-segments names the keys.',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.lost'),
      at: 1,
    },
    {
      id: 'ReconcileFailing',
      says: 'What bucket and table differ in could not be mended. The log of reconcile-segments has the errors.',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.failed'),
      at: 5,
    },
    {
      id: 'SegmentWaiting',
      says: 'A segment has waited for an hour for the batch before it. The log of reconcile-segments names block and time: is its device up?',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.waitingSeconds').with({ statistic: Stats.MAXIMUM }),
      at: WAITING_SECONDS,
    },
    {
      id: 'LogUnreadable',
      says: 'A dataset cannot be recorded because parts of its log are missing or damaged. Run plumb service rebuild; the log of anchor names it.',
      metric: counted(watched, 'anchor', 'Anchor.logUnreadable'),
      at: 1,
    },
    {
      id: 'RoundLag',
      says: 'Heads wait for a round an hour longer than they may. Look at the chain and the relayer’s ether, then at the anchor’s log.',
      metric: counted(watched, 'anchor', 'Anchor.roundLagSeconds').with({ statistic: Stats.MAXIMUM }),
      at: LAG_SECONDS + Math.ceil(parameters.roundEveryMs / 1_000),
      periods: 3,
    },
    {
      id: 'AnchorStopped',
      says: 'Runs of the anchor end before they have looked at everything, and what is left grows. Give it more memory, or find in its log what is slow.',
      metric: counted(watched, 'anchor', 'Anchor.stopped'),
      at: 3,
      periods: 3,
    },
    {
      id: 'AnchorFull',
      says: 'As many transactions wait to be mined as the anchor may have under way, so nothing new is sent. Look at gas prices and the node.',
      metric: counted(watched, 'anchor', 'Anchor.full'),
      at: 3,
      periods: 3,
    },
    {
      id: 'RoundMapLost',
      says: 'No round is sent, as the table does not know what the last one was made of. Run plumb service rebuild.',
      metric: counted(watched, 'anchor', 'Anchor.mapLost'),
      at: 1,
    },
    {
      id: 'RoundFailing',
      says: 'Runs of the anchor cannot make a round. Its log has the error: a page of the map is lost, or the node leaves rounds out.',
      metric: counted(watched, 'anchor', 'Anchor.roundFailed'),
      at: 3,
    },
    {
      id: 'HeadContested',
      says: 'A dataset’s log does not extend what a round has of it, so rounds keep the old head. The log of anchor names the dataset.',
      metric: counted(watched, 'anchor', 'Anchor.headsContested'),
      at: 1,
    },
    {
      id: 'AnchoredElsewhere',
      says: 'Charters of stored datasets name another anchorer, so this service does not anchor them. The log of anchor names both accounts.',
      metric: counted(watched, 'anchor', 'Anchor.elsewhere'),
      at: 1,
      periods: 3,
    },
    {
      id: 'RelayerBalanceLow',
      says: 'The relayer’s ether runs out. Send more to its account before recording stops; the log of anchor names it.',
      metric: counted(watched, 'anchor', 'Anchor.balanceGwei').with({ statistic: Stats.MINIMUM }),
      at: parameters.lowBalanceGwei,
      below: true,
    },
    {
      id: 'RelayerOutOfFunds',
      says: 'The relayer cannot pay for recording. Send ether to its account; the log of anchor names it and the sum.',
      metric: counted(watched, 'anchor', 'Anchor.outOfFunds'),
      at: 1,
    },
    {
      id: 'RelayerNonceTaken',
      says: 'Something else sends transactions from the relayer’s account. Find out who may use its key in KMS.',
      metric: counted(watched, 'anchor', 'Anchor.nonceTaken'),
      at: 1,
    },
    {
      id: 'TransactionRefused',
      says: 'The node refuses the relayer’s transactions. The log of anchor has its reason.',
      metric: counted(watched, 'anchor', 'Anchor.refusedByNode'),
      at: 3,
    },
    {
      id: 'DatasetSuspended',
      says: 'DISSC refuses an update, so its dataset is not recorded until its head moves. The log of anchor says why.',
      metric: counted(watched, 'anchor', 'Anchor.suspended'),
      at: 1,
    },
    {
      id: 'DatasetFailing',
      says: 'Datasets are passed over in every run of the anchor. Its log names them and the error.',
      metric: counted(watched, 'anchor', 'Anchor.datasetFailed'),
      at: 5,
    },
    {
      id: 'ChainUnavailable',
      says: 'No node of the chain answers as it should; meanwhile nobody is let in and nothing is recorded.',
      metric: chainUnavailable,
      at: 5,
    },
    {
      id: 'ChainOtherNode',
      says: 'The preferred node of the chain does not answer, and another one is asked. The functions’ logs name it and say why.',
      metric: otherNode,
      at: 5,
      periods: 3,
    },
    {
      id: 'StoreUnavailable',
      says: 'Table, bucket or queue do not answer as they should. Look at AWS’s health and at throttling.',
      metric: storeUnavailable,
      at: 5,
    },
    {
      id: 'ClockRefusals',
      says: 'Many requests are refused for their time: devices with wrong clocks, or somebody repeats old requests.',
      metric: clockRefusals,
      at: 50,
    },
    {
      id: 'ApiFaults',
      says: 'Requests end with a status of 5xx. The functions’ logs have the errors.',
      metric: api.stage.metricServerError({ period: FIVE_MINUTES, statistic: Stats.SUM }),
      at: 5,
    },
    {
      id: 'EventFunctionsThrottled',
      says: 'Lambda refuses to run functions for lack of concurrency. Ask AWS for a higher limit of the account.',
      metric: throttles(functions),
      at: 10,
    },
  ];
}
