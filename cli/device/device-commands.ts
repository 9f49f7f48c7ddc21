import type { Command } from 'commander';
import { addDeviceRun } from './device-run.ts';
import { addDeviceStatus } from './device-status.ts';

/** Adds `plumb device …` and answers it, so that the owner's part (`provision`) can be added beside. */
export function addDeviceCommands(program: Command): Command {
  const device = program
    .command('device')
    .description('a device: captures, seals, uploads and follows what is recorded');
  addDeviceRun(device);
  addDeviceStatus(device);
  return device;
}
