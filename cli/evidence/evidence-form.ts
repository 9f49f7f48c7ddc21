import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { ArgumentError, KeyError } from '../../core/errors.ts';
import { encodeEvidence } from '../../core/evidence/encode-evidence.ts';
import type { EvidenceFile } from '../../core/evidence/evidence.ts';
import { encodeCoseReceipt } from '../../core/standard-forms/cose-receipt.ts';
import { publicKeyPem, type VouchedLogKey } from '../../core/standard-forms/log-key.ts';
import { encodeTlogProof, noteVerifierKey } from '../../core/standard-forms/tlog-proof.ts';

/** In which form evidence is written: ours, or one that programs of others read. */
export const FORMS = ['evidence', 'tlog-proof', 'cose'] as const;
export type EvidenceForm = (typeof FORMS)[number];

/** The log key of the device with this serial, with the owner's voucher; null for whoever cannot have it. */
export type LogKeyOf = ((serial: number) => VouchedLogKey) | null;

export interface WrittenForm {
  readonly file: Uint8Array;
  /** What a program is given to check it with; null for our own form. */
  readonly key: { readonly verifierKey: string; readonly publicKeyPem: string } | null;
}

/** @throws KeyError for an auditor; ArgumentError where one block is certainly not all that is asked for */
export function requireForm(form: EvidenceForm, logKeyOf: LogKeyOf, blocks: number | null): void {
  if (form === 'evidence') return;
  if (logKeyOf === null)
    throw new KeyError(`An auditor has no log key: only the owner can write --format ${form}. Leave it out.`);
  if (blocks !== null && blocks !== 1) {
    throw new ArgumentError(
      `--format ${form} proves one block, but you asked for ${blocks}. Ask for one: --blocks N; or leave out --format.`,
    );
  }
}

/** @throws ArgumentError unless a standard form is of one block */
export function encodeForm(evidence: EvidenceFile, form: EvidenceForm, logKeyOf: LogKeyOf): WrittenForm {
  if (form === 'evidence' || logKeyOf === null) return { file: encodeEvidence(evidence), key: null };
  const vouched = logKeyOf(evidence.head.serial);
  const file =
    form === 'cose'
      ? encodeCoseReceipt(evidence, vouched)
      : new TextEncoder().encode(encodeTlogProof(nodePrimitives, evidence, vouched));
  const key = {
    verifierKey: noteVerifierKey(nodePrimitives, vouched.key),
    publicKeyPem: publicKeyPem(vouched.key),
  };
  return { file, key };
}

/** How the reader checks it, in a line or two. */
export function formText(form: EvidenceForm, { key }: WrittenForm): string[] {
  if (key === null) return [];
  const how = {
    'tlog-proof': `The log key signed its checkpoint. For golang.org/x/mod/sumdb/note, the key is ${key.verifierKey}`,
    cose: `The log key signed it:\n${key.publicKeyPem.trimEnd()}`,
    evidence: '',
  }[form];
  return [
    how,
    "It also holds your account's statement about that key, and the same block's evidence for plumb verify.",
  ];
}
