import { createHash } from 'node:crypto';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { SigningKey, Wallet } from 'ethers';
import { createRequestSigner, type SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import {
  createRequestVerifier,
  type NonceStore,
  type RequestVerifierPolicy,
} from '../../adapters/http-signature/verify-request.ts';

export const NOW_MS = Date.UTC(2026, 10, 20, 12, 0, 0);
export const NOW_SEC = NOW_MS / 1000;
export const HOST = 'api.plumbline.example';
export const ORIGIN = `https://${HOST}`;
export const CHAIN_ID = 31337;

export const KEY = `0x${'11'.repeat(32)}`;
export const OTHER_KEY = `0x${'22'.repeat(32)}`;
export const ADDRESS = new Wallet(KEY).address.toLowerCase();

export const POLICY: RequestVerifierPolicy = {
  allowedAuthorities: [HOST],
  chainId: CHAIN_ID,
  maxValiditySec: 60,
  clockSkewSec: 30,
  maxBodyBytes: 4096,
};

/** A clock that a test moves by hand. */
export interface Clock {
  nowMs: number;
}

/** Forgets what has expired, as a table with a TTL would at its most eager. */
export class MemoryNonces implements NonceStore {
  readonly burnt = new Map<string, number>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async burn(key: string, expiresAtMs: number): Promise<boolean> {
    await Promise.resolve();
    const until = this.burnt.get(key);
    if (until !== undefined && until >= this.#clock.nowMs) return false;
    this.burnt.set(key, expiresAtMs);
    return true;
  }
}

export function makeVerifier(policy: Partial<RequestVerifierPolicy> = {}) {
  const clock: Clock = { nowMs: NOW_MS };
  const nonces = new MemoryNonces(clock);
  const { verify } = createRequestVerifier({ nonces, nowMs: () => clock.nowMs }, { ...POLICY, ...policy });
  return { verify, nonces, clock };
}

export function makeSigner(key = KEY, chainId = CHAIN_ID) {
  const wallet = new Wallet(key);
  const signer = createRequestSigner((message) => wallet.signMessage(message), { address: wallet.address, chainId });
  return (method: string, pathAndQuery: string, body?: Uint8Array) =>
    signer.signRequest(
      { method, url: `${ORIGIN}${pathAndQuery}`, ...(body === undefined ? {} : { body }) },
      { nowMs: NOW_MS },
    );
}

export const bytes = (text: string) => new TextEncoder().encode(text);

export const digestField = (body: Uint8Array) => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

/** The hash a wallet signs, EIP-191, written out. */
export function eip191Hash(message: Uint8Array): Uint8Array {
  return keccak_256(Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${message.length}`), message]));
}

export interface Recipe {
  method?: string;
  host?: string;
  path?: string;
  query?: string;
  body?: Uint8Array;
  components?: readonly string[];
  createdSec?: number;
  expiresSec?: number;
  keyId?: string;
  nonce?: string | null;
  label?: string;
  /** Replaces the parameters after the list of components. */
  params?: string;
  headers?: Record<string, string>;
  key?: string;
  /** Last change to the 65 bytes. */
  reshape?: (signature: Uint8Array) => Uint8Array;
}

let counter = 0;

/**
 * A signed request made from RFC 9421 by hand: it shares no code with the adapter or with the library behind it, so
 * that it can also make what they would not.
 */
export function signByHand(recipe: Recipe = {}): SignedRequest {
  const { method = 'GET', host = HOST, path = '/v1/datasets', query, body, label = 'eth', key = KEY } = recipe;
  const { createdSec = NOW_SEC, expiresSec = createdSec + 60, keyId = `erc8128:${CHAIN_ID}:${ADDRESS}` } = recipe;
  const nonce = recipe.nonce === undefined ? `by-hand-${counter++}` : recipe.nonce;
  const headers: Record<string, string> = { ...recipe.headers };
  const covered = [...(recipe.components ?? standardComponents(query !== undefined, body !== undefined))];
  if (body !== undefined) headers['content-digest'] ??= digestField(body);

  const params =
    recipe.params ??
    `;created=${createdSec};expires=${expiresSec}${nonce === null ? '' : `;nonce="${nonce}"`};keyid="${keyId}"`;
  const value = `(${covered.map((name) => `"${name}"`).join(' ')})${params}`;
  let base = '';
  for (const name of covered) {
    base += `"${name}": `;
    if (name === '@method') base += method;
    else if (name === '@authority') base += host;
    else if (name === '@path') base += path;
    else if (name === '@query') base += `?${query ?? ''}`;
    else base += headers[name] ?? '';
    base += '\n';
  }
  base += `"@signature-params": ${value}`;

  const { r, s, v } = new SigningKey(key).sign(eip191Hash(bytes(base)));
  const plain = Uint8Array.from(Buffer.from(`${r.slice(2)}${s.slice(2)}${v.toString(16)}`, 'hex'));
  const signature = recipe.reshape === undefined ? plain : recipe.reshape(plain);
  headers['signature-input'] = `${label}=${value}`;
  headers.signature = `${label}=:${Buffer.from(signature).toString('base64')}:`;
  return {
    method,
    url: `https://${host}${path}${query === undefined ? '' : `?${query}`}`,
    headers,
    ...(body === undefined ? {} : { body }),
  };
}

export function standardComponents(hasQuery: boolean, hasBody: boolean): string[] {
  return ['@method', '@authority', '@path', ...(hasQuery ? ['@query'] : []), ...(hasBody ? ['content-digest'] : [])];
}
