import { AbiCoder, concat } from 'ethers';
import type { Address } from '../../core/ids.ts';
import { ocascBytecode } from './abi/ocasc.ts';
import type { Deployable } from './deploy-contracts.ts';

/** What differs between deployments of OCASC (design §5). */
export interface OcascArguments {
  readonly dissc: Address;
  /** The shortest window that terms may have: 24 h on a public chain, seconds on a local one. */
  readonly minWindowSeconds: number;
  /** What an answer is taken to cost, in gas. */
  readonly answerGas: number;
}

/** OCASC for a DISSC: its address follows from its code and these. */
export function deployableOcasc({ dissc, minWindowSeconds, answerGas }: OcascArguments): Deployable {
  const types = ['address', 'uint32', 'uint256'];
  const encoded = AbiCoder.defaultAbiCoder().encode(types, [dissc, minWindowSeconds, answerGas]);
  return { name: 'OCASC', initCode: concat([ocascBytecode, encoded]) };
}
