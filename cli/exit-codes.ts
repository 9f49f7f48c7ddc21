import { CommanderError } from 'commander';
import { PlumblineError } from '../core/errors.ts';

/** What `plumb` ends with; printed by `plumb --help`. */
export const EXIT = {
  ok: 0,
  /** A check ran and something is not intact, or not all of it could be got. */
  notIntact: 1,
  /** Wrong arguments, files or keys: calling again the same way fails again. */
  usage: 2,
  /** The chain, the service or a store did not answer: try again later. */
  unavailable: 3,
  /** The service refused. */
  refused: 4,
  /** Nothing is recorded yet. */
  notRecorded: 5,
  /** A fault of Plumbline itself. */
  internal: 70,
  interrupted: 130,
} as const;

const BY_NAME: Readonly<Record<string, number>> = {
  ArgumentError: EXIT.usage,
  KeyError: EXIT.usage,
  LedgerUnavailableError: EXIT.unavailable,
  StoreUnavailableError: EXIT.unavailable,
  RequestRefusedError: EXIT.refused,
  NotRecordedError: EXIT.notRecorded,
};

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (isAbort(error)) return EXIT.interrupted;
  if (error instanceof PlumblineError) return BY_NAME[error.name] ?? EXIT.usage;
  return EXIT.internal;
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'ExitPromptError');
}
