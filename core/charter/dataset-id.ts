import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, to0x, u8, u64 } from '../bytes.ts';
import type { DisscDomain } from '../dissc-domain.ts';
import { type Address, bytes32, type DatasetId } from '../ids.ts';
import { addressWord, word } from '../typed-data.ts';
import type { DatasetKind } from './kind.ts';

/**
 * keccak256(abi.encode(uint256 chainId, address DISSC, address owner, bytes32 name, uint8 kind)), specification#dataset-id.
 * The name may be any 32 bytes here, as DISSC takes any.
 * @throws ArgumentError unless the name has 32 bytes
 */
export function deriveDatasetId(domain: DisscDomain, owner: Address, name: Uint8Array, kind: DatasetKind): DatasetId {
  return to0x(
    keccak_256(
      concatBytes(
        word(u64(domain.chainId)),
        addressWord(domain.dissc),
        addressWord(owner),
        bytes32(name, 'dataset name'),
        word(u8(kind)),
      ),
    ),
  ) as DatasetId;
}
