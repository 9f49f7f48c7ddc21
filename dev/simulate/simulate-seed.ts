import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkEnd, type Judgement, judge } from './check/check-end.ts';
import { checkSale, overByMs, watchSale } from './check/check-sale.ts';
import { isAllChecked, watchWaits } from './check/check-status.ts';
import { drawPlan, drawSalePlan, HEALED_MS } from './faults/draw-plan.ts';
import type { Fault, FaultKind } from './faults/fault.ts';
import { SALE_EVERY } from './sale/sale-every.ts';
import { createRandom } from './time/seeded-random.ts';
import { buildWorld } from './world/build-world.ts';
import { strikeAtTimes } from './world/strike-at-times.ts';

/** How one seed went. */
export interface Outcome {
  readonly seed: number;
  readonly plan: readonly Fault[];
  readonly virtualMs: number;
  /** How often each kind has struck. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** What must never be, and was; empty when all held. */
  readonly failures: readonly string[];
  /** SHA-256 of all that happened, with its times. */
  readonly traceHash: string;
  readonly trace: readonly string[];
}

export interface SeedOptions {
  /** Faults are drawn from these. */
  readonly kinds: readonly FaultKind[];
  /** In the place of what the seed draws. */
  readonly plan?: readonly Fault[];
}

/** After all is well again, everything is checked within this time. */
export const BOUND_MS = 60 * 60_000;
const LOOK_MS = 20_000;
/** As many of the seeds have their log verified in the middle of all faults. */
const AUDITED = 0.3;

/** Runs one world under one seed until all is checked, or the bound is over. The same seed and plan give the same run. */
export async function simulateSeed(seed: number, options: SeedOptions): Promise<Outcome> {
  const random = createRandom(seed);
  const hasSale = seed % SALE_EVERY === 0;
  const plan = options.plan ?? [
    ...drawPlan(random.fork('plan'), options.kinds),
    ...(hasSale ? drawSalePlan(random.fork('sale plan'), options.kinds) : []),
  ];
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'plumbline-simulated-'));
  const failures: string[] = [];
  const trace: string[] = [];
  const fail = (what: string): void => {
    if (!failures.includes(what)) failures.push(what);
  };
  try {
    const world = buildWorld({ seed, random: random.fork('world'), plan, folder, trace, fail, hasSale });
    const { time, startMs, sale } = world;
    strikeAtTimes(world);
    watchWaits(world, fail);
    if (sale !== null) watchSale(sale, fail);
    const before: Judgement[] = [];
    if (random.chance(AUDITED)) {
      await time.passUntil(startMs + random.between(10, 38) * 60_000);
      before.push(await judge(world));
    }
    await time.passUntil(startMs + HEALED_MS);
    const boundMs = startMs + HEALED_MS + BOUND_MS;
    while (!isAllChecked(world) && time.nowMs() < boundMs) await time.passUntil(time.nowMs() + LOOK_MS);
    await checkEnd(world, { before, boundMs }, fail);
    for (const device of world.devices) device.stop();
    if (sale !== null) {
      await time.passUntil(startMs + 24 * 60 * 60_000, () => sale.isOver() || time.nowMs() > overByMs(sale));
      checkSale(sale, fail);
    }
    const virtualMs = time.nowMs() - startMs;
    const traceHash = createHash('sha256').update(trace.join('\n')).digest('hex');
    return { seed, plan, virtualMs, faults: world.faults.counts, failures, traceHash, trace };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
