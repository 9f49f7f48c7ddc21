import type { MiddlewareObj } from '@middy/core';

export type LogFields = Readonly<Record<string, unknown>>;

/** Where the functions say what happens. Never given a secret, a signature or a presigned address. */
export interface Observer {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Adds to a counter; alarms hang on these. */
  count(metric: string, value?: number): void;
  /** Put around every handler, outermost. */
  readonly middleware: readonly MiddlewareObj[];
}
