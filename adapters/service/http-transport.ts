import { StoreUnavailableError } from '../../core/errors.ts';
import { connectionFault } from '../connection-fault.ts';
import { readBody } from './read-body.ts';
import { MAX_RESPONSE_BYTES, type Transport } from './transport.ts';

/** Sends requests over HTTP(S). Redirects are not followed: a signature is for one authority. */
export const httpTransport: Transport = async (_called, request, signal) => {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: (request.body as Uint8Array<ArrayBuffer> | undefined) ?? null,
      redirect: 'manual',
      signal,
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await readBody(response, MAX_RESPONSE_BYTES),
    };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof StoreUnavailableError) throw cause;
    const { origin, host } = new URL(request.url);
    const fault = connectionFault(cause, host);
    const why = fault === null ? '' : ` Seen: ${fault}`;
    throw new StoreUnavailableError(`The service at ${origin} does not answer.${why}`, { cause });
  }
};
