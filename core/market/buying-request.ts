import * as z from 'zod';
import type { AgreementDomain } from '../agreement/terms.ts';
import { to0x } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import type { Address, PrivateKey } from '../ids.ts';
import { recoverSigner, signHash, typeHash } from '../typed-data.ts';
import { periodSchema } from './description.ts';
import { lineOf, linesOf } from './plain-text.ts';
import { parseText, type SignedText, textHash, textOf } from './signed-text.ts';

export const MAX_REQUEST_BYTES = 2_048;
/** A request is kept no longer than that after it was made. */
export const MAX_REQUEST_SECONDS = 14 * 86_400;

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const account = z.string().regex(/^0x[0-9a-f]{40}$/);
const seconds = z.int().min(0).max(0xffff_ffff);

/** What a consumer would buy (specification#buying-requests); it binds nobody. Every field is there; null says nothing. */
const requestSchema = z.strictObject({
  v: z.literal(1),
  account,
  topic: lineOf(120),
  about: linesOf(800).nullable(),
  period: periodSchema.nullable(),
  /** What the account would pay at most; the zero address for the native coin. */
  price: z.strictObject({ token: account, most: z.string().regex(/^(0|[1-9][0-9]{0,38})$/) }).nullable(),
  contact: lineOf(200).nullable(),
  /** An agreement that the account has accepted: who has bought before gets a reserved place. */
  bought: hash.nullable(),
  madeAtSeconds: seconds,
  untilSeconds: seconds,
});
export type BuyingRequest = z.output<typeof requestSchema>;

const REQUEST_TYPE = typeHash('Request(string text)');
const WHAT = 'request';

/** @throws ArgumentError naming what is malformed or too long */
export function signRequest(domain: AgreementDomain, request: BuyingRequest, key: PrivateKey): SignedText {
  const text = textOf(WHAT, requestSchema, MAX_REQUEST_BYTES, request);
  return { text, signature: signHash(textHash(domain, REQUEST_TYPE, [], text), key) };
}

/** A request with the name it is called by: its EIP-712 hash. */
export interface NamedRequest {
  readonly id: `0x${string}`;
  readonly request: BuyingRequest;
}

/** @throws ProofError when the account named in it has not signed it; ArgumentError when it is malformed */
export function requireRequest(domain: AgreementDomain, { text, signature }: SignedText): NamedRequest {
  const request = parseText(WHAT, requestSchema, MAX_REQUEST_BYTES, text);
  const hashed = textHash(domain, REQUEST_TYPE, [], text);
  const signer: Address = recoverSigner(hashed, signature, 'signature of a request');
  if (signer !== request.account) {
    throw new ProofError(`The request claims to come from ${request.account}, but ${signer} signed it.`);
  }
  return { id: to0x(hashed), request };
}
