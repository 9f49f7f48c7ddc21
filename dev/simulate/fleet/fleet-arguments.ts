import { parseArgs } from 'node:util';
import { FLEET_DEFAULTS, type FleetOptions, type Span } from './fleet-options.ts';
import { LATENCIES, type Latencies } from './latencies.ts';

export const HELP = `Usage: npm run simulate:fleet -- --devices N --minutes M [--json]

The service's own functions, each on machines with memory and processor of their own, on a model of chain, table, bucket and queues,
under virtual time. Every device seals a batch of one block a minute, uploads it and waits for a final round that has it.
Counted are the requests that the real adapters would make. The same arguments give the same figures.

  --devices N          how many devices (100)
  --minutes M          for how many minutes they seal (60); then it goes on until all is final
  --outage A-B         from minute A to minute B nothing answers …
  --of WHAT            … of the chain's node (chain), or of the service itself (service)
  --spike A-BxF        from minute A on, for B - A minutes, the base fee is F times as high
  --owners N           owners of the devices, in turn (1)
  --ingest N           machines of ingest-segment (50)
  --account N          invocations that the account may have at once (1000)
  --burst K            K batches of each device lie in the bucket before it begins, and their events come at once (0)
  --settle M           minutes at most until all is final, after the devices have stopped (120)
  --round-every SEC    seconds from round to round (60)
  --final BLOCKS       blocks of 12 s until one is final (65)
  --latency NAME=MS,…  instead of what is stated: ${Object.entries(LATENCIES)
    .map(([name, ms]) => `${name}=${ms}`)
    .join(',')}
  --light              signatures of heads are stated, not computed: for more devices than a processor signs for
  --seed S             for what chance decides (1)
  --csv FILE           a line a minute
  --svg FILE           the same, drawn
  --quiet              no line a minute on standard error
  --json               {options, minutes: [{minute, rounds, transactions, gas, rpcRequests, tableReads, tableWrites, objectRequests,
                       backlog, oldestSeconds, …}], all: {the same}, byParty, settled, …} on standard output
  --help

\`backlog\` counts batches older than two rounds and two blocks that no mined round holds; \`waiting\` counts all of them.

Exit codes: 0 every head became final, or was not waited for (--settle 0), 1 some did not, 2 wrong arguments, 130 interrupted.

Examples:
  npm run simulate:fleet -- --devices 100 --minutes 60
  npm run simulate:fleet -- --devices 1000 --minutes 150 --outage 30-90 --csv outage.csv --svg outage.svg
  npm run simulate:fleet -- --devices 300 --burst 10 --minutes 1 --ingest 50
  npm run simulate:fleet -- --devices 10000 --minutes 60 --light --json`;

export class FaultyArguments extends Error {}

export interface FleetArguments {
  readonly options: FleetOptions;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly light: boolean;
  readonly csv: string | null;
  readonly svg: string | null;
}

/** Null where help was asked for. @throws FaultyArguments */
export function readFleetArguments(given: readonly string[]): FleetArguments | null {
  const { values } = parse(given);
  if (values.help) return null;
  const { outage, spike, of = 'chain' } = values;
  if (of !== 'chain' && of !== 'service') throw new FaultyArguments(`--of is ${of}; it can be chain or service.`);
  const minutes = number(values.minutes ?? '60', 'minutes', 1_440);
  const d = FLEET_DEFAULTS;
  return {
    options: {
      ...{ devices: number(values.devices ?? '100', 'devices', 100_000), minutes, outageOf: of },
      ...{
        outage: outage === undefined ? null : span(outage, 'outage'),
        spike: spike === undefined ? null : spikeOf(spike),
      },
      seed: number(values.seed ?? '1', 'seed', 2 ** 31),
      owners: number(values.owners ?? `${d.owners}`, 'owners', 10_000),
      ingestAtOnce: number(values.ingest ?? `${d.ingestAtOnce}`, 'ingest', 10_000),
      accountAtOnce: number(values.account ?? `${d.accountAtOnce}`, 'account', 100_000),
      roundEveryMs: 1_000 * number(values['round-every'] ?? `${d.roundEveryMs / 1_000}`, 'round-every', 86_400),
      blockMs: d.blockMs,
      finalDepth: number(values.final ?? `${d.finalDepth}`, 'final', 10_000),
      burst: values.burst === undefined ? 0 : number(values.burst, 'burst', 10_000),
      settleMinutes: values.settle === '0' ? 0 : number(values.settle ?? `${d.settleMinutes}`, 'settle', 1_440),
      latencies: latenciesOf(values.latency ?? ''),
    },
    ...{ json: values.json, quiet: values.quiet, light: values.light },
    ...{ csv: values.csv ?? null, svg: values.svg ?? null },
  };
}

function parse(given: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...given],
      options: {
        ...{ devices: text, minutes: text, outage: text, of: text, spike: text, owners: text, ingest: text },
        ...{
          account: text,
          burst: text,
          settle: text,
          'round-every': text,
          final: text,
          latency: text,
          seed: text,
          csv: text,
          svg: text,
        },
        ...{ light: flag, quiet: flag, json: flag, help: { ...flag, short: 'h' } },
      },
    });
  } catch (error) {
    throw new FaultyArguments((error as Error).message);
  }
}

function number(text: string, name: string, most: number): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= 1 && value <= most) return value;
  throw new FaultyArguments(`--${name} is ${text}; give a whole number from 1 to ${most}.`);
}

function span(text: string, name: string): Span {
  const [, from, until] = /^(\d{1,4})-(\d{1,4})$/.exec(text) ?? [];
  const [fromMinute, untilMinute] = [Number(from), Number(until)];
  if (from !== undefined && fromMinute < untilMinute) return { fromMinute, untilMinute };
  throw new FaultyArguments(`--${name} is ${text}; give two minutes, the first below the second: 30-90.`);
}

function spikeOf(text: string) {
  const [, minutes = '', factor = ''] = /^([\d-]+)x(\d+)$/.exec(text) ?? [];
  if (minutes === '') throw new FaultyArguments(`--spike is ${text}; give two minutes and a factor: 10-20x50.`);
  return { ...span(minutes, 'spike'), factor: number(factor, 'spike', 100_000) };
}

function latenciesOf(text: string): Latencies {
  const latencies: Record<string, number> = { ...LATENCIES };
  for (const one of text.split(',').filter((part) => part !== '')) {
    const [name = '', ms = ''] = one.split('=');
    if (!(name in LATENCIES) || !/^\d+(\.\d+)?$/.test(ms)) {
      throw new FaultyArguments(`--latency has ${one}; give NAME=MS of ${Object.keys(LATENCIES).join(', ')}.`);
    }
    latencies[name] = Number(ms);
  }
  return latencies as unknown as Latencies;
}
