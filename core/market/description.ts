import * as z from 'zod';
import type { AgreementDomain } from '../agreement/terms.ts';
import { to0x } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import { type Address, type AgreementId, agreementBytes, type PrivateKey } from '../ids.ts';
import { recoverSigner, signHash, typeHash } from '../typed-data.ts';
import { lineOf, linesOf } from './plain-text.ts';
import { parseText, type SignedText, textHash, textOf } from './signed-text.ts';

export const MAX_DESCRIPTION_BYTES = 4_096;
export const MAX_CONTENTS = 24;
export const MAX_NAME_CHARACTERS = 80;
/** The bound of a time, as JavaScript's dates have it. */
const MAX_TIME_MS = 8_640_000_000_000_000;

const whole = z.int().min(0);
const timeMs = whole.max(MAX_TIME_MS);
export const periodSchema = z
  .strictObject({ fromMs: timeMs, toMs: timeMs })
  .refine(({ fromMs, toMs }) => fromMs <= toMs, 'must not end before it begins');

/** What an owner says of an offer (specification#descriptions). Every field is there; null says nothing. */
const descriptionSchema = z.strictObject({
  v: z.literal(1),
  title: lineOf(120),
  about: linesOf(1_500).nullable(),
  /** When the blocks were captured, by their metas. */
  period: periodSchema.nullable(),
  /** Bytes of all the blocks for sale, as stored. */
  sizeBytes: whole.nullable(),
  /** What the blocks are called, the largest first, and how much there is of each. */
  contents: z
    .array(z.strictObject({ name: lineOf(MAX_NAME_CHARACTERS), blocks: whole.min(1), sizeBytes: whole }))
    .max(MAX_CONTENTS),
  /** Names beyond those. */
  moreNames: whole,
  licence: lineOf(200).nullable(),
  contact: lineOf(200).nullable(),
  /** The request that this offer answers. */
  request: z
    .string()
    .regex(/^0x[0-9a-f]{64}$/)
    .nullable(),
});
export type Description = z.output<typeof descriptionSchema>;

const DESCRIPTION_TYPE = typeHash('Description(bytes32 agreement,string text)');
const WHAT = 'description';

/** The form in which a description is signed. @throws ArgumentError naming what is malformed or too long */
export function descriptionText(description: Description): string {
  return textOf(WHAT, descriptionSchema, MAX_DESCRIPTION_BYTES, description);
}

/** @throws ArgumentError when the text is too long, malformed, or not in its one form */
export function parseDescription(text: string): Description {
  return parseText(WHAT, descriptionSchema, MAX_DESCRIPTION_BYTES, text);
}

/**
 * EIP-712 hash of what is said of one agreement of one OCASC: what the owner signs, and the description's name.
 * @throws ArgumentError for an id that is no hex
 */
export function descriptionHash(domain: AgreementDomain, agreement: AgreementId, text: string): Uint8Array {
  return textHash(domain, DESCRIPTION_TYPE, [agreementBytes(agreement)], text);
}

/**
 * The same in hex: what a description is called by.
 * @throws ArgumentError for an id that is no hex
 */
export function descriptionName(domain: AgreementDomain, agreement: AgreementId, text: string): `0x${string}` {
  return to0x(descriptionHash(domain, agreement, text));
}

/** @throws ArgumentError as `descriptionText` */
export function signDescription(
  domain: AgreementDomain,
  agreement: AgreementId,
  description: Description,
  ownerKey: PrivateKey,
): SignedText {
  const text = descriptionText(description);
  return { text, signature: signHash(descriptionHash(domain, agreement, text), ownerKey) };
}

/** The account that signed a description. @throws ProofError when the signature has not its one form */
export function descriptionSigner(
  domain: AgreementDomain,
  agreement: AgreementId,
  { text, signature }: SignedText,
): Address {
  return recoverSigner(descriptionHash(domain, agreement, text), signature, 'signature of a description');
}

/**
 * What the owner of an agreement says of it.
 * @throws ProofError when somebody else says it; ArgumentError when it is malformed
 */
export function requireDescription(
  domain: AgreementDomain,
  { id, owner }: { readonly id: AgreementId; readonly owner: Address },
  signed: SignedText,
): Description {
  const signer = descriptionSigner(domain, id, signed);
  if (signer !== owner) throw new ProofError(`${signer} signed the description of ${id}, whose owner is ${owner}.`);
  return parseDescription(signed.text);
}
