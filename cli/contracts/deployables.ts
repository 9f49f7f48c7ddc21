import { deployedAddress } from '../../adapters/ethereum/deploy-contracts.ts';
import { DISSC, disscAddress } from '../../adapters/ethereum/deploy-dissc.ts';
import { deployableAsc } from '../../adapters/ethereum/deployable-asc.ts';
import type { Deployable } from '../../adapters/ethereum/deployable-code.ts';
import { deployableOcasc, type OcascArguments } from '../../adapters/ethereum/deployable-ocasc.ts';
import type { DeploymentsFile } from '../../core/wire/deployments-file.ts';

export const CONTRACTS = ['DISSC', 'OCASC', 'ASC'] as const;
export type ContractName = (typeof CONTRACTS)[number];
export type Deployables = Readonly<Record<ContractName, Deployable>>;

/** What of OCASC the operator decides. */
export type Choices = Omit<OcascArguments, 'dissc'>;

/** The three contracts as this version would deploy them. */
export function deployablesOf(choices: Choices): Deployables {
  const dissc = disscAddress();
  return { DISSC, OCASC: deployableOcasc({ dissc, ...choices }), ASC: deployableAsc({ dissc }) };
}

/** What the file says of them, given their blocks. */
export function describeDeployments(
  chainId: number,
  choices: Choices,
  blocks: Readonly<Record<ContractName, number>>,
): DeploymentsFile {
  const all = deployablesOf(choices);
  const dissc = disscAddress();
  const at = (name: ContractName) => ({ address: deployedAddress(all[name]), block: blocks[name] });
  return {
    chainId,
    contracts: {
      DISSC: { ...at('DISSC'), args: {} },
      OCASC: { ...at('OCASC'), args: { dissc, ...choices } },
      ASC: { ...at('ASC'), args: { dissc } },
    },
  };
}
