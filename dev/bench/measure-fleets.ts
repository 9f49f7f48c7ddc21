import { join } from 'node:path';
import type { Measured } from './report/goal.ts';
import { runJson } from './run-json.ts';

/** Of what the fleet's simulator prints, what is compared with goals. */
interface FleetRun {
  readonly minutes: readonly { readonly minute: number; readonly backlog: number }[];
  readonly all: {
    readonly stored: number;
    readonly rounds: number;
    readonly transactions: number;
    readonly gas: number;
    readonly backlog: number;
    readonly oldestSeconds: number;
  };
  readonly byParty: Readonly<
    Record<string, { readonly rpcRequests: number; readonly tableReads: number; readonly tableWrites: number }>
  >;
  readonly burst: { readonly batches: number; readonly perSecond: number } | null;
  readonly deadLetters: number;
  readonly took: { readonly cpuSeconds: number };
}

interface WaitingFigure {
  readonly devices: number;
  readonly rpcPerDeviceMinute: number;
  readonly complete: number;
}

const PROGRAM = join('..', 'simulate', 'fleet', 'run-fleet.ts');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OUTAGE = { from: 30, until: 90, all: 120 } as const;

/** An hour of a fleet, an outage of an hour, and what comes at once: under virtual time, so that no other work changes them. */
export async function measureFleets(
  { quick, out, fleet }: { readonly quick: boolean; readonly out: string; readonly fleet: number },
  signal: AbortSignal,
): Promise<Measured[]> {
  const run = (name: string, parameters: readonly string[]) => {
    const files = ['--csv', join(out, `${name}.csv`), '--svg', join(out, `${name}.svg`)];
    return runJson<FleetRun>(PROGRAM, [...parameters, '--light', '--quiet', ...files], 6 * HOUR_MS, signal);
  };
  const minutes = quick ? 10 : 60;
  const hour = await run('fleet', ['--devices', `${fleet}`, '--minutes', `${minutes}`, '--settle', '0']);
  const broken = Math.max(1, Math.floor(fleet / 10));
  const { from, until, all } = quick ? { from: 2, until: 5, all: 10 } : OUTAGE;
  const outage = await run('fleet-outage', [
    ...[
      '--devices',
      `${broken}`,
      '--minutes',
      `${all}`,
      '--outage',
      `${from}-${until}`,
      '--of',
      'service',
      '--settle',
      '0',
    ],
  ]);
  const burst = await run('fleet-burst', [
    ...['--devices', quick ? '50' : '300', '--burst', '10', '--minutes', '1', '--ingest', '50', '--settle', '0'],
  ]);
  const anchor = hour.byParty.anchor ?? { rpcRequests: 0, tableReads: 0, tableWrites: 0 };
  const of = `${fleet} devices, ${minutes} minutes, simulated`;
  const note = `${hour.all.stored} batches, ${hour.all.transactions} transactions, ${hour.took.cpuSeconds} s of processor`;
  return [
    { what: `${of}: backlog`, value: hour.all.backlog, unit: 'batches', goal: { most: 0 }, note },
    { what: `${of}: gas`, value: hour.all.gas, unit: 'gas', note: `${hour.all.rounds} rounds` },
    {
      what: `${of}: RPC requests of the anchor a round`,
      ...{ value: anchor.rpcRequests / Math.max(1, hour.all.rounds), unit: 'requests', goal: { most: 30 } },
    },
    {
      what: `${of}: table requests of the anchor a head`,
      value: (anchor.tableReads + anchor.tableWrites) / Math.max(1, hour.all.stored),
      ...{ unit: 'requests', goal: { most: 3 } },
      note: `${anchor.tableReads} reads, ${anchor.tableWrites} writes`,
    },
    {
      what: `${broken} devices, simulated: backlog ${all - until} minutes after an outage of ${until - from}`,
      value: outage.minutes.find(({ minute }) => minute === all)?.backlog ?? Number.NaN,
      ...{ unit: 'batches', goal: { most: 0 } },
    },
    {
      what: 'ingest of one owner, 50 machines, simulated',
      ...{ value: burst.burst?.perSecond ?? Number.NaN, unit: 'batches a second', goal: { least: 250 } },
      note: `${burst.burst?.batches} batches, ${burst.deadLetters} given up`,
    },
  ];
}

/** Real devices on the embedded stack, counted at a proxy. */
export async function measureWaiting(quick: boolean, signal: AbortSignal): Promise<Measured[]> {
  const parameters = ['--devices', '4', '--minutes', quick ? '1' : '5', '--settle', '5'];
  const figure = await runJson<WaitingFigure>('fleet.ts', parameters, 20 * MINUTE_MS, signal);
  const value = figure.rpcPerDeviceMinute;
  const note = `${figure.devices} devices, ${figure.complete} of them complete`;
  return [{ what: 'RPC requests of a waiting device', value, unit: 'a minute', goal: { most: 1 }, note }];
}
