import type { RefusalReason } from '../../adapters/http-signature/refusal.ts';
import type { SignedRequest } from '../../adapters/http-signature/sign-request.ts';
import {
  createRequestVerifier,
  type RequestVerifier,
  type RequestVerifierPolicy,
} from '../../adapters/http-signature/verify-request.ts';
import type { Address } from '../../core/ids.ts';
import type { ServicePorts } from '../ports.ts';
import { createNonceStore } from './nonce-store.ts';
import { Problem } from './problem.ts';

const CLOCK: readonly RefusalReason[] = ['expired', 'not-yet-valid'];

/** Finds the account that signed a request. @throws Problem when none did, or not so that it counts here and now */
export function createCallerVerifier(
  ports: Pick<ServicePorts, 'table' | 'ledger' | 'settings' | 'nowMs'>,
  maxBodyBytes: number,
): (request: SignedRequest) => Promise<Address> {
  const nonces = createNonceStore(ports.table);
  const policy: Omit<RequestVerifierPolicy, 'allowedAuthorities'> = {
    chainId: ports.ledger.domain.chainId,
    maxValiditySec: 60,
    clockSkewSec: 30,
    maxBodyBytes,
  };
  const made = new Map<string, RequestVerifier>();
  const verifierFor = (allowedAuthorities: readonly string[]): RequestVerifier => {
    const names = allowedAuthorities.join(' ');
    const verifier =
      made.get(names) ??
      createRequestVerifier({ nonces, nowMs: ports.nowMs }, { ...policy, allowedAuthorities: [...allowedAuthorities] });
    made.set(names, verifier);
    return verifier;
  };
  return async (request) => {
    const verified = await verifierFor(ports.settings().authorities).verify(request);
    if (verified.ok) return verified.address as Address;
    const { reason, detail } = verified;
    throw CLOCK.includes(reason)
      ? new Problem('/problems/clock', detail, { reason, serverTimeMs: ports.nowMs() })
      : new Problem('/problems/signature', detail, { reason });
  };
}
