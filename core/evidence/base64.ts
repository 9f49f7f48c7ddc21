import { ArgumentError } from '../errors.ts';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const NO_DIGIT = 255;
const VALUES = new Uint8Array(128).fill(NO_DIGIT);
for (let value = 0; value < DIGITS.length; value++) VALUES[DIGITS.charCodeAt(value)] = value;

/** Base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b, c] = [bytes[at] as number, bytes[at + 1], bytes[at + 2]];
    const word = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    parts.push(
      DIGITS.charAt(word >> 18),
      DIGITS.charAt((word >> 12) & 63),
      b === undefined ? '=' : DIGITS.charAt((word >> 6) & 63),
      c === undefined ? '=' : DIGITS.charAt(word & 63),
    );
  }
  return parts.join('');
}

/** Bytes of base64 in its one form: padded, no other character, and no bit set that stands for nothing. @throws ArgumentError */
export function fromBase64(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array(Math.floor((digits * 6) / 8));
  let bits = 0;
  let held = 0;
  let next = 0;
  for (let at = 0; at < digits; at++) {
    const value = VALUES[text.charCodeAt(at)] ?? NO_DIGIT;
    if (value === NO_DIGIT) throw new ArgumentError(`Character ${at} is not a base64 digit.`);
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[next++] = (held >> bits) & 0xff;
  }
  if (text.length % 4 !== 0 || (held & ((1 << bits) - 1)) !== 0) {
    throw new ArgumentError('This is not canonical base64, which is padded and has unused bits at zero.');
  }
  return bytes;
}
