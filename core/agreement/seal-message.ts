import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { Brand } from '../brand.ts';
import { concatBytes, fromHex, u64, utf8 } from '../bytes.ts';
import { ArgumentError, KeyError } from '../errors.ts';
import { agreementBytes, type PrivateKey } from '../ids.ts';
import {
  ENC_BYTES,
  MAX_MESSAGES,
  MAX_PAYLOAD_BYTES,
  type MessageHeader,
  requireMessageSigner,
  type SealedMessage,
  signMessage,
} from './message.ts';
import type { AgreementDomain } from './terms.ts';

/** X25519, 32 bytes: in the agreement on the chain. */
export type EncryptionPublicKey = Brand<Uint8Array, 'EncryptionPublicKey'>;
/** X25519, 32 bytes, made for one agreement. */
export type EncryptionPrivateKey = Brand<Uint8Array, 'EncryptionPrivateKey'>;

const TAG_BYTES = 16;
/** What fits into one message. */
export const MAX_PLAINTEXT_BYTES = MAX_PAYLOAD_BYTES - ENC_BYTES - TAG_BYTES;
const SEED_BYTES = 32;

/** RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. On the platform's WebCrypto, in Node and browsers. */
export const messageSuite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/**
 * The key pair of 32 secret bytes (RFC 9180 §7.1.3, DeriveKeyPair): give random ones, another for each agreement.
 * @throws ArgumentError on any other length
 */
export async function deriveEncryptionKeys(
  seed: Uint8Array,
): Promise<{ publicKey: EncryptionPublicKey; privateKey: EncryptionPrivateKey }> {
  if (seed.length !== SEED_BYTES) {
    throw new ArgumentError(`A key pair is derived from ${SEED_BYTES} bytes; these are ${seed.length}.`);
  }
  const pair = await messageSuite.kem.deriveKeyPair(exactly(seed));
  const [publicKey, privateKey] = await Promise.all([
    messageSuite.kem.serializePublicKey(pair.publicKey),
    messageSuite.kem.serializePrivateKey(pair.privateKey),
  ]);
  return {
    publicKey: new Uint8Array(publicKey) as EncryptionPublicKey,
    privateKey: new Uint8Array(privateKey) as EncryptionPrivateKey,
  };
}

/**
 * Encrypts to a party of the agreement and signs (specification#messages): base mode, a fresh encapsulated key for every
 * message.
 * @throws ArgumentError when it is too long for one message, or numbers are used up; KeyError when the recipient's key is none
 */
export async function sealMessage(
  domain: AgreementDomain,
  header: MessageHeader,
  recipient: EncryptionPublicKey,
  signer: PrivateKey,
  plaintext: Uint8Array,
): Promise<SealedMessage> {
  if (plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw new ArgumentError(
      `The message has ${plaintext.length} bytes; at most ${MAX_PLAINTEXT_BYTES} fit. Send it in parts.`,
    );
  }
  if (!Number.isInteger(header.sequence) || header.sequence < 0 || header.sequence >= MAX_MESSAGES) {
    throw new ArgumentError(`A message is numbered 0 to ${MAX_MESSAGES - 1}, not ${header.sequence}.`);
  }
  const sealed = await orKeyError("The receiver's key is not an X25519 public key.", async () => {
    const recipientPublicKey = await messageSuite.kem.deserializePublicKey(exactly(recipient));
    const parameters = { recipientPublicKey, info: exactly(messageInfo(domain, header)) };
    return messageSuite.seal(parameters, exactly(plaintext), exactly(messageAad(header)));
  });
  const message = { ...header, enc: new Uint8Array(sealed.enc), ciphertext: new Uint8Array(sealed.ct) };
  return { ...message, signature: signMessage(domain, message, signer) };
}

/**
 * The content of a message, once its signature has been found to be its sender's. Who may send, and whether the message was
 * read before, is for the caller and a SequenceGuard to say.
 * @throws ProofError when `from` did not sign it, KeyError when it was not sealed to this key for this agreement, sender,
 * receiver and sequence
 */
export async function openMessage(
  domain: AgreementDomain,
  message: SealedMessage,
  recipient: EncryptionPrivateKey,
): Promise<Uint8Array> {
  requireMessageSigner(domain, message);
  return orKeyError(`This key does not open message ${message.sequence} from ${message.from}.`, async () => {
    const recipientKey = await messageSuite.kem.deserializePrivateKey(exactly(recipient));
    const parameters = { recipientKey, enc: exactly(message.enc), info: exactly(messageInfo(domain, message)) };
    const opened = await messageSuite.open(parameters, exactly(message.ciphertext), exactly(messageAad(message)));
    return new Uint8Array(opened);
  });
}

/**
 * "plumbline/2" ‖ u64 chainId ‖ OCASC, 20 bytes ‖ agreement id, 32 bytes.
 * @throws ArgumentError for an id that is no hex
 */
export function messageInfo(domain: AgreementDomain, { agreement }: Pick<MessageHeader, 'agreement'>): Uint8Array {
  return concatBytes(
    utf8('plumbline/2'),
    u64(domain.chainId),
    fromHex(domain.ocasc, 'OCASC address', 20),
    agreementBytes(agreement),
  );
}

/**
 * from, 20 bytes ‖ to, 20 bytes ‖ u64 sequence.
 * @throws ArgumentError for an account that is no hex
 */
export function messageAad({ from, to, sequence }: MessageHeader): Uint8Array {
  return concatBytes(fromHex(from, 'sender', 20), fromHex(to, 'receiver', 20), u64(sequence));
}

/** A buffer that holds these bytes and no others, as WebCrypto wants it. */
function exactly(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

async function orKeyError<T>(shortMessage: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new KeyError(shortMessage, { cause });
  }
}
