import * as dagCbor from '@ipld/dag-cbor';
import * as z from 'zod';
import { equalBytes, fromHex, toHex } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import type { BlockIndex } from '../ids.ts';
import { SIGNATURE_BYTES } from '../typed-data.ts';
import { MAX_SAMPLES } from './quota.ts';

/** A voucher on its way to the owner; the agreement is the message's. */
export interface PresentedVoucher {
  readonly due: bigint;
  /** Of the consumer's signer. */
  readonly signature: Uint8Array;
}

/**
 * What a consumer asks the owner for (Table IV step 5, Table V step 4): keys of these blocks, and no others. With a voucher, what is
 * paid for by it is released as well.
 */
export interface KeyRequest {
  /** Ascending, each once. */
  readonly blocks: readonly BlockIndex[];
  readonly voucher: PresentedVoucher | null;
}

/** Why the owner sends no keys for some of the blocks of a request. */
export interface KeyRefusal {
  readonly blocks: readonly BlockIndex[];
  readonly reason: string;
}

/** What distinguishes messages. Key payloads begin with 2, too, and go the other way: from owner to consumer. */
const REQUEST = 2;
const REFUSAL = 3;
const DUE_BYTES = 16;
const MAX_REASON = 500;

const index = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const blocks = z
  .array(index)
  .max(MAX_SAMPLES)
  .refine((list) => list.every((block, i) => i === 0 || block > (list[i - 1] as number)), 'must be ascending');
const bytesOf = (length: number) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length);
const voucher = z
  .tuple([bytesOf(DUE_BYTES), bytesOf(SIGNATURE_BYTES)])
  .transform(([due, signature]): PresentedVoucher => ({ due: BigInt(`0x${toHex(due)}`), signature }));
const request = z.tuple([z.literal(REQUEST), blocks, voucher.nullable()]);
const refusal = z.tuple([z.literal(REFUSAL), blocks, z.string().max(MAX_REASON)]);

/** Canonical dag-cbor `[2, [block …], null or [due as 16 bytes, signature]]`. @throws ArgumentError when a reader would refuse it */
export function encodeKeyRequest({ blocks, voucher }: KeyRequest): Uint8Array {
  const presented =
    voucher === null ? null : [fromHex(voucher.due.toString(16).padStart(2 * DUE_BYTES, '0')), voucher.signature];
  const bytes = dagCbor.encode([REQUEST, [...blocks], presented]);
  decodeKeyRequest(bytes);
  return bytes;
}

/** @throws ArgumentError naming what is wrong */
export function decodeKeyRequest(bytes: Uint8Array): KeyRequest {
  const [, blocks, voucher] = decode(request, bytes, 'request for keys');
  return { blocks, voucher };
}

/** Canonical dag-cbor `[3, [block …], reason]`. */
export function encodeKeyRefusal({ blocks, reason }: KeyRefusal): Uint8Array {
  return dagCbor.encode([REFUSAL, [...blocks], reason.slice(0, MAX_REASON)]);
}

/**
 * The refusal in a message of the owner; null when it is none, and so should be keys.
 * @throws ProofError when it is a refusal and malformed
 */
export function decodeKeyRefusal(bytes: Uint8Array): KeyRefusal | null {
  if (kindOf(bytes) !== REFUSAL) return null;
  const [, blocks, reason] = decode(refusal, bytes, 'refusal of keys');
  return { blocks, reason };
}

function kindOf(bytes: Uint8Array): unknown {
  try {
    const value: unknown = dagCbor.decode(bytes);
    return Array.isArray(value) ? value[0] : undefined;
  } catch {
    return undefined;
  }
}

function decode<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  let value: unknown;
  try {
    value = dagCbor.decode(bytes);
  } catch (cause) {
    throw new ArgumentError(`The ${what} is not dag-cbor.`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new ArgumentError(`The ${what} is malformed at ${parsed.error.issues[0]?.path.join('.') || 'its top'}.`);
  }
  if (!equalBytes(dagCbor.encode(value), bytes)) throw new ArgumentError(`The ${what} is not canonical dag-cbor.`);
  return parsed.data;
}
