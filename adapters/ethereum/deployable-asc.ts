import { AbiCoder, concat } from 'ethers';
import type { Address } from '../../core/ids.ts';
import { addressWord } from '../../core/typed-data.ts';
import { ascBytecode, ascRuntime } from './abi/asc.ts';
import type { Deployable } from './deployable-code.ts';

/** ASC for a DISSC: its address follows from its code and DISSC's address. */
export function deployableAsc({ dissc }: { readonly dissc: Address }): Deployable {
  const encoded = AbiCoder.defaultAbiCoder().encode(['address'], [dissc]);
  return {
    ...{ name: 'ASC', initCode: concat([ascBytecode, encoded]), runtime: ascRuntime },
    immutablesAt: () => ({ dissc: addressWord(dissc) }),
  };
}
