import { toHex } from '../bytes.ts';

/** X25519 points of small order: a secret shared with one of them is known to all (RFC 7748 §6.1). Little-endian hex. */
const WEAK_POINTS: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Whether nothing can be sealed to this key, or anybody could read it: OCASC knows no curve, so either party can name one. */
export function isWeakPoint(key: Uint8Array): boolean {
  const masked = Uint8Array.from(key);
  // The top bit counts for nothing.
  masked[31] = (masked[31] ?? 0) & 0x7f;
  return WEAK_POINTS.has(toHex(masked));
}
