import type { Fault } from './faults/fault.ts';

/**
 * The least of a plan that still fails: faults are taken out one by one, again and again, as long as what is left fails.
 * @param fails whether a run under this plan fails
 */
export async function shrinkPlan(
  plan: readonly Fault[],
  fails: (plan: readonly Fault[]) => Promise<boolean>,
): Promise<readonly Fault[]> {
  for (const fault of plan) {
    const rest = plan.filter((other) => other !== fault);
    if (await fails(rest)) return shrinkPlan(rest, fails);
  }
  return plan;
}
