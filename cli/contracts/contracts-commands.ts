import type { Command } from 'commander';
import { addContractsAccount } from './contracts-account.ts';
import { addContractsCollect } from './contracts-collect.ts';
import { addContractsDeploy } from './contracts-deploy.ts';
import { addContractsVerify } from './contracts-verify.ts';

/** Adds `plumb contracts …`. */
export function addContractsCommands(program: Command): void {
  const contracts = program.command('contracts').description('DISSC, OCASC and ASC on a chain of your choice');
  addContractsDeploy(contracts);
  addContractsVerify(contracts);
  addContractsAccount(contracts);
  addContractsCollect(contracts);
}
