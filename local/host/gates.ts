import type { FunctionRow } from '../../functions/row.ts';
import { type WorkKind, workOf } from '../../functions/work-of.ts';
import { createGate, type Gate, type GateLimits } from './gate.ts';

/** Kinds of work that wait for their turn. In Lambda each invocation has a machine of its own; here all share one process. */
export type GatedWork = Exclude<WorkKind, 'light'>;

export type Gates = Readonly<Record<GatedWork, Gate>>;

const LIMITS: Readonly<Record<GatedWork, GateLimits>> = {
  // All connections of the host may wait, so that clients who ask again at once get as much as one of them.
  public: { atOnce: 1, mostWaiting: 256, mostWaitMs: 20_000 },
  // What is turned away comes again.
  events: { atOnce: 2, mostWaiting: 64, mostWaitMs: 30_000 },
  heavy: { atOnce: 4, mostWaiting: 256, mostWaitMs: 25_000 },
};

export function createGates(): Gates {
  const { public: strangers, events, heavy } = LIMITS;
  return { public: createGate(strangers), events: createGate(events), heavy: createGate(heavy) };
}

/** Which gate an invocation passes; null for light work. A request that nobody has signed is a stranger's, whatever it asks. */
export function gateOf(row: FunctionRow, event: unknown): GatedWork | null {
  if (row.trigger.kind === 'http' && !isSigned(event)) return 'public';
  const work = workOf(row);
  return work === 'light' ? null : work;
}

/** Whether a request claims to be signed: whether it is, the function itself finds out. */
function isSigned(event: unknown): boolean {
  const { headers } = (event ?? {}) as { readonly headers?: unknown };
  if (typeof headers !== 'object' || headers === null) return false;
  return Object.keys(headers).some((name) => name.toLowerCase() === 'signature-input');
}
