import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, fromHex, to0x, u8, u64, utf8 } from './bytes.ts';
import { type Address, bytes32, type DatasetId, type DatasetKey, datasetBytes } from './ids.ts';
import type { HeadDomain } from './log/head.ts';
import type { Primitives } from './ports/primitives.ts';

/**
 * keccak256(abi.encode(uint256 chainId, address DISSC, address owner, bytes32 name)).
 * @throws InvalidInputError unless the name has 32 bytes
 */
export function deriveDatasetId(domain: HeadDomain, owner: Address, name: Uint8Array): DatasetId {
  const padding = new Uint8Array(12);
  return to0x(
    keccak_256(
      concatBytes(
        new Uint8Array(24),
        u64(domain.chainId),
        padding,
        fromHex(domain.dissc, 'DISSC address', 20),
        padding,
        fromHex(owner, 'owner address', 20),
        bytes32(name, 'dataset name'),
      ),
    ),
  ) as DatasetId;
}

/**
 * datasetKey = HMAC(HKDF-SHA256(ikm = BIP-39 seed, no salt, info "plumbline/1/datasets", 32 bytes), 30 ‖ dataset32):
 * the mnemonic is the backup of every dataset's secrets.
 */
export function deriveDatasetKey(primitives: Primitives, seed: Uint8Array, dataset: DatasetId): DatasetKey {
  const pseudorandom = primitives.hmacSha256(new Uint8Array(32), seed);
  // RFC 5869 expand, one round: 32 bytes are one SHA-256.
  const root = primitives.hmacSha256(pseudorandom, concatBytes(utf8('plumbline/1/datasets'), u8(1)));
  return primitives.hmacSha256(root, concatBytes(u8(0x30), datasetBytes(dataset))) as DatasetKey;
}
