import type { Address } from './ids.ts';
import type { TypedDataDomain } from './typed-data.ts';

/** The contract that heads and charters are signed for, and that dataset ids name. */
export interface DisscDomain {
  readonly chainId: number;
  readonly dissc: Address;
}

/** DISSC's EIP-712 domain (specification#head). */
export function disscTypedDataDomain({ chainId, dissc }: DisscDomain): TypedDataDomain {
  return { name: 'Plumbline DISSC', chainId, verifyingContract: dissc };
}
