import { concatBytes } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { MAX_RESPONSE_BYTES, type Transport } from './transport.ts';

/** Sends requests over HTTP(S). Redirects are not followed: a signature is for one authority. */
export const httpTransport: Transport = async (_route, request, signal) => {
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
      body: await readBounded(response),
    };
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof StoreUnavailableError) throw cause;
    throw new StoreUnavailableError(`The service at ${new URL(request.url).origin} does not answer.`, { cause });
  }
};

async function readBounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_RESPONSE_BYTES) {
      throw new StoreUnavailableError(`The service answers more than ${MAX_RESPONSE_BYTES} bytes.`);
    }
    parts.push(part);
  }
  return concatBytes(...parts);
}
