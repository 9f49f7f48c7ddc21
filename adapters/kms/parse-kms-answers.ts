import { secp256k1 } from '@noble/curves/secp256k1.js';
import { computeAddress } from 'ethers';
import { concatBytes, equalBytes, fromHex, to0x, u8 } from '../../core/bytes.ts';
import { AnswerError, ArgumentError } from '../../core/errors.ts';
import { type Address, address } from '../../core/ids.ts';

/**
 * What stands before the point in a SubjectPublicKeyInfo (RFC 5480) of an uncompressed key on secp256k1:
 * SEQUENCE { SEQUENCE { id-ecPublicKey, secp256k1 }, BIT STRING of 66 bytes, none unused }. DER has no other spelling.
 */
const SPKI_PREFIX = fromHex('3056301006072a8648ce3d020106052b8104000a034200');
const POINT_BYTES = 65;

/** The 65-byte uncompressed point of a DER public key. @throws ArgumentError unless on secp256k1 */
export function parsePublicKey(keyId: string, der: Uint8Array): Uint8Array {
  const point = der.subarray(SPKI_PREFIX.length);
  try {
    if (point.length !== POINT_BYTES || !equalBytes(der.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX)) {
      throw new ArgumentError('This is not an uncompressed point on secp256k1 in DER.');
    }
    return secp256k1.Point.fromBytes(point).toBytes(false);
  } catch (cause) {
    throw new ArgumentError(
      `The public key of the KMS key ${keyId} (${der.length} bytes) is not on secp256k1. Name a key of the kind ECC_SECG_P256K1.`,
      { cause },
    );
  }
}

export function accountOfPublicKey(point: Uint8Array): Address {
  return address(computeAddress(to0x(point)));
}

/**
 * KMS's DER signature of a hash as Ethereum wants it: s in the lower half, and which of two keys it recovers to.
 * @throws AnswerError unless it is this key's signature of this hash
 */
export function readSignature(
  keyId: string,
  der: Uint8Array | undefined,
  hash: Uint8Array,
  point: Uint8Array,
): { r: Uint8Array; s: Uint8Array; yParity: 0 | 1 } {
  try {
    const { r, s } = secp256k1.Signature.fromBytes(der ?? new Uint8Array(), 'der');
    // KMS gives either half; contracts and nodes take only the lower one (EIP-2).
    const low = s > secp256k1.Point.Fn.ORDER / 2n ? secp256k1.Point.Fn.neg(s) : s;
    const compact = new secp256k1.Signature(r, low).toBytes('compact');
    for (const yParity of [0, 1] as const) {
      const recovered = secp256k1.recoverPublicKey(concatBytes(u8(yParity), compact), hash, { prehash: false });
      if (equalBytes(secp256k1.Point.fromBytes(recovered).toBytes(false), point)) {
        return { r: compact.slice(0, 32), s: compact.slice(32), yParity };
      }
    }
    throw new AnswerError('The signature recovers to another key.');
  } catch (cause) {
    throw new AnswerError(
      `KMS did not return a signature by the account of key ${keyId}. An alias may have moved; start again.`,
      { cause },
    );
  }
}
