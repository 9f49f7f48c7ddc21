import { ArgumentError } from '../../core/errors.ts';
import { eip191Hash, recoverSigner } from '../../core/typed-data.ts';
import { buildSignatureBase } from './build-signature-base.ts';
import { checkContentDigest } from './check-content-digest.ts';
import { parseRequestTarget } from './parse-request-target.ts';
import { parseSignature } from './parse-signature.ts';
import { parseSignatureInput, type SignatureInput } from './parse-signature-input.ts';
import { Refusal, type RefusalReason } from './refusal.ts';
import type { SignedRequest } from './sign-request.ts';

/** Remembers nonces. */
export interface NonceStore {
  /**
   * True the first time only, however many ask at once, until `expiresAtMs` has passed.
   * Rejects when the store cannot answer: then nobody is let in.
   */
  burn(key: string, expiresAtMs: number): Promise<boolean>;
}

export interface RequestVerifierPolicy {
  /** Host names, with their port where it is not the default one, in lower case. */
  allowedAuthorities: readonly string[];
  chainId: number;
  maxValiditySec: 60;
  clockSkewSec: 30;
  maxBodyBytes: number;
}

export type VerifiedRequest = { ok: true; address: string } | { ok: false; reason: RefusalReason; detail: string };

export interface RequestVerifier {
  verify(request: SignedRequest): Promise<VerifiedRequest>;
}

// API Gateway takes 10 KiB; other ways in should not take much more.
const MAX_HEADERS_CHARS = 16_384;
const ALWAYS_COVERED = ['@method', '@authority', '@path'];

/**
 * Verifies requests signed by Ethereum accounts (RFC 9421 in the ERC-8128 profile, request-bound and not replayable).
 * Whatever the request holds, `verify` answers with a result; it rejects only when the nonce store does.
 * @throws ArgumentError when the policy can accept nothing or is not in lower case.
 */
export function createRequestVerifier(
  deps: { nonces: NonceStore; nowMs: () => number },
  policy: RequestVerifierPolicy,
): RequestVerifier {
  const authorities = new Set(policy.allowedAuthorities);
  if (authorities.size === 0 || [...authorities].some((name) => name === '' || name !== name.toLowerCase())) {
    throw new ArgumentError('The allowed authorities must be at least one host name in lower case.');
  }
  return {
    async verify(request) {
      try {
        const signed = checkRequest(request, authorities, policy, deps.nowMs());
        // Last, so that nobody can burn another's nonce. Kept beyond the last instant at which any clock within the
        // skew would still accept the request.
        const expiresAtMs = (signed.expiresSec + 2 * policy.clockSkewSec) * 1000;
        if (!(await deps.nonces.burn(`${signed.address}:${signed.nonce}`, expiresAtMs))) {
          throw new Refusal('replayed', 'This request has been seen before. Sign a new one for every attempt.');
        }
        return { ok: true, address: signed.address };
      } catch (error) {
        if (error instanceof Refusal) return { ok: false, reason: error.reason, detail: error.message };
        throw error;
      }
    },
  };
}

