/**
 * Bytes, integers and hashes of specification#formats, on node:crypto and ethers alone. Nothing here, nor beside it, is
 * shared with the protocol's code: two implementations that agree on the vectors have read the same page the same way.
 */
import { createHash, createHmac } from 'node:crypto';
import { keccak256 as ethersKeccak256 } from 'ethers';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The rule by which a file's `{seed, size}` stands for bytes; quoted in every file that uses it. */
export const EXPANSION =
  'bytes {seed, size} = SHA-256(utf8(seed) || u32be(0)) || SHA-256(utf8(seed) || u32be(1)) || ..., cut to size bytes';

export function expand(seed: string, sizeBytes: number): Uint8Array {
  const out = new Uint8Array(sizeBytes);
  for (let counter = 0; counter * 32 < sizeBytes; counter++) {
    const part = sha256(concat(utf8(seed), u32(counter)));
    out.set(part.subarray(0, Math.min(32, sizeBytes - counter * 32)), counter * 32);
  }
  return out;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`;

export function unhex(text: string): Uint8Array {
  if (!/^0x([0-9a-f]{2})*$/.test(text)) throw new Error(`not lower-case hex with 0x: ${text.slice(0, 40)}`);
  return Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

export const u8 = (value: number): Uint8Array => unsigned(BigInt(value), 1);
export const u32 = (value: number): Uint8Array => unsigned(BigInt(value), 4);
export const u64 = (value: bigint): Uint8Array => unsigned(value, 8);
export const u256 = (value: bigint): Uint8Array => unsigned(value, 32);

export const sha256 = (bytes: Uint8Array): Uint8Array => Uint8Array.from(createHash('sha256').update(bytes).digest());
export const sha512 = (bytes: Uint8Array): Uint8Array => Uint8Array.from(createHash('sha512').update(bytes).digest());
export const keccak256 = (bytes: Uint8Array): Uint8Array => unhex(ethersKeccak256(bytes));
export const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  Uint8Array.from(createHmac('sha256', key).update(message).digest());

export function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== right.length) throw new Error(`xor of ${left.length} and ${right.length} bytes`);
  return left.map((byte, i) => byte ^ right[i]!);
}

export function flipBit(bytes: Uint8Array, at: number, bit = 0): Uint8Array {
  if (at < 0 || at >= bytes.length) throw new Error(`no byte ${at} in ${bytes.length}`);
  const out = Uint8Array.from(bytes);
  out[at] = out[at]! ^ (1 << bit);
  return out;
}

function unsigned(value: bigint, widthBytes: number): Uint8Array {
  if (value < 0n || value >= 1n << BigInt(8 * widthBytes)) throw new Error(`${value} does not fit ${widthBytes} bytes`);
  const out = new Uint8Array(widthBytes);
  for (let i = widthBytes - 1, rest = value; i >= 0; i--, rest >>= 8n) out[i] = Number(rest & 0xffn);
  return out;
}
