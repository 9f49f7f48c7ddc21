import type { HeaderMap, QueryMap } from './canonical-request.ts';

export const SIGV4_ALGORITHM = 'AWS4-HMAC-SHA256';
const MAX_EXPIRES_S = 7 * 24 * 3600;

/** The request is not let in; `code` is one of S3's error codes. */
export class SigV4Refused extends Error {
  override readonly name = 'SigV4Refused';
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What a signed request says about its signature, not yet believed. */
export interface SignatureClaim {
  readonly credential: string;
  readonly dateTime: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly expiresS: number | undefined;
}

export function claimFromHeaders(headers: HeaderMap): SignatureClaim {
  const authorization = headers.get('authorization');
  if (authorization === undefined) throw new SigV4Refused('AccessDenied', 403, 'The request is not signed.');
  const match = /^AWS4-HMAC-SHA256 +Credential=([^, ]+) *, *SignedHeaders=([^, ]+) *, *Signature=([0-9a-f]{64})$/.exec(
    authorization,
  );
  const dateTime = headers.get('x-amz-date');
  if (match === null || dateTime === undefined) {
    throw new SigV4Refused(
      'AuthorizationHeaderMalformed',
      400,
      `Authorization must be ${SIGV4_ALGORITHM} with Credential, SignedHeaders and Signature, next to an x-amz-date header.`,
    );
  }
  return {
    credential: match[1]!,
    dateTime,
    signedHeaders: match[2]!.split(';'),
    signature: match[3]!,
    expiresS: undefined,
  };
}

export function claimFromQuery(query: QueryMap): SignatureClaim {
  const get = (name: string) => query.get(`X-Amz-${name}`) ?? '';
  const malformed = (what: string) => new SigV4Refused('AuthorizationQueryParametersError', 400, what);
  if (get('Algorithm') !== SIGV4_ALGORITHM) throw malformed(`X-Amz-Algorithm must be ${SIGV4_ALGORITHM}.`);
  if (!/^[0-9a-f]{64}$/.test(get('Signature'))) throw malformed('X-Amz-Signature must be 64 lower-case hex digits.');
  const expiresS = /^[0-9]{1,6}$/.test(get('Expires')) ? Number(get('Expires')) : 0;
  if (expiresS < 1 || expiresS > MAX_EXPIRES_S) {
    throw malformed(`X-Amz-Expires must be 1 to ${MAX_EXPIRES_S} seconds (7 days).`);
  }
  return {
    credential: get('Credential'),
    dateTime: get('Date'),
    signedHeaders: get('SignedHeaders').split(';'),
    signature: get('Signature'),
    expiresS,
  };
}
