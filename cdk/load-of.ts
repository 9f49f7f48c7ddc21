import { type FunctionRow, workOf } from '../functions/row.ts';
import { anchorRow, ingestSegmentRow } from '../functions/table.ts';
import type { Load } from './read-parameters.ts';
import type { StageRules } from './stage-rules.ts';

/** What a function that a queue feeds takes of it. */
export interface Feeding {
  readonly batch: number;
  /** Invocations at once; null: one after the other. */
  readonly atOnce: number | null;
}

/** How a function is fed: by its row, but for what the operator decides. */
export function feedingOf({ name, trigger }: FunctionRow, { ingestAtOnce, ingestBatch }: Load): Feeding | null {
  if (trigger.kind === 'http') return null;
  return name === ingestSegmentRow.name ? { batch: ingestBatch, atOnce: ingestAtOnce } : trigger.queue;
}

export function memoryOf({ name, limits }: FunctionRow, { ingestMemoryMb, anchorMemoryMb }: Load): number {
  if (name === ingestSegmentRow.name) return ingestMemoryMb;
  return name === anchorRow.name ? anchorMemoryMb : limits.memoryMb;
}

/** Invocations that are kept free for a function; null: what the account has left. */
export function reservedOf(row: FunctionRow, rules: StageRules, load: Load): number | null {
  const work = workOf(row);
  if (work !== 'events') return rules.work[work].atOnce;
  return rules.keepsEvents ? (feedingOf(row, load)?.atOnce ?? null) : null;
}
