import { concatBytes, u8, u32, u64, utf8 } from './bytes.ts';
import { ArgumentError } from './errors.ts';
import {
  type Address,
  type AgreementId,
  agreementBytes,
  type DatasetId,
  type DatasetKey,
  datasetBytes,
  type PrivateKey,
} from './ids.ts';
import type { Primitives } from './ports/primitives.ts';
import { accountOfKey, isPrivateKey } from './typed-data.ts';

type Macs = Pick<Primitives, 'hmacSha256'>;

/**
 * branch(info) = HKDF-SHA256(ikm = BIP-39 seed, no salt, info, 32 bytes): everything secret of an owner follows from the
 * mnemonic, and nothing counted in a local file enters a key (specification#keys).
 */
export function branch(primitives: Macs, seed: Uint8Array, info: string): Uint8Array {
  const pseudorandom = primitives.hmacSha256(new Uint8Array(32), seed);
  // RFC 5869 expand, one round: 32 bytes are one SHA-256.
  return primitives.hmacSha256(pseudorandom, concatBytes(utf8(info), u8(1)));
}

/**
 * datasetKey = HMAC(branch("plumbline/2/datasets"), 30 ‖ dataset32 ‖ u32 serial): the secrets of what one device writes.
 * `serial` is that of the first charter that names this device.
 * @throws ArgumentError for a serial that does not fit 32 bits
 */
export function deriveDatasetKey(primitives: Macs, seed: Uint8Array, dataset: DatasetId, serial: number): DatasetKey {
  const message = concatBytes(u8(0x30), datasetBytes(dataset), u32(serial));
  return primitives.hmacSha256(branch(primitives, seed, 'plumbline/2/datasets'), message) as DatasetKey;
}

/**
 * The private key of the device of this serial: the first valid secp256k1 key among HMAC(branch("plumbline/2/devices"),
 * 31 ‖ dataset32 ‖ u32 serial ‖ u8 attempt), attempt = 0, 1, …
 * @throws ArgumentError when the cryptography given is not HMAC-SHA-256
 */
export function deriveDeviceKey(primitives: Macs, seed: Uint8Array, dataset: DatasetId, serial: number): PrivateKey {
  const root = branch(primitives, seed, 'plumbline/2/devices');
  for (let attempt = 0; attempt < 256; attempt++) {
    const message = concatBytes(u8(0x31), datasetBytes(dataset), u32(serial), u8(attempt));
    const key = primitives.hmacSha256(root, message);
    if (isPrivateKey(key)) return key;
  }
  throw new ArgumentError('No attempt gave a private key, so the given cryptography is not HMAC-SHA-256.');
}

/**
 * The serial of a device known by its account, among the serials of its dataset's charters, tried downwards; null when none
 * of them gives this account: then the mnemonic is another owner's.
 */
export function serialOfDevice(
  primitives: Macs,
  seed: Uint8Array,
  dataset: DatasetId,
  device: Address,
  serials: readonly number[],
): number | null {
  const downwards = [...new Set(serials)].sort((a, b) => b - a);
  const found = downwards.find((one) => accountOfKey(deriveDeviceKey(primitives, seed, dataset, one)) === device);
  return found ?? null;
}

/** What a consumer makes for one agreement. The mnemonic and the id give it again after any loss. */
export interface ConsumerSecrets {
  /** Of the account that signs vouchers, messages and requests. */
  readonly signerKey: PrivateKey;
  /** What the agreement's encryption keys are derived from, 32 bytes. */
  readonly encryptionSeed: Uint8Array;
}

/** signerKey = HMAC(root, 40 ‖ id), encryptionSeed = HMAC(root, 41 ‖ id); root = branch("plumbline/2/agreements"). */
export function deriveConsumerSecrets(primitives: Macs, seed: Uint8Array, agreement: AgreementId): ConsumerSecrets {
  const root = branch(primitives, seed, 'plumbline/2/agreements');
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

/** agentKey = HMAC(root, 42), offersSecret = HMAC(root, 43); root = branch("plumbline/2/agent"). */
export function deriveAgentSecrets(primitives: Macs, seed: Uint8Array): AgentSecrets {
  const root = branch(primitives, seed, 'plumbline/2/agent');
  return {
    agentKey: primitives.hmacSha256(root, u8(0x42)) as PrivateKey,
    offersSecret: primitives.hmacSha256(root, u8(0x43)),
  };
}

/**
 * HMAC(offersSecret, 44 ‖ u64 nonce): what the encryption keys of an owner's offer by that number are derived from.
 * @throws ArgumentError for a nonce that does not fit 64 bits
 */
export function deriveOfferSeed(primitives: Macs, offersSecret: Uint8Array, nonce: bigint): Uint8Array {
  return primitives.hmacSha256(offersSecret, concatBytes(u8(0x44), u64(Number(nonce))));
}
