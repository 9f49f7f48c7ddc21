import type { FunctionRow } from '../../functions/row.ts';
import { createGate, type Gate, type GateLimits } from './gate.ts';

/** Whose work an invocation is. In Lambda each has a machine of its own; here all share one process. */
export type GateName =
  /** Strangers: what is public, and every request that nobody has signed. */
  | 'public'
  /** Segments that are checked in. */
  | 'events'
  /** Functions that have a whole processor in Lambda, for callers who have signed. */
  | 'heavy';

export type Gates = Readonly<Record<GateName, Gate>>;

/*
 * All connections of the host may wait for a public answer, so that clients who ask again at once get as much as one of them.
 */
const LIMITS: Readonly<Record<GateName, GateLimits>> = {
  public: { atOnce: 1, mostWaiting: 256, mostWaitMs: 20_000 },
  // What is turned away comes again.
  events: { atOnce: 2, mostWaiting: 64, mostWaitMs: 30_000 },
  heavy: { atOnce: 4, mostWaiting: 256, mostWaitMs: 25_000 },
};

/** Memory for which Lambda gives a whole processor. */
const WHOLE_PROCESSOR_MB = 1_769;

export function createGates(): Gates {
  const { public: strangers, events, heavy } = LIMITS;
  return { public: createGate(strangers), events: createGate(events), heavy: createGate(heavy) };
}

/** The gate that an invocation passes; null where it is light work of somebody who has signed, or the anchor's. */
export function gateOf({ callers, trigger, limits }: FunctionRow, event: unknown): GateName | null {
  if (trigger.kind === 's3-event') return 'events';
  if (trigger.kind !== 'http') return null;
  if (callers === 'anyone' || !isSigned(event)) return 'public';
  return limits.memoryMb >= WHOLE_PROCESSOR_MB ? 'heavy' : null;
}

/** Whether a request claims to be signed: whether it is, the function itself finds out. */
function isSigned(event: unknown): boolean {
  const { headers } = (event ?? {}) as { readonly headers?: unknown };
  return typeof headers === 'object' && headers !== null && Object.keys(headers).some(isSignatureHeader);
}

function isSignatureHeader(name: string): boolean {
  return name.toLowerCase() === 'signature-input';
}
