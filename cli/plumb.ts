#!/usr/bin/env node
import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { addDatasetCreate } from './dataset/dataset-create.ts';
import { addDeviceCommands } from './device/device-commands.ts';
import { addDeviceProvision } from './device/device-provision.ts';
import { exitCodeOf } from './exit-codes.ts';
import { addLocalAdmit } from './local/local-admit.ts';
import { addLocalUp } from './local/local-up.ts';
import { addOwnerGet } from './owner/owner-get.ts';
import { addOwnerInit } from './owner/owner-init.ts';
import { addOwnerRestore } from './owner/owner-restore.ts';
import { addOwnerVerify } from './owner/owner-verify.ts';

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

Exit codes: 0 ok, 1 not intact or not everything got, 2 wrong arguments, files or keys, 3 chain or service do not answer,
4 the service refuses, 5 nothing recorded yet, 70 a fault of plumb itself, 130 interrupted.`;

/** The command line, one file per command. */
function createProgram(): Command {
  const program = new Command('plumb')
    .description('Data integrity for IoT data: record what a device stores, verify any part of it later, trust nobody.')
    .version(packageJson.version)
    .showHelpAfterError('(add --help for usage and examples)')
    .exitOverride()
    .addHelpText('after', HELP);
  const owner = program.command('owner').description("keys of a data owner, and the owner's checks");
  addOwnerInit(owner);
  addOwnerRestore(owner);
  addOwnerVerify(owner);
  addOwnerGet(owner);
  addDatasetCreate(program.command('dataset').description('datasets of an owner'));
  addDeviceProvision(addDeviceCommands(program));
  const local = program.command('local').description('the embedded stack: chain, object store, table and functions');
  addLocalUp(local);
  addLocalAdmit(local);
  return program;
}

try {
  await createProgram().parseAsync();
} catch (error) {
  // Commander has said what is wrong, or printed the help that was asked for.
  process.exitCode = exitCodeOf(error);
}
