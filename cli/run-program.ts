import { CommanderError } from 'commander';
import { createProgram } from './create-program.ts';
import { exitCodeOf } from './exit-codes.ts';
import { jsonLine } from './json-line.ts';
import { reportError } from './output.ts';

/**
 * Runs the command line with these arguments: it says all that it has to say, and leaves the exit code in `process.exitCode`.
 * @param args without the program's own name
 */
export async function runProgram(version: string, args: readonly string[]): Promise<void> {
  try {
    const program = await createProgram(version, args);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    const json = args.includes('--json');
    if (error instanceof CommanderError) {
      // It has said what is wrong, or printed the help that was asked for; programs are told as of any other error.
      process.exitCode = exitCodeOf(error);
      if (process.exitCode !== 0 && json) {
        const said = { name: 'UsageError', kind: 'arguments', message: error.message };
        process.stdout.write(jsonLine({ error: said, exitCode: process.exitCode }));
      }
    } else {
      process.exitCode = reportError(error, json);
    }
  }
}
