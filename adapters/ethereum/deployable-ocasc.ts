import { AbiCoder, concat, TypedDataEncoder } from 'ethers';
import { concatBytes, fromHex, u8, utf8 } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import { addressWord, typeHash, uintWord } from '../../core/typed-data.ts';
import { ocascBytecode, ocascRuntime } from './abi/ocasc.ts';
import type { Deployable } from './deployable-code.ts';

/** What differs between deployments of OCASC (specification#ocasc). */
export interface OcascArguments {
  readonly dissc: Address;
  /** The shortest window that terms may have: 24 h on a public chain, seconds on a local one. */
  readonly minWindowSeconds: number;
  /** What showing a chunk is taken to cost, in gas. */
  readonly answerGas: number;
  /** What showing a key is taken to cost, in gas. */
  readonly demandGas: number;
}

const DOMAIN_NAME = 'Plumbline OCASC';
const DOMAIN_VERSION = '2';
/** What showing a chunk of a block of 1 MiB costs at most, and showing a key, in a log of a million blocks: contracts/gas.json. */
export const ANSWER_GAS = 122_000;
export const DEMAND_GAS = 80_000;

/** OCASC for a DISSC: its address follows from its code and these. */
export function deployableOcasc({ dissc, minWindowSeconds, answerGas, demandGas }: OcascArguments): Deployable {
  const types = ['address', 'uint32', 'uint256', 'uint256'];
  const encoded = AbiCoder.defaultAbiCoder().encode(types, [dissc, minWindowSeconds, answerGas, demandGas]);
  return {
    ...{ name: 'OCASC', initCode: concat([ocascBytecode, encoded]), runtime: ocascRuntime },
    immutablesAt: (at, chainId) => ({
      dissc: addressWord(dissc),
      minWindow: uintWord(BigInt(minWindowSeconds), 32),
      answerGas: uintWord(BigInt(answerGas), 256),
      demandGas: uintWord(BigInt(demandGas), 256),
      ...domainWords(at, chainId),
    }),
  };
}

/** What OpenZeppelin's EIP712 keeps. */
function domainWords(verifyingContract: Address, chainId: number): Record<string, Uint8Array> {
  const domain = { name: DOMAIN_NAME, version: DOMAIN_VERSION, chainId, verifyingContract };
  return {
    _cachedDomainSeparator: fromHex(TypedDataEncoder.hashDomain(domain), 'domain separator', 32),
    _cachedChainId: uintWord(BigInt(chainId), 256),
    _cachedThis: addressWord(verifyingContract),
    _hashedName: typeHash(DOMAIN_NAME),
    _hashedVersion: typeHash(DOMAIN_VERSION),
    _name: shortString(DOMAIN_NAME),
    _version: shortString(DOMAIN_VERSION),
  };
}

/** OpenZeppelin's ShortString: the text from the left, its length in the last byte. */
function shortString(text: string): Uint8Array {
  const bytes = utf8(text);
  return concatBytes(bytes, new Uint8Array(31 - bytes.length), u8(bytes.length));
}
