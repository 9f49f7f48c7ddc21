import type { SignedRequest } from '../http-signature/sign-request.ts';

export interface TransportResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The function that a request is for: its name, and whether it may be called by Lambda Invoke. */
export interface Called {
  readonly name: string;
  readonly invoke: boolean;
}

/** Carries one request to the service and its answer back. Throws StoreUnavailableError when there is no answer. */
export type Transport = (called: Called, request: SignedRequest, signal: AbortSignal) => Promise<TransportResponse>;

/** No answer of the service is larger: Lambda allows 6 MB. */
export const MAX_RESPONSE_BYTES = 8 * 2 ** 20;
