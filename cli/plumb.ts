#!/usr/bin/env node
import packageJson from '../package.json' with { type: 'json' };
import { runProgram } from './run-program.ts';

// Whoever read the output has gone (`| head`): the work goes on and ends with its own exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

await runProgram(packageJson.version, process.argv.slice(2));
