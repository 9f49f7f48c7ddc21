import type { SeededRandom } from '../time/seeded-random.ts';
import { FAULT_KINDS, type Fault, type FaultKind, SALE_FAULT_KINDS } from './fault.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Everything is well again from then on. */
export const HEALED_MS = 40 * MINUTE_MS;
const MOST_FAULTS = 6;

/** What is to go wrong under a seed: one fault up to six, of kinds drawn anew each time, all before it heals. */
export function drawPlan(random: SeededRandom, allowed: readonly FaultKind[]): Fault[] {
  const kinds = FAULT_KINDS.filter((kind) => allowed.includes(kind));
  if (kinds.length === 0) return [];
  const count = random.between(1, MOST_FAULTS);
  return Array.from({ length: count }, (_, id) => drawFault(random.fork(`fault ${id}`), random.pick(kinds), id));
}

/** These are numbered apart from the others, which stay what they are without them. */
const FIRST_SALE_ID = 100;
const MOST_SALE_FAULTS = 4;
const LEAVES_WITHIN_MS = 12 * MINUTE_MS;
const SALE_PARTIES = ['agent', 'consumer'];
/** Those in which money is lost by whoever breaks a rule come more often. */
const MOST_TELLING = [
  'answer-dear',
  'answer-dear',
  'answer-dear',
  'agent-leaves',
  'agent-killed',
  'node-ahead',
] as const;
/** Kinds that strike a party's own node, the chain, or a party itself. */
const ALSO_IN_SALES = ['node-stale', 'node-down', 'node-forgets', 'reorg', 'fee-spike', 'chain-still'] as const;

/** What is to go wrong for those who sell and buy, beside all else. */
export function drawSalePlan(random: SeededRandom, allowed: readonly FaultKind[]): Fault[] {
  const kinds = [...SALE_FAULT_KINDS, ...MOST_TELLING, ...ALSO_IN_SALES].filter((kind) => allowed.includes(kind));
  if (kinds.length === 0) return [];
  const count = random.between(1, MOST_SALE_FAULTS);
  return Array.from({ length: count }, (_, place) => {
    const own = random.fork(`sale fault ${place}`);
    const fault = drawFault(own, random.pick(kinds), FIRST_SALE_ID + place);
    if (fault.kind.startsWith('node-')) return { ...fault, where: own.pick(SALE_PARTIES) };
    // Before all keys are given: then there is something to lose.
    return fault.kind === 'agent-leaves' ? { ...fault, fromMs: own.between(0, LEAVES_WITHIN_MS) } : fault;
  });
}

function drawFault(random: SeededRandom, kind: FaultKind, id: number): Fault {
  const fromMs = random.between(0, HEALED_MS - 5 * MINUTE_MS);
  const untilMs = Math.min(HEALED_MS, fromMs + random.pick([5_000, MINUTE_MS, 5 * MINUTE_MS, 20 * MINUTE_MS]));
  const { size, where } = SHAPES[kind]?.(random) ?? { size: random.pick([0.3, 1]), where: '' };
  return { kind, id, fromMs, untilMs, size, where };
}

type Shape = (random: SeededRandom) => Pick<Fault, 'size' | 'where'>;

const PARTIES = ['device', 'service', 'owner'];

/** Sizes and places of the kinds that need more than a share of calls. */
const SHAPES: Partial<Record<FaultKind, Shape>> = {
  // Which commit from there on, and whether it reached the disk.
  'power-cut': (random) => ({ size: random.between(0, 60), where: random.pick(['before', 'after']) }),
  'event-late': (random) => ({ size: random.between(10_000, 20 * MINUTE_MS), where: '' }),
  'event-repeated': (random) => ({ size: random.between(1, 3), where: '' }),
  'table-rolled-back': (random) => ({ size: random.between(10_000, 20 * MINUTE_MS), where: '' }),
  'node-stale': (random) => ({ size: random.between(1, 40), where: random.pick(PARTIES) }),
  'node-down': (random) => ({ size: random.pick([0.3, 1]), where: random.pick(PARTIES) }),
  'node-forgets': (random) => ({ size: random.pick([0.3, 1]), where: random.pick(['device', 'service']) }),
  reorg: (random) => ({ size: random.between(1, 40), where: random.pick(['first', 'some', 'none']) }),
  // At times for good: then nothing but a higher fee helps.
  'fee-spike': (random) => ({ size: random.between(3, 200), where: random.pick(['passes', 'stays']) }),
  // Which step from there on, and whether it was done.
  'agent-killed': (random) => ({ size: random.between(0, 120), where: random.pick(['before', 'after']) }),
  'consumer-killed': (random) => ({ size: random.between(0, 120), where: random.pick(['before', 'after']) }),
  'answer-dear': (random) => ({ size: random.between(3, 200), where: random.pick(['passes', 'stays']) }),
  'clock-jump': (random) => ({
    size: random.pick([
      -20 * 365 * 24 * HOUR_MS,
      -HOUR_MS,
      -2 * MINUTE_MS,
      2 * MINUTE_MS,
      HOUR_MS,
      73 * 365 * 24 * HOUR_MS,
    ]),
    where: '',
  }),
};
