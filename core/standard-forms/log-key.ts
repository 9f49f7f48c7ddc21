import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, fromHex, u8, u32, utf8 } from '../bytes.ts';
import { type DisscDomain, disscTypedDataDomain } from '../dissc-domain.ts';
import { ProofError } from '../errors.ts';
import { toBase64 } from '../evidence/base64.ts';
import { type Address, bytes32, type DatasetId, type DatasetKey, datasetBytes, type PrivateKey } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import { recoverSigner, signHash, typedDataHash, typeHash, word } from '../typed-data.ts';

/** An Ed25519 key of one device's log, for programs that know no account of Ethereum (specification#standard-forms). */
export interface LogKey {
  readonly dataset: DatasetId;
  /** Of the device whose dataset key it is derived from. */
  readonly serial: number;
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** A log key under its owner's word: r ‖ s ‖ v of the owner's account. */
export interface VouchedLogKey {
  readonly key: LogKey;
  readonly voucher: Uint8Array;
}

const LOG_KEY_TYPE = typeHash('LogKey(bytes32 dataset,uint32 serial,bytes32 key)');

/** The key whose 32-byte seed is HMAC(datasetKey, 03). */
export function deriveLogKey(
  primitives: Pick<Primitives, 'hmacSha256'>,
  datasetKey: DatasetKey,
  { dataset, serial }: Pick<LogKey, 'dataset' | 'serial'>,
): LogKey {
  const seed = primitives.hmacSha256(datasetKey, u8(0x03));
  const publicKey = ed25519.getPublicKey(seed);
  return { dataset, serial, publicKey, sign: (message) => ed25519.sign(message, seed) };
}

/**
 * Signs a voucher: EIP-712 in DISSC's domain, by the owner's account.
 * @throws ArgumentError unless the key has 32 bytes
 */
export function vouchForLogKey(domain: DisscDomain, key: LogKey, ownerKey: PrivateKey): VouchedLogKey {
  return { key, voucher: signHash(voucherHash(domain, key), ownerKey) };
}

/** @throws ProofError unless this owner has vouched for the key */
export function requireLogKeyVoucher(
  domain: DisscDomain,
  key: Omit<LogKey, 'sign'>,
  voucher: Uint8Array,
  owner: Address,
): void {
  const signer = recoverSigner(voucherHash(domain, key), voucher, 'voucher');
  if (signer !== owner) throw new ProofError(`${signer} vouches for the log key, but the owner is ${owner}.`);
}

/** The key as other programs read it (RFC 8410). */
export function publicKeyPem({ publicKey }: Pick<LogKey, 'publicKey'>): string {
  const der = concatBytes(SPKI_OF_ED25519, publicKey);
  return `-----BEGIN PUBLIC KEY-----\n${toBase64(der)}\n-----END PUBLIC KEY-----\n`;
}

/** SEQUENCE {SEQUENCE {OID 1.3.101.112}, BIT STRING}: the 32 bytes of the key follow. */
const SPKI_OF_ED25519 = fromHex('302a300506032b6570032100');

/** What a log is called in the forms of others: one name a dataset, whoever its device is. */
export function originOf(dataset: DatasetId): string {
  return `plumbline/2/${dataset.slice(2)}`;
}

/** What note verifiers of golang.org/x/mod are given: name, first 4 bytes of the key's hash, key. */
export function noteKeyId(primitives: Pick<Primitives, 'sha256'>, { dataset, publicKey }: LogKey): Uint8Array {
  return primitives.sha256(Uint8Array.of(...utf8(`${originOf(dataset)}\n`), ED25519, ...publicKey)).slice(0, 4);
}

/** The type of a signature in a note (c2sp.org/signed-note). */
export const ED25519 = 0x01;

function voucherHash(domain: DisscDomain, { dataset, serial, publicKey }: Omit<LogKey, 'sign'>): Uint8Array {
  return typedDataHash(disscTypedDataDomain(domain), LOG_KEY_TYPE, [
    datasetBytes(dataset),
    word(u32(serial)),
    bytes32(publicKey, 'log key'),
  ]);
}
