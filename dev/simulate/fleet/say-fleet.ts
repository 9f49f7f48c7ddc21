import { counted } from '../../../core/counted.ts';
import { type CountName, NO_COUNTS } from './counts.ts';
import type { FleetMinute, FleetResult } from './simulate-fleet.ts';

/** A result with where and how it was made. */
export interface FleetRun extends FleetResult {
  readonly signatures: string;
  readonly machine: string;
  readonly took: { readonly seconds: number; readonly cpuSeconds: number; readonly memoryMb: number };
}

const COLUMNS: readonly (keyof FleetMinute)[] = [
  ...(['minute', 'rounds', 'transactions', 'gas', 'feesGwei', ...(Object.keys(NO_COUNTS) as CountName[])] as const),
  ...(['sealed', 'stored', 'waiting', 'backlog', 'oldestSeconds', 'events'] as const),
];

export function fleetCsv({ options, minutes, machine, signatures }: FleetRun): string {
  const { latencies, ...rest } = options;
  const notes = [
    `# ${JSON.stringify(rest)}`,
    `# ${JSON.stringify(latencies)}`,
    `# signatures ${signatures}; ${machine}`,
  ];
  const lines = minutes.map((minute) => COLUMNS.map((name) => minute[name]).join(','));
  return `${[...notes, COLUMNS.join(','), ...lines].join('\n')}\n`;
}

export function sayMinute(one: FleetMinute): string {
  const { minute, rounds, rpcRequests, tableReads, tableWrites, objectRequests, waiting, backlog, events } = one;
  const asked = `rpc ${rpcRequests}, reads ${tableReads}, writes ${tableWrites}, objects ${objectRequests}`;
  return `minute ${minute}: rounds ${rounds}, ${asked}, waiting ${waiting}, backlog ${backlog}, oldest ${one.oldestSeconds} s, events ${events}`;
}

export function saySummary({
  options,
  all,
  byParty,
  burst,
  settled,
  failedEvents,
  deadLetters,
  errors,
  warnings,
  metrics,
  took,
  machine,
  signatures,
}: FleetRun): string {
  const batches = all.sealed;
  const each = (count: number): string => (count / Math.max(1, batches)).toFixed(2);
  const parties = Object.entries(byParty).map(([party, counts]) => {
    const { rpcRequests, tableReads, tableWrites, objectRequests, invocations } = counts;
    return `  ${party}: rpc ${rpcRequests}, reads ${tableReads}, writes ${tableWrites}, objects ${objectRequests}, invocations ${invocations}`;
  });
  return [
    `${counted(options.devices, 'device')}, ${counted(options.minutes, 'minute')}, ${counted(batches, 'batch')}; signatures ${signatures}; ${took.seconds} s, ${took.cpuSeconds} s of processor, ${took.memoryMb} MB`,
    `rounds ${all.rounds}, transactions ${all.transactions}, gas ${all.gas}, fees ${all.feesGwei} gwei`,
    `a batch: ${each(all.rpcRequests)} RPC requests, ${each(all.tableReads)} table reads, ${each(all.tableWrites)} writes, ${each(all.objectRequests)} object requests`,
    `backlog ${all.backlog}, waiting ${all.waiting}, oldest ${all.oldestSeconds} s; settled in ${counted(settled.minutes, 'minute')}: not anchored ${settled.notAnchored}, not final ${settled.notFinal}, not stored ${settled.notStored}`,
    `events that failed ${failedEvents}, given up ${deadLetters}; calls refused ${all.failedCalls}, writes that met another ${all.refusedWrites}`,
    ...(burst === null
      ? []
      : [
          `${burst.batches} that came at once were checked in within ${burst.seconds.toFixed(1)} s: ${burst.perSecond.toFixed(0)} a second`,
        ]),
    ...parties,
    `metrics ${JSON.stringify(metrics)}`,
    ...Object.entries({ ...errors, ...warnings }).map(([what, count]) => `said ${count} times: ${what}`),
    machine,
  ].join('\n');
}
