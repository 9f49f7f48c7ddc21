/**
 * Simulates devices, service, chain and owners under one virtual clock, one source of chance and a plan of faults, all from
 * a seed. See HELP.
 */
import { parseArgs } from 'node:util';
import { counted } from '../../core/counted.ts';
import { ALL_FAULT_KINDS, type Fault, type FaultKind } from './faults/fault.ts';
import { loadMutant } from './load-mutant.ts';
import { MUTANTS } from './mutants.ts';
import { rememberSignatures } from './remember-signatures.ts';
import { SALE_EVERY } from './sale/sale-every.ts';
import type { Outcome } from './simulate-seed.ts';

const HELP = `Usage: npm run simulate -- [--seeds N] [--from S] [--minutes M]    seeds S, S + 1, …; 200 of them from 1 on
       npm run simulate -- --seed S [--trace]                      one seed; a plan that fails is cut to the least

The real device, functions, verifiers, agent and consumer, on a model of the contracts, under virtual time and faults that a seed decides.
After all is well again, everything must be checked within an hour, each block once, and what the owner restores be what was
written. One seed of sixteen has a sale in it: an owner's agent and a consumer, through OCASC; all of it must come to its end, and
nobody who follows the rules lose more than was shown before. A seed that fails, fails again in the same way.

  --seeds N        how many seeds (200)
  --from S         the first of them (1)
  --seed S         this one alone
  --minutes M      as many seeds as fit into so many minutes
  --faults A,B     draw faults of these kinds alone; "none" for no faults
  --mutant NAME    with a fault in the product itself, which must be found
  --sales          only seeds that have a sale in them, which is one of sixteen
  --stop           end at the first seed that fails
  --trace          all that happened, with its times
  --json           {seeds, virtualHours, faults: {kind: count}, failed: [seed]} on standard output
  --help

Kinds of faults: ${ALL_FAULT_KINDS.join(', ')}.
Mutants:
${Object.entries(MUTANTS)
  .map(([name, { says }]) => `  ${name.padEnd(20)} ${says}`)
  .join('\n')}

Exit codes: 0 no seed failed, 1 some did, 2 wrong arguments, 130 interrupted.

Examples:
  npm run simulate -- --seeds 50
  npm run simulate -- --seed 17 --trace
  npm run simulate -- --seeds 200 --mutant awaits-event --json
  npm run simulate -- --minutes 60 --from 10000 --faults power-cut,disk-full`;

class WrongArguments extends Error {}

interface Arguments {
  readonly seeds: readonly number[];
  readonly untilMs: number;
  readonly kinds: readonly FaultKind[];
  readonly mutant: string | null;
  readonly trace: boolean;
  readonly json: boolean;
  readonly isOne: boolean;
  /** At the first seed that fails. */
  readonly stops: boolean;
}

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const given = read();
    if (given === null) return 0;
    return await simulate(given);
  } catch (error) {
    if (!(error instanceof WrongArguments)) throw error;
    console.error(`${error.message}\nSee: npm run simulate -- --help`);
    return 2;
  }
}

async function simulate({ seeds, untilMs, kinds, mutant, trace, json, isOne, stops }: Arguments): Promise<number> {
  if (mutant !== null) loadMutant(mutant);
  rememberSignatures();
  // Behind both: these lead to what they change.
  const { loadFunctions } = await import('./service/run-service.ts');
  const { simulateSeed } = await import('./simulate-seed.ts');
  const { shrinkPlan } = await import('./shrink-plan.ts');
  await loadFunctions();
  let isInterrupted = false;
  process.once('SIGINT', () => {
    isInterrupted = true;
  });
  const counts: Partial<Record<FaultKind, number>> = {};
  const failed: number[] = [];
  let done = 0;
  let virtualMs = 0;
  for (const seed of seeds) {
    if (isInterrupted || performance.now() > untilMs || (stops && failed.length > 0)) break;
    const outcome = await simulateSeed(seed, { kinds });
    done++;
    virtualMs += outcome.virtualMs;
    for (const [kind, count] of Object.entries(outcome.faults))
      counts[kind as FaultKind] = (counts[kind as FaultKind] ?? 0) + count;
    if (trace && isOne) console.log(outcome.trace.join('\n'));
    if (outcome.failures.length === 0) continue;
    failed.push(seed);
    const fails = async (plan: readonly Fault[]) => (await simulateSeed(seed, { kinds, plan })).failures.length > 0;
    tell(outcome, isOne ? await shrinkPlan(outcome.plan, fails) : outcome.plan);
  }
  const virtualHours = Math.round(virtualMs / 360_000) / 10;
  if (json) console.log(JSON.stringify({ seeds: done, virtualHours, faults: counts, failed }));
  else
    console.log(
      `${counted(done, 'seed')}, ${virtualHours} virtual hours, faults ${JSON.stringify(counts)}: ${failed.length} failed.`,
    );
  if (isInterrupted) return 130;
  return failed.length === 0 ? 0 : 1;
}

