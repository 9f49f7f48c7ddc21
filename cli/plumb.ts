#!/usr/bin/env node
import { CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { createProgram } from './create-program.ts';
import { exitCodeOf } from './exit-codes.ts';
import { reportError } from './output.ts';

// Whoever read the output has gone (`| head`): the work goes on and ends with its own exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  const program = await createProgram(packageJson.version, process.argv.slice(2));
  await program.parseAsync();
} catch (error) {
  const json = process.argv.includes('--json');
  if (error instanceof CommanderError) {
    // It has said what is wrong, or printed the help that was asked for; programs are told as of any other error.
    process.exitCode = exitCodeOf(error);
    if (process.exitCode !== 0 && json) {
      const said = { name: 'UsageError', kind: 'arguments', message: error.message };
      process.stdout.write(`${JSON.stringify({ error: said, exitCode: process.exitCode })}\n`);
    }
  } else {
    process.exitCode = reportError(error, json);
  }
}
