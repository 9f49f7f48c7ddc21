import { Command, CommanderError } from 'commander';
import { addDeviceRun } from '../../cli/device/device-run.ts';
import { addDeviceSalvage } from '../../cli/device/device-salvage.ts';
import { addDeviceStatus } from '../../cli/device/device-status.ts';
import { exitCodeOf } from '../../cli/exit-codes.ts';
import { reportError } from '../../cli/output.ts';
import packageJson from '../../package.json' with { type: 'json' };

// The device alone, as it stands on a small machine: what `plumb device …` does, without anything that an owner needs.
const program = new Command('plumb-device')
  .description('Captures, seals, uploads and follows what is recorded.')
  .version(packageJson.version)
  .showHelpAfterError('(add --help for usage and examples)')
  .exitOverride();
addDeviceRun(program);
addDeviceStatus(program);
addDeviceSalvage(program);

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode =
    error instanceof CommanderError ? exitCodeOf(error) : reportError(error, process.argv.includes('--json'));
}
