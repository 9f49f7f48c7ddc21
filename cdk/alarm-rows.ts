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
      says: 'The anchor function has not run for five minutes, so nothing is recorded. Check its queue and its errors.',
      metric: anchor.function.metricInvocations({ period: FIVE_MINUTES }),
      at: 1,
      below: true,
      missing: TreatMissingData.BREACHING,
    },
    {
      id: 'AnchorFailing',
      says: 'The anchor function fails. Its log has the error; recording continues once you have fixed it.',
      metric: anchor.function.metricErrors({ period: FIVE_MINUTES }),
      at: 3,
    },
    {
      id: 'AnchorLag',
      says: 'Stored batches have not become final for an hour longer than allowed. Check the chain, then the anchor’s log.',
      metric: counted(watched, 'anchor', 'Anchor.lagSeconds').with({ statistic: Stats.MAXIMUM }),
      at: LAG_SECONDS + Math.ceil(parameters.recordEveryMs / 1_000),
      periods: 3,
    },
    {
      id: 'AnchorQueueLag',
      says: 'The anchor’s wake-ups have been waiting for minutes, because its runs fail or are throttled. Check its log.',
      metric: queues.anchor.queue.metricApproximateAgeOfOldestMessage({
        period: FIVE_MINUTES,
        statistic: Stats.MAXIMUM,
      }),
      at: 300,
      periods: 2,
    },
    {
      id: 'IngestLag',
      says: 'Events of stored segments have been waiting for a quarter of an hour, so segments are checked in late. Check ingest-segment.',
      metric: queues['ingest-segment'].queue.metricApproximateAgeOfOldestMessage({
        period: FIVE_MINUTES,
        statistic: Stats.MAXIMUM,
      }),
      at: 900,
    },
    {
      id: 'SegmentRejected',
      says: 'A stored segment differs from what its device signed. The log of ingest-segment gives its key and the reason.',
      metric: counted(watched, 'ingest-segment', 'Ingest.rejected'),
      at: 1,
    },
    {
      id: 'SegmentLost',
      says: 'A segment’s object is gone. Restore its former version in the bucket; the log of segment-removed gives the key.',
      metric: counted(watched, 'segment-removed', 'Removal.lost'),
      at: 1,
    },
    {
      id: 'ReconcileFound',
      says: 'Segments were in the bucket but not in the table, so events or items were lost. They are now checked in. Find the cause.',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.found'),
      // Fewer may be of a queue that is behind by more than ten minutes: IngestLag tells of that.
      at: 10,
    },
    {
      id: 'ReconcileLost',
      says: 'Segments’ objects are gone, and no event said so. Restore their versions; the log of reconcile-segments gives the keys.',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.lost'),
      at: 1,
    },
    {
      id: 'ReconcileFailing',
      says: 'The service could not correct differences between bucket and table. The log of reconcile-segments has the errors.',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.failed'),
      at: 5,
    },
    {
      id: 'SegmentWaiting',
      says: 'A segment has waited an hour for the batch before it. The log of reconcile-segments gives block and time. Check its device.',
      metric: counted(watched, 'reconcile-segments', 'Reconcile.waitingSeconds').with({ statistic: Stats.MAXIMUM }),
      at: WAITING_SECONDS,
    },
    {
      id: 'LogUnreadable',
      says: 'The anchor cannot record a dataset, because parts of its log are missing or damaged. Run plumb service rebuild; the log of anchor names the dataset.',
      metric: counted(watched, 'anchor', 'Anchor.logUnreadable'),
      at: 1,
    },
    {
      id: 'RoundLag',
      says: 'Heads have waited for a round an hour longer than allowed. Check the chain and the relayer’s ether, then the anchor’s log.',
      metric: counted(watched, 'anchor', 'Anchor.roundLagSeconds').with({ statistic: Stats.MAXIMUM }),
      at: LAG_SECONDS + Math.ceil(parameters.roundEveryMs / 1_000),
      periods: 3,
    },
    {
      id: 'AnchorStopped',
      says: 'The anchor’s runs end before they finish, and its backlog grows. Give it more memory, or find out from its log what is slow.',
      metric: counted(watched, 'anchor', 'Anchor.stopped'),
      at: 3,
      periods: 3,
    },
    {
      id: 'AnchorFull',
      says: 'The anchor has as many unmined transactions as it may have, so it sends nothing new. Check gas prices and the node.',
      metric: counted(watched, 'anchor', 'Anchor.full'),
      at: 3,
      periods: 3,
    },
    {
      id: 'RoundMapLost',
      says: 'The anchor sends no round, because the table does not know the contents of the last one. Run plumb service rebuild.',
      metric: counted(watched, 'anchor', 'Anchor.mapLost'),
      at: 1,
    },
    {
      id: 'RoundFailing',
      says: 'The anchor cannot make a round. Its log has the error: a page of the map is lost, or the node leaves out rounds.',
      metric: counted(watched, 'anchor', 'Anchor.roundFailed'),
      at: 3,
    },
    {
      id: 'HeadContested',
      says: 'A dataset’s log does not extend its head in the last round, so rounds keep the old head. The log of anchor names the dataset.',
      metric: counted(watched, 'anchor', 'Anchor.headsContested'),
      at: 1,
    },
    {
      id: 'AnchoredElsewhere',
      says: 'Some stored datasets’ charters name another anchorer, so this service does not anchor them. The log of anchor names each dataset and both accounts. Their owners run plumb dataset anchor --elsewhere.',
      metric: counted(watched, 'anchor', 'Anchor.elsewhere'),
      at: 1,
      periods: 3,
    },
    {
      id: 'ChartersNotFollowed',
      says: 'The anchor cannot read new charters from the chain, so each function asks the node itself. Its log has the error: check the node.',
      metric: counted(watched, 'anchor', 'Anchor.chartersFailed'),
      at: 3,
      periods: 3,
    },
    {
      id: 'RelayerBalanceLow',
      says: 'The relayer is running out of ether. Send more to its account before recording stops; the log of anchor gives the account.',
      metric: counted(watched, 'anchor', 'Anchor.balanceGwei').with({ statistic: Stats.MINIMUM }),
      at: parameters.lowBalanceGwei,
      below: true,
    },
    {
      id: 'RelayerOutOfFunds',
      says: 'The relayer cannot pay for recording. Send ether to its account; the log of anchor gives the account and the amount.',
      metric: counted(watched, 'anchor', 'Anchor.outOfFunds'),
      at: 1,
    },
    {
      id: 'RelayerNonceTaken',
      says: 'Another program sends transactions from the relayer’s account. Find out who may use its key in KMS.',
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
      says: 'The anchor skips some datasets in every run. Its log names them and the error.',
      metric: counted(watched, 'anchor', 'Anchor.datasetFailed'),
      at: 5,
    },
    {
      id: 'ChainUnavailable',
      says: 'No node of the chain answers correctly. Until one does, the service admits nobody and records nothing. Check the nodes.',
      metric: chainUnavailable,
      at: 5,
    },
    {
      id: 'ChainOtherNode',
      says: 'The preferred node of the chain does not answer, so the service asks another one. The functions’ logs name it and give the reason.',
      metric: otherNode,
      at: 5,
      periods: 3,
    },
    {
      id: 'StoreUnavailable',
      says: 'The table, the bucket or a queue does not answer correctly. Check AWS’s health and throttling.',
      metric: storeUnavailable,
      at: 5,
    },
    {
      id: 'ClockRefusals',
      says: 'The service refuses many requests because of their time. Devices have wrong clocks, or someone repeats old requests.',
      metric: clockRefusals,
      at: 50,
    },
    {
      id: 'ApiFaults',
      says: 'Requests end with status 5xx. The functions’ logs have the errors.',
      metric: api.stage.metricServerError({ period: FIVE_MINUTES, statistic: Stats.SUM }),
      at: 5,
    },
    {
      id: 'EventFunctionsThrottled',
      says: 'Lambda refuses to run functions because the account is out of concurrency. Ask AWS for a higher limit.',
      metric: throttles(functions),
      at: 10,
    },
  ];
}
