import { AnswerError, PlumblineError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import { readBody } from './read-body.ts';

const TIMEOUT_MS = 120_000;

/** Bytes behind a presigned GET, at most `maxBytes`; null when the object is gone. */
export async function downloadPresigned(
  get: PresignedRequest,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array | null> {
  // The host alone is named: the query of a presigned URL is a key.
  const { host } = new URL(get.url);
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const response = await fetch(get.url, { headers: { ...get.headers }, redirect: 'error', signal: either });
    if (response.status === 404) return null;
    if (!response.ok) {
      const problem = { type: 'about:blank', status: response.status };
      if (response.status < 500)
        throw new RequestRefusedError(
          `The storage at ${host} refused the download (status ${response.status}).`,
          problem,
        );
      throw new StoreUnavailableError(`The storage at ${host} answered the download with status ${response.status}.`);
    }
    if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '')) {
      throw new AnswerError(
        `The storage at ${host} answered the download with a web page. A proxy may be in front of it.`,
      );
    }
    return await readBody(response, maxBytes);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof PlumblineError) throw cause;
    throw new StoreUnavailableError(`The stored segment cannot be downloaded from ${host}.`, { cause });
  }
}