/** Everything but the nonce, cheap checks before the costly ones. */
function checkRequest(
  request: SignedRequest,
  authorities: ReadonlySet<string>,
  policy: RequestVerifierPolicy,
  nowMs: number,
): SignatureInput {
  const headers = readHeaders(request.headers);
  const inputField = headers.get('signature-input');
  const signatureField = headers.get('signature');
  if (inputField === undefined && signatureField === undefined) {
    throw new Refusal('unsigned', 'The request is not signed. Sign it as ERC-8128 says.');
  }
  if (inputField === undefined || signatureField === undefined) {
    throw new Refusal('malformed', 'Signature and Signature-Input belong together; one of them is missing.');
  }

  const target = parseRequestTarget(request.url);
  if (target === null) throw new Refusal('malformed', 'Host, path and query do not form a URL in plain ASCII.');
  if (typeof request.method !== 'string' || !/^[A-Z]{1,20}$/.test(request.method)) {
    throw new Refusal('malformed', 'The method must be upper-case letters.');
  }
  const body = request.body ?? new Uint8Array(0);
  if (!(body instanceof Uint8Array)) throw new Refusal('malformed', 'The body is not bytes.');
  if (body.length > policy.maxBodyBytes) {
    throw new Refusal('malformed', `The body has ${body.length} bytes; at most ${policy.maxBodyBytes} are accepted.`);
  }

  const authority = target.authority.toLowerCase();
  const host = headers.get('host');
  if (!authorities.has(authority) || (host !== undefined && host.toLowerCase() !== authority)) {
    throw new Refusal('authority', 'This service does not answer for that host.');
  }

  const input = parseSignatureInput(inputField);
  if (input.chainId !== policy.chainId) {
    throw new Refusal('chain', `The keyid names chain ${input.chainId}, but this service is on ${policy.chainId}.`);
  }
  checkComponents(input.components, target.query !== '', body.length > 0);
  checkTimes(input, policy, nowMs);
  const signature = parseSignature(signatureField, input.label);
  if (input.components.includes('content-digest')) checkContentDigest(headers.get('content-digest'), body);
  const base = buildSignatureBase(input.components, { method: request.method, target, headers }, input.paramsValue);
  if (signerOf(base, signature) !== input.address) {
    throw new Refusal('signature', 'The account in keyid did not sign this request.');
  }
  return input;
}

/** Header fields by lower-case name; two spellings of one name are two headers, of which readers may see either. */
function readHeaders(headers: Readonly<Record<string, string>>): Map<string, string> {
  const read = new Map<string, string>();
  let sizeChars = 0;
  for (const [name, value] of Object.entries(headers ?? {})) {
    const lower = name.toLowerCase();
    if (typeof value !== 'string') throw new Refusal('malformed', 'A header is not a string.');
    if (read.has(lower)) throw new Refusal('malformed', 'A header is sent twice.');
    read.set(lower, value);
    sizeChars += name.length + value.length;
  }
  if (sizeChars > MAX_HEADERS_CHARS) {
    throw new Refusal('malformed', `The headers have ${sizeChars} characters; at most ${MAX_HEADERS_CHARS} are read.`);
  }
  return read;
}

function checkComponents(covered: readonly string[], hasQuery: boolean, hasBody: boolean): void {
  const needed = [...ALWAYS_COVERED, ...(hasQuery ? ['@query'] : []), ...(hasBody ? ['content-digest'] : [])];
  const missing = needed.filter((component) => !covered.includes(component));
  if (missing.length > 0) throw new Refusal('components', `The signature does not cover ${missing.join(', ')}.`);
}

function checkTimes(input: SignatureInput, policy: RequestVerifierPolicy, nowMs: number): void {
  const { createdSec, expiresSec } = input;
  if (expiresSec <= createdSec) throw new Refusal('malformed', 'The signature expires before it was created.');
  if (expiresSec - createdSec > policy.maxValiditySec) {
    throw new Refusal(
      'validity-too-long',
      `The signature is valid for ${expiresSec - createdSec} s; at most ${policy.maxValiditySec} s are accepted.`,
    );
  }
  if (nowMs < (createdSec - policy.clockSkewSec) * 1000) {
    throw new Refusal('not-yet-valid', 'The signature was created in the future. Correct the clock.');
  }
  if (nowMs > (expiresSec + policy.clockSkewSec) * 1000) {
    throw new Refusal('expired', 'The signature has expired. Sign again, or correct the clock.');
  }
}

/** The account that signed `message` (EIP-191), in lower case; null when the signature is nobody's. */
function signerOf(message: Uint8Array, signature: Uint8Array): string | null {
  try {
    return recoverSigner(eip191Hash(message), signature, 'signature of a request');
  } catch {
    // Some r are no point of the curve: nobody's signature, as nobody's key made it.
    return null;
  }
}
