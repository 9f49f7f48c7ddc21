import { sha256 } from 'ethers';
import { toHex } from '../../core/bytes.ts';
import { decodeCanonicalBase64 } from './parse-signature.ts';
import { Refusal } from './refusal.ts';

/**
 * Compares a Content-Digest field (RFC 9530) with the bytes of the body.
 * @throws Refusal `digest` when it is missing, not exactly one sha-256, or not that of the body.
 */
export function checkContentDigest(field: string | undefined, body: Uint8Array): void {
  const [, base64] = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(field ?? '') ?? [];
  const claimed = base64 === undefined ? null : decodeCanonicalBase64(base64);
  if (claimed === null) {
    throw new Refusal('digest', 'Content-Digest must be sha-256=:<base64>: and nothing else.');
  }
  if (`0x${toHex(claimed)}` !== sha256(body)) {
    throw new Refusal('digest', `Content-Digest is not the SHA-256 of the body (${body.length} bytes).`);
  }
}
