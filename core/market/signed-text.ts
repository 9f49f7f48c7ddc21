import { keccak_256 } from '@noble/hashes/sha3.js';
import type * as z from 'zod';
import type { AgreementDomain } from '../agreement/terms.ts';
import { typedDomain } from '../agreement/terms.ts';
import { utf8 } from '../bytes.ts';
import { ArgumentError } from '../errors.ts';
import { canonicalJson } from '../evidence/canonical-json.ts';
import { typedDataHash } from '../typed-data.ts';

/** A text for people that an account has signed, as it travels: canonical JSON, and 65 bytes. */
export interface SignedText {
  readonly text: string;
  /** r ‖ s ‖ v. */
  readonly signature: Uint8Array;
}

/** The form in which it is signed: JSON by RFC 8785. @throws ArgumentError naming what is malformed or too long */
export function textOf<T extends z.ZodType>(what: string, schema: T, maxBytes: number, value: z.input<T>): string {
  const text = canonicalJson(parsed(what, schema, value));
  requireShort(what, text, maxBytes);
  return text;
}

/** What a text says. @throws ArgumentError when it is too long, malformed, or not in its one form */
export function parseText<T extends z.ZodType>(what: string, schema: T, maxBytes: number, text: string): z.output<T> {
  requireShort(what, text, maxBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ArgumentError(`The ${what} is not JSON.`);
  }
  const said = parsed(what, schema, value);
  if (canonicalJson(said) !== text) {
    throw new ArgumentError(
      `The ${what} is not in canonical form, which is JSON by RFC 8785 with every field present.`,
    );
  }
  return said;
}

/**
 * EIP-712 hash of a struct whose last member is the text, as wallets show it.
 * @throws ArgumentError for a contract that is no hex
 */
export function textHash(
  domain: AgreementDomain,
  type: Uint8Array,
  members: readonly Uint8Array[],
  text: string,
): Uint8Array {
  return typedDataHash(typedDomain(domain), type, [...members, keccak_256(utf8(text))]);
}

function parsed<T extends z.ZodType>(what: string, schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ArgumentError(
    `The ${what} is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? '?'}.`,
  );
}

function requireShort(what: string, text: string, maxBytes: number): void {
  const bytes = utf8(text).length;
  if (bytes > maxBytes) {
    throw new ArgumentError(`The ${what} has ${bytes} bytes; at most ${maxBytes} are allowed. Shorten it.`);
  }
}
