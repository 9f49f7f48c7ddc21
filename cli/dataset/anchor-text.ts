import type { AnchorerPlan, NamedAnchorer } from '../../client/owner/name-anchorer.ts';
import { printable } from '../../client/printable.ts';
import { counted } from '../../core/counted.ts';
import { type Address, NATIVE_COIN } from '../../core/ids.ts';
import { showAmount } from '../show-amount.ts';

/** What a run has done so far. */
export interface Done {
  /** Hashes. */
  readonly transactions: string[];
  gasUsed: bigint;
  unshown: number;
  problem: string | null;
}

const isChanged = ({ toSend }: NamedAnchorer): boolean => toSend.length > 0;

/** The answer for machines; null where nothing was sent. */
export function answerOf(
  { datasets, parts, gas, maxCostWei }: AnchorerPlan,
  anchorer: Address | null,
  done: Done | null,
): object {
  return {
    ...{ anchorer, datasets: datasets.length, changed: datasets.filter(isChanged).length },
    ...{ plannedTransactions: parts.length, estimatedGas: Number(gas), maxCostWei },
    ...{ transactions: done?.transactions ?? [], gasUsed: Number(done?.gasUsed ?? 0n) },
    ...{ unshown: done?.unshown ?? 0, problem: done?.problem ?? null },
  };
}

const toText = (anchorer: Address | null): string =>
  anchorer === null ? 'direct records' : `the rounds of ${anchorer}`;

/** What a plan does and costs, in a sentence: said before anything is sent. */
export function planText({ datasets, parts, gas, maxCostWei }: AnchorerPlan, anchorer: Address | null): string {
  const changed = datasets.filter(isChanged).length;
  if (changed === 0) {
    return datasets.length === 0
      ? 'No charter of these datasets names another anchorer. Nothing to do.'
      : `The charters of ${datasetsText(datasets.length)} already name ${toText(anchorer)}. Nothing to do.`;
  }
  const transactions = parts.length === 1 ? 'one transaction' : `${parts.length} transactions`;
  return `Chartering ${datasetsText(changed)} to ${toText(anchorer)} takes ${transactions}, ${gas.toLocaleString('en')} gas, at most ${showAmount(maxCostWei, NATIVE_COIN)}.`;
}

/** What was done, for people. */
export function doneText(plan: AnchorerPlan, anchorer: Address | null, done: Done): string {
  const changed = plan.datasets.filter(isChanged).length;
  return [
    ...(changed === 0
      ? [planText(plan, anchorer)]
      : [
          `Chartered ${datasetsText(changed)} to ${toText(anchorer)}.`,
          ...done.transactions.map((hash) => `  transaction   ${hash}`),
          `  cost          ${done.gasUsed.toLocaleString('en')} gas`,
        ]),
    ...(done.unshown === 0
      ? []
      : [
          `  The service does not have ${done.unshown} of the charters yet: ${printable(done.problem ?? '')} Run the command again to submit them; that costs nothing.`,
        ]),
    ...(changed === 0 ? [] : ['Once this is final, their devices learn it from the service and the chain.']),
  ].join('\n');
}

const datasetsText = (count: number): string => (count === 1 ? 'one dataset' : counted(count, 'dataset'));
