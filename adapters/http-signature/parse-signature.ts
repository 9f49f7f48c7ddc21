import { decodeBase64, encodeBase64, toBigInt } from 'ethers';
import { Refusal } from './refusal.ts';

const MEMBER = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]+={0,2}):$/;
const MAX_SIGNATURE_CHARS = 512;
// The order of secp256k1 (SEC 2 §2.4.1).
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/**
 * The 65 bytes r ‖ s ‖ v of a Signature field (RFC 9421 §4.2) that holds exactly the signature named `label`.
 * @throws Refusal `malformed` when the field is something else; `signature` when the bytes are not the one form in which
 * an account's signature is accepted: 65 bytes, low s, v 27 or 28. So nobody can make a second form of a signature.
 */
export function parseSignature(field: string, label: string): Uint8Array {
  if (field.length > MAX_SIGNATURE_CHARS) {
    throw new Refusal(
      'malformed',
      `Signature has ${field.length} characters; at most ${MAX_SIGNATURE_CHARS} are read.`,
    );
  }
  const [, named, base64] = MEMBER.exec(field) ?? [];
  if (named === undefined || base64 === undefined) {
    throw new Refusal('malformed', 'Signature must hold exactly one byte string in base64 between colons.');
  }
  if (named !== label) throw new Refusal('malformed', 'Signature and Signature-Input name different signatures.');
  const bytes = decodeCanonicalBase64(base64);
  if (bytes === null) throw new Refusal('malformed', 'Signature is not canonical base64 with padding.');
  if (bytes.length !== 65) {
    throw new Refusal('signature', `The signature has ${bytes.length} bytes; an account signs with 65 (r, s, v).`);
  }
  const r = toBigInt(bytes.subarray(0, 32));
  const s = toBigInt(bytes.subarray(32, 64));
  if (r === 0n || r >= ORDER || s === 0n || s >= ORDER) {
    throw new Refusal('signature', 'The r or s of the signature is out of range.');
  }
  if (s > ORDER / 2n) throw new Refusal('signature', 'The s of the signature is in the upper half; sign with low s.');
  if (bytes[64] !== 27 && bytes[64] !== 28) throw new Refusal('signature', 'The v of the signature must be 27 or 28.');
  return bytes;
}

/** Bytes of padded base64 in its only spelling, or null. */
export function decodeCanonicalBase64(base64: string): Uint8Array | null {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return null;
  const bytes = Uint8Array.from(decodeBase64(base64));
  return encodeBase64(bytes) === base64 ? bytes : null;
}
