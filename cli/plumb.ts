#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { exitCodeOf, exitCodesInWords } from './exit-codes.ts';
import { reportError } from './output.ts';

/** The parts of the command line. Only the one that is called is loaded: each brings its own libraries. */
const PARTS: Readonly<Record<string, (program: Command) => Promise<void>>> = {
  owner: async (program) => (await import('./owner/owner-commands.ts')).addOwnerCommands(program),
  consumer: async (program) => (await import('./consumer/consumer-commands.ts')).addConsumerCommands(program),
  dataset: async (program) => {
    const { addDatasetCreate } = await import('./dataset/dataset-create.ts');
    addDatasetCreate(program.command('dataset').description('datasets of an owner'));
  },
  device: async (program) => {
    const { addDeviceCommands } = await import('./device/device-commands.ts');
    const { addDeviceProvision } = await import('./device/device-provision.ts');
    addDeviceProvision(addDeviceCommands(program));
  },
  fleet: async (program) => (await import('./fleet/fleet-commands.ts')).addFleetCommands(program),
  contracts: async (program) => (await import('./contracts/contracts-commands.ts')).addContractsCommands(program),
  local: async (program) => (await import('./local/local-commands.ts')).addLocalCommands(program),
};

const HELP = `
Begin:
  plumb local up                     a whole stack on this machine
  plumb owner init                   keys
  plumb local admit ADDRESS          let the local stack serve this owner
  plumb dataset create NAME          one device's log
  plumb device provision NAME        the device's file
  plumb device run --provision device.json --source dir:PATH
  plumb owner verify NAME            check what is stored against the chain
  plumb owner get NAME --out DIR     bring it back, verified
  plumb owner offer NAME …           sell blocks of it; plumb owner serve delivers them
  plumb consumer offers              what is for sale: accept, audit, fetch

${exitCodesInWords(120)}`;

/** The command line, one file per command. */
async function createProgram(called: string | undefined): Promise<Command> {
  const program = new Command('plumb')
    .description('Data integrity for IoT data: record what a device stores, verify any part of it later, trust nobody.')
    .version(packageJson.version)
    .showHelpAfterError('(add --help for usage and examples)')
    .exitOverride()
    .addHelpText('after', HELP);
  const part = called === undefined ? undefined : PARTS[called];
  for (const add of part === undefined ? Object.values(PARTS) : [part]) await add(program);
  return program;
}

// Whoever read the output has gone (`| head`): the work goes on and ends with its own exit code.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  const program = await createProgram(process.argv[2]);
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
