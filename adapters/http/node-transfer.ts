import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { AnswerError, StoreUnavailableError } from '../../core/errors.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Transfer } from '../../core/ports/transfer.ts';

// More than a connection sends before it is this process's turn again.
const PIECE_BYTES = 2 * 2 ** 20;

/** Transfers over HTTP(S). Not by fetch, which would add headers of its own (cache-control beside if-none-match). */
export const nodeTransfer: Transfer = {
  async put(put, body, { stallMs }, signal) {
    const { origin } = urlOf(put);
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        if (signal.aborted) reject(signal.reason);
        else reject(new StoreUnavailableError(`The object store at ${origin} does not answer.`, { cause }));
      };
      const sent = open(put, signal, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', fail);
      });
      sent.on('error', fail);
      sent.setTimeout(stallMs, () => sent.destroy(new Error(`no data for ${stallMs} ms`)));
      writeAll(sent, body, fail);
    });
  },

  async get(get, signal) {
    const { origin } = urlOf(get);
    const broken = (cause: unknown): StoreUnavailableError =>
      new StoreUnavailableError(`The object store at ${origin} did not return a segment.`, { cause });
    return new Promise((resolve, reject) => {
      const sent = open(get, signal, (response) => {
        const status = response.statusCode ?? 0;
        if (status !== 200) response.resume();
        resolve({ status, body: status === 200 ? piecesOf(response, broken) : nothing() });
      });
      sent.on('error', (cause) => reject(broken(cause)));
      sent.end();
    });
  },
};

function open(
  presigned: PresignedRequest,
  signal: AbortSignal,
  onResponse: (response: IncomingMessage) => void,
): ClientRequest {
  const { method, headers } = presigned;
  const url = urlOf(presigned);
  const options: RequestOptions = { method, headers, signal };
  return url.protocol === 'https:' ? httpsRequest(url, options, onResponse) : httpRequest(url, options, onResponse);
}

/** The service says where to. @throws AnswerError */
function urlOf({ url }: PresignedRequest): URL {
  const parsed = URL.parse(url);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed;
  throw new AnswerError(
    'The service presigned a request to an address that is not http or https. Check that it is the right service.',
  );
}

/** In pieces, as one write of 32 MiB would count as one stall and be copied whole. */
function writeAll(sent: ClientRequest, body: Uint8Array, fail: (cause: unknown) => void): void {
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

async function* piecesOf(
  response: IncomingMessage,
  broken: (cause: unknown) => Error,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of response) yield piece as Uint8Array;
  } catch (cause) {
    throw broken(cause);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