function tell({ seed, failures }: Outcome, plan: readonly Fault[]): void {
  const faults = plan.map(
    ({ kind, fromMs, untilMs, size, where }) =>
      `    ${kind} from ${minutes(fromMs)} to ${minutes(untilMs)} min, size ${size}${where === '' ? '' : `, ${where}`}`,
  );
  console.error([`seed ${seed} fails:`, ...failures.map((what) => `  ${what}`), '  under', ...faults].join('\n'));
}

function minutes(ms: number): string {
  return (ms / 60_000).toFixed(1);
}

/** Null where help was asked for. */
function read(): Arguments | null {
  const values = parse();
  if (values.help) {
    console.log(HELP);
    return null;
  }
  const { seed, mutant, minutes: most } = values;
  if (seed !== undefined && (values.seeds !== undefined || values.from !== undefined || most !== undefined)) {
    throw new WrongArguments('--seed names one seed; leave --seeds, --from and --minutes out.');
  }
  if (mutant !== undefined && !(mutant in MUTANTS)) {
    throw new WrongArguments(`There is no mutant ${mutant}. There are ${Object.keys(MUTANTS).join(', ')}.`);
  }
  const from = number(seed ?? values.from ?? '1', seed === undefined ? 'from' : 'seed');
  const count = seed !== undefined ? 1 : number(values.seeds ?? (most === undefined ? '200' : '1000000'), 'seeds');
  const step = values.sales && seed === undefined ? SALE_EVERY : 1;
  const first = step === 1 ? from : Math.ceil(from / step) * step;
  return {
    seeds: Array.from({ length: count }, (_, i) => first + step * i),
    untilMs: most === undefined ? Number.POSITIVE_INFINITY : performance.now() + number(most, 'minutes') * 60_000,
    kinds: readKinds(values.faults),
    ...{
      mutant: mutant ?? null,
      trace: values.trace,
      json: values.json,
      isOne: seed !== undefined,
      stops: values.stop,
    },
  };
}

function parse() {
  try {
    return parseArgs({
      options: {
        ...{
          seeds: { type: 'string' },
          from: { type: 'string' },
          seed: { type: 'string' },
          minutes: { type: 'string' },
        },
        ...{ faults: { type: 'string' }, mutant: { type: 'string' } },
        ...{ trace: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
        ...{ stop: { type: 'boolean', default: false }, sales: { type: 'boolean', default: false } },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new WrongArguments((error as Error).message);
  }
}

function number(text: string, name: string): number {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < 1)
    throw new WrongArguments(`--${name} is ${text}; give a whole number from 1 on.`);
  return value;
}

function readKinds(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return ALL_FAULT_KINDS;
  if (text === 'none') return [];
  const wanted = text.split(',');
  const unknown = wanted.filter((kind) => !ALL_FAULT_KINDS.includes(kind as FaultKind));
  if (unknown.length > 0)
    throw new WrongArguments(`No kind of fault: ${unknown.join(', ')}. There are ${ALL_FAULT_KINDS.join(', ')}.`);
  return wanted as FaultKind[];
}
