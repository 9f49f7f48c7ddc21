import { signRequest as signErc8128 } from '@slicekit/erc8128';
import { AnswerError, ArgumentError } from '../../core/errors.ts';
import { parseRequestTarget } from './parse-request-target.ts';

export interface UnsignedRequest {
  method: string;
  /** Absolute, http or https. */
  url: string;
  /** Travel beside the signature, not under it. */
  headers?: Record<string, string>;
  /** An empty body is no body. */
  body?: Uint8Array;
}

export interface SignedRequest {
  method: string;
  /** As it must be sent: the signature covers these very bytes of path and query. */
  url: string;
  headers: Record<string, string>;
  body?: Uint8Array;
}

export interface RequestSigner {
  /** Lower case, with 0x. */
  readonly address: string;
  readonly chainId: number;
  /**
   * Signs one request for one use.
   * @throws ArgumentError when it is not a request that can be sent and signed.
   */
  signRequest(request: UnsignedRequest, options?: { nowMs?: number }): Promise<SignedRequest>;
}

const MAX_TTL_SECONDS = 60;
const MADE_HERE = new Set(['signature', 'signature-input', 'content-digest', 'host']);

/**
 * Signs requests with an Ethereum account: RFC 9421 in the ERC-8128 profile, request-bound, with a random nonce.
 * @param signMessage signs bytes as an EIP-191 message; answers 65 bytes as hex with 0x.
 * @param options.clockOffsetMs what to add to this machine's clock, for those whose clock is known to be wrong.
 * @example
 * const wallet = new Wallet(privateKey);
 * const signer = createRequestSigner((message) => wallet.signMessage(message), { address: wallet.address, chainId: 31337 });
 * const { url, ...init } = await signer.signRequest({ method: 'GET', url: 'https://api.example/v1/datasets' });
 * await fetch(url, init);
 */
export function createRequestSigner(
  signMessage: (message: Uint8Array) => Promise<string>,
  account: { address: string; chainId: number },
  options: { ttlSeconds?: number; clockOffsetMs?: () => number } = {},
): RequestSigner {
  const { ttlSeconds = MAX_TTL_SECONDS, clockOffsetMs = () => 0 } = options;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS) {
    throw new ArgumentError(`ttlSeconds is ${ttlSeconds}; give a whole number from 1 to ${MAX_TTL_SECONDS}.`);
  }
  const { chainId } = account;
  if (!Number.isSafeInteger(chainId) || chainId < 1) {
    throw new ArgumentError(`chainId is ${chainId}; give a positive whole number.`);
  }
  if (!/^0x[0-9a-fA-F]{40}$/.test(account.address)) {
    throw new ArgumentError('The address of the signing account must be 0x and 40 hex digits.');
  }
  const address = account.address.toLowerCase() as `0x${string}`;
  const signer = { address, chainId, signMessage: (message: Uint8Array) => signStrictly(signMessage, message) };

  return {
    address,
    chainId,
    async signRequest(request, { nowMs = Date.now() } = {}) {
      const method = request.method.toUpperCase();
      const url = readUrl(request.url);
      const headers = readOwnHeaders(request.headers ?? {});
      const body = request.body !== undefined && request.body.length > 0 ? request.body : undefined;
      if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
        throw new ArgumentError(`A ${method} request carries no body; this one has ${body.length} bytes.`);
      }
      const createdSec = Math.floor((nowMs + clockOffsetMs()) / 1000);
      // Without the caller's headers: the library would believe a Content-Digest found there.
      const signed = await signErc8128(
        url,
        // TypeScript sets shared buffers apart; fetch copies the bytes either way.
        { method, ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }) },
        signer,
        { created: createdSec, expires: createdSec + ttlSeconds },
      );
      for (const [name, value] of signed.headers) if (MADE_HERE.has(name)) headers[name] = value;
      return { method, url, headers, ...(body === undefined ? {} : { body }) };
    },
  };
}

/** The URL as fetch would send it, which is what the library signs. */
function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw new ArgumentError('A request is signed for an absolute http or https URL without user or password.');
  }
  url.hash = '';
  if (parseRequestTarget(url.href) === null) {
    throw new ArgumentError('The URL is over 8,192 characters, or has a % that no two hex digits follow.');
  }
  return url.href;
}

function readOwnHeaders(headers: Record<string, string>): Record<string, string> {
  const read = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (MADE_HERE.has(lower)) throw new ArgumentError(`Leave out the header ${lower}; signing adds it.`);
    if (read.has(lower)) throw new ArgumentError(`You gave the header ${lower} twice.`);
    read.set(lower, value);
  }
  return Object.fromEntries(read);
}

async function signStrictly(
  signMessage: (message: Uint8Array) => Promise<string>,
  message: Uint8Array,
): Promise<`0x${string}`> {
  const signature = await signMessage(message);
  // The library would read other text as zeros.
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) {
    throw new AnswerError('The account did not return a signature of 65 bytes in hex.');
  }
  return signature as `0x${string}`;
}
