import { ArgumentError } from './errors.ts';

/** Joins byte strings into one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Equality whose time depends on the lengths only, so that comparing a secret teaches nothing. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** @throws ArgumentError when one is longer */
export function xorBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length !== b.length) throw new ArgumentError(`Cannot xor ${a.length} with ${b.length} bytes.`);
  return a.map((byte, i) => byte ^ (b[i] as number));
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex without prefix. */
export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += HEX[byte];
  return hex;
}

/** Lower-case hex with 0x, as files and the chain write it. */
export function to0x(bytes: Uint8Array): `0x${string}` {
  return `0x${toHex(bytes)}`;
}

/**
 * Bytes of a hex string, with or without 0x.
 * @throws ArgumentError when it is not hex or has not the wanted number of bytes; the value itself is not repeated,
 * as it may be a secret.
 */
export function fromHex(hex: string, what = 'hex string', sizeBytes?: number): Uint8Array {
  const digits = hex.startsWith('0x') ? hex.slice(2) : hex;
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    throw new ArgumentError(`The ${what} is not hexadecimal. Give pairs of hex digits, with or without 0x.`);
  }
  if (sizeBytes !== undefined && digits.length !== 2 * sizeBytes) {
    throw new ArgumentError(`The ${what} has ${digits.length / 2} bytes; it must have ${sizeBytes}.`);
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/**
 * Big-endian u32.
 * @throws ArgumentError when it does not fit
 */
export function u32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new ArgumentError(`${value} does not fit an unsigned 32-bit integer.`);
  }
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/**
 * Big-endian u64. Numbers are safe integers: 2^53 - 1 blocks of one dataset are out of any device's reach.
 * @throws ArgumentError when it is not an integer from 0 to 2^53 - 1
 */
export function u64(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ArgumentError(`${value} is not an integer from 0 to 2^53 - 1.`);
  }
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(value / 2 ** 32));
  view.setUint32(4, value >>> 0);
  return bytes;
}

const UTF8 = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return UTF8.encode(text);
}
