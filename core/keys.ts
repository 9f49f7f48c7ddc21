import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes, fromHex, to0x, u8, u64, utf8 } from './bytes.ts';
import {
  type Address,
  type AgreementId,
  agreementBytes,
  bytes32,
  type DatasetId,
  type DatasetKey,
  datasetBytes,
  type PrivateKey,
} from './ids.ts';
import type { HeadDomain } from './log/head.ts';
import type { Primitives } from './ports/primitives.ts';

/**
 * keccak256(abi.encode(uint256 chainId, address DISSC, address owner, bytes32 name)).
 * @throws ArgumentError unless the name has 32 bytes
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
  const root = expandSeed(primitives, seed, 'plumbline/1/datasets');
  return primitives.hmacSha256(root, concatBytes(u8(0x30), datasetBytes(dataset))) as DatasetKey;
}

/** What a consumer makes for one agreement. The mnemonic and the id give it again after any loss. */
export interface ConsumerSecrets {
  /** Of the account that signs vouchers, messages and requests. */
  readonly signerKey: PrivateKey;
  /** What the agreement's encryption keys are derived from, 32 bytes. */
  readonly encryptionSeed: Uint8Array;
}

/** signerKey = HMAC(root, 40 ‖ id), encryptionSeed = HMAC(root, 41 ‖ id); root as above with "plumbline/1/agreements". */
export function deriveConsumerSecrets(
  primitives: Primitives,
  seed: Uint8Array,
  agreement: AgreementId,
): ConsumerSecrets {
  const root = expandSeed(primitives, seed, 'plumbline/1/agreements');
  const derive = (kind: number) => primitives.hmacSha256(root, concatBytes(u8(kind), agreementBytes(agreement)));
  return { signerKey: derive(0x40) as PrivateKey, encryptionSeed: derive(0x41) };
}

/** What an owner's agent works with: no account that holds money. */
export interface AgentSecrets {
  /** Of the account that signs messages for the owner, and answers challenges. */
  readonly agentKey: PrivateKey;
  /** What the encryption keys of all offers are derived from, 32 bytes. */
  readonly offersSecret: Uint8Array;
}

/** agentKey = HMAC(root, 42), offersSecret = HMAC(root, 43); root as above with "plumbline/1/agent". */
export function deriveAgentSecrets(primitives: Primitives, seed: Uint8Array): AgentSecrets {
  const root = expandSeed(primitives, seed, 'plumbline/1/agent');
  return {
    agentKey: primitives.hmacSha256(root, u8(0x42)) as PrivateKey,
    offersSecret: primitives.hmacSha256(root, u8(0x43)),
  };
}

/** HMAC(offersSecret, 44 ‖ u64 nonce): what the encryption keys of an owner's offer by that number are derived from. */
export function deriveOfferSeed(primitives: Primitives, offersSecret: Uint8Array, nonce: bigint): Uint8Array {
  return primitives.hmacSha256(offersSecret, concatBytes(u8(0x44), u64(Number(nonce))));
}

function expandSeed(primitives: Primitives, seed: Uint8Array, info: string): Uint8Array {
  const pseudorandom = primitives.hmacSha256(new Uint8Array(32), seed);
  // RFC 5869 expand, one round: 32 bytes are one SHA-256.
  return primitives.hmacSha256(pseudorandom, concatBytes(utf8(info), u8(1)));
}
