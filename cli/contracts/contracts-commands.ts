import type { Part } from '../add-called.ts';

/** `plumb contracts …`. */
export const contractsPart: Part = {
  description: 'DISSC, OCASC and ASC on a chain of your choice',
  commands: {
    deploy: async (contracts) => (await import('./contracts-deploy.ts')).addContractsDeploy(contracts),
    verify: async (contracts) => (await import('./contracts-verify.ts')).addContractsVerify(contracts),
    account: async (contracts) => (await import('./contracts-account.ts')).addContractsAccount(contracts),
    collect: async (contracts) => (await import('./contracts-collect.ts')).addContractsCollect(contracts),
  },
};
