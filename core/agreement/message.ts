import { keccak_256 } from '@noble/hashes/sha3.js';
import { concatBytes } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { type Address, type AgreementId, agreementBytes, type PrivateKey } from '../ids.ts';
import { addressWord, recoverSigner, signHash, typedDataHash, typeHash, uintWord } from '../typed-data.ts';
import { type AgreementDomain, typedDomain } from './terms.ts';

/** Who tells whom: the owner's agent and the consumer's signer of one agreement. */
export interface MessageHeader {
  readonly agreement: AgreementId;
  readonly from: Address;
  readonly to: Address;
  /** Counts the sender's messages of this agreement, from 0; none is used twice. */
  readonly sequence: number;
}

/** A message as it lies in the mailbox. */
export interface SealedMessage extends MessageHeader {
  /** HPKE's encapsulated key, 32 bytes. */
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** Of `Message`, by `from`. */
  readonly signature: Uint8Array;
}

export const ENC_BYTES = 32;
/** Of `enc ‖ ciphertext` (specification#messages). */
export const MAX_PAYLOAD_BYTES = 65_536;
/** Sequence numbers end here: a mailbox holds no more messages of one sender. */
export const MAX_MESSAGES = 4096;

const MESSAGE_TYPE = typeHash('Message(bytes32 agreement,address from,address to,uint64 sequence,bytes32 payload)');

/**
 * EIP-712 hash of a message, with payload = keccak256(enc ‖ ciphertext).
 * @throws ArgumentError when the sequence is not a number that fits
 */
export function messageHash(domain: AgreementDomain, message: Omit<SealedMessage, 'signature'>): Uint8Array {
  return typedDataHash(typedDomain(domain), MESSAGE_TYPE, [
    agreementBytes(message.agreement),
    addressWord(message.from),
    addressWord(message.to),
    uintWord(BigInt(message.sequence), 64),
    keccak_256(concatBytes(message.enc, message.ciphertext)),
  ]);
}

/**
 * r ‖ s ‖ v, 65 bytes, low s, v 27 or 28.
 * @throws ArgumentError as `messageHash`
 */
export function signMessage(
  domain: AgreementDomain,
  message: Omit<SealedMessage, 'signature'>,
  key: PrivateKey,
): Uint8Array {
  return signHash(messageHash(domain, message), key);
}

/** @throws ProofError unless the account in `from` signed this message, and it has the sizes of one */
export function requireMessageSigner(domain: AgreementDomain, message: SealedMessage): void {
  const payloadBytes = message.enc.length + message.ciphertext.length;
  if (message.enc.length !== ENC_BYTES || payloadBytes > MAX_PAYLOAD_BYTES) {
    throw new ProofError(
      `A message has an encapsulated key of ${ENC_BYTES} bytes and at most ${MAX_PAYLOAD_BYTES} in all; this one has ${payloadBytes}.`,
    );
  }
  if (!Number.isInteger(message.sequence) || message.sequence < 0 || message.sequence >= MAX_MESSAGES) {
    throw new ProofError(`${message.sequence} is not a valid message number, which is 0 to ${MAX_MESSAGES - 1}.`);
  }
  const signer = recoverSigner(messageHash(domain, message), message.signature, 'message signature');
  if (signer !== message.from)
    throw new ProofError(`The message claims to be from ${message.from}, but ${signer} signed it.`);
}
