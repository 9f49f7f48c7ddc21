import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';

// More than a connection sends before it is this process's turn again.
const PIECE_BYTES = 2 * 2 ** 20;

/**
 * Sends a presigned PUT with exactly the signed headers: fetch would add its own (cache-control beside if-none-match), which
 * become metadata of the object.
 * @param options.stallMs how long the connection may do nothing
 * @returns `present` when the store has an object of this name already, which then has these bytes: names are hashes
 * @throws StoreUnavailableError
 */
export async function putObject(
  put: PresignedRequest,
  body: Uint8Array,
  options: { readonly stallMs: number },
  signal: AbortSignal,
): Promise<'stored' | 'present'> {
  const status = await send(put, body, options.stallMs, signal);
  if (status >= 200 && status < 300) return 'stored';
  if (status === 412) return 'present';
  throw new StoreUnavailableError(`The object store answers the upload with ${status}. It is tried again.`, {
    details: { status },
  });
}

function send(put: PresignedRequest, body: Uint8Array, stallMs: number, signal: AbortSignal): Promise<number> {
  const url = new URL(put.url);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      if (signal.aborted) reject(signal.reason);
      else reject(new StoreUnavailableError(`The object store at ${url.origin} does not answer.`, { cause }));
    };
    const sent = request(url, { method: put.method, headers: put.headers, signal }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', fail);
    });
    sent.on('error', fail);
    sent.setTimeout(stallMs, () => sent.destroy(new Error(`nothing moved for ${stallMs} ms`)));
    writeAll(sent, body, fail);
  });
}

/** In pieces, as one write of 32 MiB would count as one stall and be copied whole. */
function writeAll(sent: import('node:http').ClientRequest, body: Uint8Array, fail: (cause: unknown) => void): void {
  let at = 0;
  const next = (): void => {
    while (at < body.length && !sent.destroyed) {
      const room = sent.write(body.subarray(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
      if (!room) {
        sent.once('drain', next);
        return;
      }
    }
    if (!sent.destroyed) sent.end();
  };
  try {
    next();
  } catch (cause) {
    fail(cause);
  }
}
