import type { Command } from 'commander';
import { addFleetProvision } from './fleet-provision.ts';
import { addFleetStatus } from './fleet-status.ts';

/** Adds `plumb fleet …`: many devices, a dataset each. */
export function addFleetCommands(program: Command): void {
  const fleet = program.command('fleet').description('many devices at once: a dataset and a file for each');
  addFleetProvision(fleet);
  addFleetStatus(fleet);
}
