import { type FunctionRow, type WorkKind, workOf } from '../../functions/row.ts';
import { createGate, type Gate, type GateLimits } from './gate.ts';

/** Kinds of work that wait for their turn. In Lambda each invocation has a machine of its own; here all share one process. */
export type GatedWork = Exclude<WorkKind, 'light'>;

export interface Gates {
  /** Runs an invocation of a function when it is its turn. @throws StoreUnavailableError as a gate does */
  pass<T>(row: FunctionRow, event: unknown, run: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const LIMITS: Readonly<Record<GatedWork, GateLimits>> = {
  // All connections of the host may wait, so that clients who ask again at once get as much as one of them.
  public: { atOnce: 1, mostWaiting: 256, mostWaitMs: 20_000 },
  // What is turned away comes again.
  events: { atOnce: 2, mostWaiting: 64, mostWaitMs: 30_000 },
  heavy: { atOnce: 4, mostWaiting: 256, mostWaitMs: 25_000 },
};

/** While callers are at work who have signed, strangers leave the processor alone for as long as they had it, and this at least. */
const LEAST_REST_MS = 5;

export function createGates(): Gates {
  let known = 0;
  const restMs = (tookMs: number): number => (known === 0 ? 0 : Math.max(LEAST_REST_MS, tookMs));
  const { public: strangers, events, heavy } = LIMITS;
  const gates: Readonly<Record<GatedWork, Gate>> = {
    public: createGate({ ...strangers, restMs }),
    events: createGate(events),
    heavy: createGate(heavy),
  };
  return {
    async pass(row, event, run, signal) {
      const work = gateOf(row, event);
      if (work === 'public') return gates.public.pass(run, signal);
      known += 1;
      try {
        return await (work === null ? run() : gates[work].pass(run, signal));
      } finally {
        known -= 1;
      }
    },
  };
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
