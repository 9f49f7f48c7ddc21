import { PlumblineError } from '../../core/errors.ts';

/** What one look has found, and what to do about it. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly about: string;
  /** `warn`: it works and may not for long, or something that not everybody needs is not there. */
  readonly state: 'ok' | 'warn' | 'bad';
  readonly says: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}

export const ok = (about: string, says: string): Finding => ({ about, state: 'ok', says, remedy: null });
export const warn = (about: string, says: string, remedy: string): Finding => ({ about, state: 'warn', says, remedy });
export const bad = (about: string, says: string, remedy: string): Finding => ({ about, state: 'bad', says, remedy });

/** No look takes longer. */
const LOOK_MS = 8_000;

/** One look: whatever goes wrong in it, or takes too long, is a finding and ends no other look. */
export async function look(
  about: string,
  remedy: string,
  run: (signal: AbortSignal) => Promise<readonly Finding[]>,
  interrupted: AbortSignal,
  lookMs = LOOK_MS,
): Promise<readonly Finding[]> {
  const late = AbortSignal.timeout(lookMs);
  const signal = AbortSignal.any([interrupted, late]);
  // What does not heed its signal is not waited for either.
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([run(signal), ended]);
  } catch (error) {
    interrupted.throwIfAborted();
    if (late.aborted) return [bad(about, `It did not answer within ${lookMs / 1000} s.`, remedy)];
    return [
      bad(about, error instanceof PlumblineError ? error.shortMessage : `It does not work (${nameOf(error)}).`, remedy),
    ];
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** An error of a library may quote an address with a secret in it: its code or name says enough. */
function nameOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? (error as { cause?: NodeJS.ErrnoException }).cause?.code;
  return code ?? (error instanceof Error ? error.name : 'unknown error');
}
