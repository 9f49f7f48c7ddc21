import { createHash } from 'node:crypto';
import * as asn1js from 'asn1js';
import { type Attribute, Certificate, ContentInfo, ExtKeyUsage, SignedData, TSTInfo } from 'pkijs';
import { equalBytes } from '../../core/bytes.ts';
import { PlumblineError, ProofError } from '../../core/errors.ts';

/*
 * A time-stamp token (RFC 3161 §2.4.2): CMS signed data (RFC 5652) whose content is TSTInfo. PKI.js reads the ASN.1 and checks the
 * signature; what RFC 3161 and RFC 5816 ask for beyond, and PKI.js leaves open, is here.
 */

/** A token, taken apart. Nothing of it is checked by this but its form. */
export interface ReadToken {
  readonly signed: SignedData;
  readonly info: TSTInfo;
  readonly certificates: readonly Certificate[];
}

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12';
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';
const EXT_KEY_USAGE = '2.5.29.37';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
export const SHA256 = '2.16.840.1.101.3.4.2.1';

/** Hashes that a signature may be on; SHA-1 and older ones can be forged. */
const HASHES: Readonly<Record<string, string>> = {
  [SHA256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
/** An authority's own, those between it and its root, and some for other roots. */
const MAX_CERTIFICATES = 16;

/** @throws ProofError when it is no token, or one that nobody has to take */
export function readToken(token: Uint8Array): ReadToken {
  return inToken(() => {
    const { offset, result } = asn1js.fromBER(token);
    if (offset !== token.length) throw new ProofError('The time-stamp token is incomplete, or other bytes follow it.');
    const content = new ContentInfo({ schema: result });
    if (content.contentType !== SIGNED_DATA) throw new ProofError('The time-stamp token is not signed data (CMS).');
    const signed = new SignedData({ schema: content.content });
    const { eContent, eContentType } = signed.encapContentInfo;
    if (eContentType !== TST_INFO || eContent === undefined) {
      throw new ProofError('The time-stamp token does not contain the information of a time-stamp (TSTInfo).');
    }
    if (signed.signerInfos.length !== 1) {
      throw new ProofError(`The time-stamp token has ${signed.signerInfos.length} signatures; it must have one.`);
    }
    const certificates = (signed.certificates ?? []).filter((one) => one instanceof Certificate);
    if (certificates.length === 0 || certificates.length > MAX_CERTIFICATES) {
      throw new ProofError(
        `The time-stamp token contains ${certificates.length} certificates; 1 to ${MAX_CERTIFICATES} are allowed.`,
      );
    }
    return { signed, info: TSTInfo.fromBER(eContent.getValue()), certificates };
  });
}

/**
 * Checks that a token is on a message, under the signature of a certificate that is for time-stamps.
 * @param message what the imprint is the SHA-256 of
 * @returns the certificate; whose it is, a root has to say
 * @throws ProofError saying what is wrong
 */
export async function requireSigned({ signed, info }: ReadToken, message: Uint8Array): Promise<Certificate> {
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  const imprint = createHash('sha256').update(message).digest();
  if (hashAlgorithm.algorithmId !== SHA256 || !equalBytes(hashedMessage.valueBlock.valueHexView, imprint)) {
    throw new ProofError('The time-stamp is for a different head, because its imprint differs.');
  }
  const [signerInfo] = signed.signerInfos;
  const hash = signerInfo === undefined ? undefined : HASHES[signerInfo.digestAlgorithm.algorithmId];
  const attributes = signerInfo?.signedAttrs?.attributes ?? [];
  if (hash === undefined)
    throw new ProofError("The time-stamp's signature uses a hash other than SHA-256, SHA-384 and SHA-512.");
  const [type] = oneOf(attributes, CONTENT_TYPE)?.values ?? [];
  if (!(type instanceof asn1js.ObjectIdentifier) || type.valueBlock.toString() !== TST_INFO) {
    throw new ProofError("The signature's attributes do not say that it signs a time-stamp.");
  }
  const signer = await inTokenAsync(async () => {
    const data = new Uint8Array(message).buffer;
    const { signatureVerified, signerCertificate } = await signed.verify({ signer: 0, data, extendedMode: true });
    return signatureVerified === true ? signerCertificate : null;
  });
  if (!(signer instanceof Certificate)) throw new ProofError("The time-stamp's signature is invalid.");
  inToken(() => requireOwnCertificate(attributes, derOf(signer)));
  requireForTimestamps(signer);
  return signer;
}

/** As it stands in the token. */
export function derOf(certificate: Certificate): Uint8Array {
  return new Uint8Array(certificate.toSchema().toBER());
}

/** RFC 5816: the signature names its certificate by hash, so that no other one of the same name takes its place. */
function requireOwnCertificate(attributes: readonly Attribute[], der: Uint8Array): void {
  const second = oneOf(attributes, SIGNING_CERTIFICATE_V2);
  const [value] = (second ?? oneOf(attributes, SIGNING_CERTIFICATE))?.values ?? [];
  // SigningCertificate(V2) ::= SEQUENCE { certs SEQUENCE OF ESSCertID(v2), … }, the signer's first.
  const [named] = partsOf(partsOf(value)[0]);
  const parts = partsOf(named);
  const hashed = parts.find((part) => part instanceof asn1js.OctetString);
  const [algorithm] = parts[0] instanceof asn1js.Sequence ? partsOf(parts[0]) : [];
  const hash =
    second === undefined
      ? 'sha1'
      : algorithm instanceof asn1js.ObjectIdentifier
        ? HASHES[algorithm.valueBlock.toString()]
        : 'sha256';
  const isNamed =
    hash !== undefined &&
    hashed !== undefined &&
    equalBytes(hashed.valueBlock.valueHexView, createHash(hash).update(der).digest());
  if (!isNamed) throw new ProofError('The signature of the time-stamp is not bound to its certificate.');
}

/** RFC 3161 §2.3: for time-stamps, and for nothing else, and whoever does not know that must not take it. */
function requireForTimestamps({ extensions = [] }: Certificate): void {
  const usage = extensions.find(({ extnID }) => extnID === EXT_KEY_USAGE);
  const purposes = usage?.parsedValue instanceof ExtKeyUsage ? usage.parsedValue.keyPurposes : [];
  if (usage?.critical !== true || purposes.length !== 1 || purposes[0] !== TIME_STAMPING) {
    throw new ProofError('The certificate that signed the time-stamp is not for time-stamping alone.');
  }
}

/** Undefined where there is none, or more than one. */
function oneOf(attributes: readonly Attribute[], type: string): Attribute | undefined {
  const found = attributes.filter((attribute) => attribute.type === type);
  return found.length === 1 && found[0]?.values.length === 1 ? found[0] : undefined;
}

function partsOf(value: unknown): readonly unknown[] {
  return value instanceof asn1js.Sequence ? value.valueBlock.value : [];
}

/** Whatever a parser throws on hostile bytes is the token's fault. */
function inToken<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unreadable(cause);
  }
}

async function inTokenAsync<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw unreadable(cause);
  }
}

function unreadable(cause: unknown): Error {
  if (cause instanceof PlumblineError) return cause;
  return new ProofError('The time-stamp token cannot be read, or its signature cannot be checked.', { cause });
}
