import { resolve } from 'node:path';
import type { SenderHome } from '../library/open-sender.ts';
import { DEFAULT_HOME } from './command-options.ts';
import { heldUpText } from './held-up-text.ts';
import { createOutput, type Output, reportError } from './output.ts';

/** What every command is given besides its own options; what its account has sent is kept in the home. */
export interface CommandContext extends SenderHome {
  readonly output: Output;
  readonly stack: string | undefined;
  readonly passwordFile: string | undefined;
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal;
}

/**
 * Runs the body of a command: errors become a message and an exit code, Ctrl-C an abort. A second Ctrl-C ends the
 * process at once.
 */
export async function runCommand(
  options: { json?: boolean; home?: string; stack?: string; passwordFile?: string },
  body: (context: CommandContext) => Promise<number>,
): Promise<void> {
  const json = options.json === true;
  const interrupt = new AbortController();
  const stop = (): void => {
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const output = createOutput(json);
  try {
    process.exitCode = await body({
      output,
      onHeldUp: (heldUp) => output.notice(heldUpText(heldUp)),
      home: resolve(options.home ?? DEFAULT_HOME),
      stack: options.stack,
      passwordFile: options.passwordFile,
      signal: interrupt.signal,
    });
  } catch (error) {
    process.exitCode = reportError(error, json);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}
