import type { Command } from 'commander';
import { addLocalAdmit } from './local-admit.ts';
import { addLocalUp } from './local-up.ts';

/** Adds `plumb local …`. */
export function addLocalCommands(program: Command): void {
  const local = program.command('local').description('the embedded stack: chain, object store, table and functions');
  addLocalUp(local);
  addLocalAdmit(local);
}
