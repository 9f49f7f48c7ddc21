import type { Address } from '../../core/ids.ts';
import { disscBytecode, disscRuntime } from './abi/dissc.ts';
import type { AccountSenderOptions } from './account-sender.ts';
import { deployContracts, deployedAddress } from './deploy-contracts.ts';
import type { Deployable } from './deployable-code.ts';

export interface Deployment {
  readonly dissc: Address;
  /** No event of the contract is in an earlier block; 0 when it was deployed before this call. */
  readonly fromBlock: number;
}

/** DISSC: without arguments, its address follows from its code alone. */
export const DISSC: Deployable = {
  ...{ name: 'DISSC', initCode: disscBytecode, runtime: disscRuntime },
  immutablesAt: () => ({}),
};

/** Where DISSC is on every chain. */
export function disscAddress(): Address {
  return deployedAddress(DISSC);
}

/** Deploys DISSC unless it is there; after a crash at any point, calling it again goes on. */
export async function deployDissc(options: AccountSenderOptions, signal?: AbortSignal): Promise<Deployment> {
  const { fromBlock } = await deployContracts(options, [DISSC], signal);
  return { dissc: disscAddress(), fromBlock };
}
