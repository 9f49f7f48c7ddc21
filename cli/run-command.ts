import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { createOutput, type Output, reportError } from './output.ts';

/** What every command is given besides its own options. */
export interface CommandContext {
  readonly output: Output;
  readonly home: string;
  readonly stack: string | undefined;
  readonly passwordFile: string | undefined;
  /** Aborted by Ctrl-C and by SIGTERM. */
  readonly signal: AbortSignal;
}

/** Adds the options that commands of an owner share. */
export function withOwnerOptions(command: Command): Command {
  return withHomeOptions(command).addOption(
    new Option('--password-file <file>', 'read the keystore password from this file (mode 0600) instead of asking'),
  );
}

export function withHomeOptions(command: Command): Command {
  return withJson(command)
    .addOption(
      new Option('--home <folder>', 'keys, datasets and connection of this owner')
        .env('PLUMB_HOME')
        .default(join(homedir(), '.plumbline')),
    )
    .addOption(new Option('--stack <file>', 'stack.json of a local stack to use').env('PLUMB_STACK'));
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print one JSON object (or one a line) instead of text');
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
  try {
    process.exitCode = await body({
      output: createOutput(json),
      home: resolve(options.home ?? join(homedir(), '.plumbline')),
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
