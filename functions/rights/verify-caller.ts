import type { RefusalReason } from '../../adapters/http-signature/refusal.ts';
import type { SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import {
  createRequestVerifier,
  type RequestVerifier,
  type RequestVerifierPolicy,
} from '../../adapters/http-signature/verify-request.ts';
import type { Address } from '../../core/ids.ts';
import { Problem } from '../answer/problem.ts';
import type { ServicePorts, ServiceSettings } from '../ports.ts';
import { createNonceStore } from './nonce-store.ts';

const CLOCK: readonly RefusalReason[] = ['expired', 'not-yet-valid'];

/** What it takes to know who signed a request. */
export interface SigningPorts extends Pick<ServicePorts, 'table' | 'runtime'> {
  readonly settings: () => Pick<ServiceSettings, 'chainId' | 'authorities'>;
}

/** Finds the account that signed a request. @throws Problem when none did, or not so that it counts here and now */
export function createCallerVerifier(
  ports: SigningPorts,
  maxBodyBytes: number,
): (request: SignedRequest) => Promise<Address> {
  const nonces = createNonceStore(ports.table);
  const policy: Omit<RequestVerifierPolicy, 'allowedAuthorities'> = {
    chainId: ports.settings().chainId,
    maxValiditySec: 60,
    clockSkewSec: 30,
    maxBodyBytes,
  };
  const made = new Map<string, RequestVerifier>();
  const verifierFor = (allowedAuthorities: readonly string[]): RequestVerifier => {
    const names = allowedAuthorities.join(' ');
    const verifier =
      made.get(names) ??
      createRequestVerifier(
        { nonces, nowMs: ports.runtime.nowMs },
        { ...policy, allowedAuthorities: [...allowedAuthorities] },
      );
    made.set(names, verifier);
    return verifier;
  };
  return async (request) => {
    const verified = await verifierFor(ports.settings().authorities).verify(request);
    if (verified.ok) return verified.address as Address;
    const { reason, detail } = verified;
    throw CLOCK.includes(reason)
      ? new Problem('/problems/clock', detail, { reason, serverTimeMs: ports.runtime.nowMs() })
      : new Problem('/problems/signature', detail, { reason });
  };
}
