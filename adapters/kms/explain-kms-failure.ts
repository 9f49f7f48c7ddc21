import { KMSServiceException } from '@aws-sdk/client-kms';
import { ArgumentError, type PlumblineError, StateError, StoreUnavailableError } from '../../core/errors.ts';

// KMS answers these with 400 as well.
const TRANSIENT = /Throttl|TooManyRequests|LimitExceeded|Unavailable|Timeout/i;

const REMEDIES: Readonly<Record<string, string>> = {
  NotFoundException: 'Name a key of this region and account.',
  AccessDeniedException: 'Allow kms:GetPublicKey and kms:Sign on it.',
  DisabledException: 'Enable it, or name another key.',
  KMSInvalidStateException: 'It may be scheduled for deletion. Cancel that, or name another key.',
  InvalidKeyUsageException: 'Its usage must be SIGN_VERIFY.',
  CredentialsProviderError: 'Give AWS credentials, for instance in the environment.',
};

/** The key is the right one, and somebody has to bring it back to use. */
const STATES: ReadonlySet<string> = new Set(['DisabledException', 'KMSInvalidStateException']);

/** What a failed request to KMS means: something to put right, or something to wait for. */
export function explainKmsFailure(keyId: string, timeoutMs: number, cause: unknown, timedOut: boolean): PlumblineError {
  if (timedOut) return new StoreUnavailableError(`KMS did not answer within ${timeoutMs} ms.`, { cause });
  const name = cause instanceof Error ? cause.name : 'unknown error';
  const refused = cause instanceof KMSServiceException && cause.$fault === 'client' && !TRANSIENT.test(name);
  if (refused || name === 'CredentialsProviderError') {
    const said = `The KMS key ${keyId} cannot be used (${name}). ${REMEDIES[name] ?? 'See the cause.'}`;
    return STATES.has(name) ? new StateError(said, { cause }) : new ArgumentError(said, { cause });
  }
  return new StoreUnavailableError(`KMS does not answer, or refuses for now (${name}). Try again later.`, { cause });
}
