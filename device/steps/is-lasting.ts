import { type ErrorKind, PlumblineError } from '../../core/errors.ts';

const LASTING: readonly ErrorKind[] = ['arguments', 'file', 'defect'];

/** Whether trying again cannot mend it: somebody has to change arguments, a file or the program first. */
export function isLasting(cause: unknown): boolean {
  return cause instanceof PlumblineError && LASTING.includes(cause.kind);
}
