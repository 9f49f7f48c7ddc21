import type { FunctionRow } from './row.ts';

/**
 * Whose work an invocation is. Each kind has bounds of its own, on every host, so that none keeps the others waiting:
 * `public` is asked for by strangers, `events` by the object store, `heavy` needs a whole processor for callers who have
 * signed; `light` is the rest.
 */
export type WorkKind = 'public' | 'events' | 'heavy' | 'light';

/** Memory for which Lambda gives a whole processor. */
const WHOLE_PROCESSOR_MB = 1_769;

export function workOf({ callers, trigger, limits }: FunctionRow): WorkKind {
  if (trigger.kind === 's3-event') return 'events';
  if (callers === 'anyone') return 'public';
  return trigger.kind === 'http' && limits.memoryMb >= WHOLE_PROCESSOR_MB ? 'heavy' : 'light';
}
