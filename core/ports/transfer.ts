import type { PresignedRequest } from './object-store.ts';

/**
 * Moves bytes to and from an object store by presigned requests, as they are: no header but the signed ones, which would
 * become metadata of the object.
 */
export interface Transfer {
  /**
   * Sends a body.
   * @param options.stallMs how long nothing may move. Only the connection knows whether something does, so it looks itself.
   * @returns the status of the answer
   * @throws StoreUnavailableError when there is no answer, or the connection stands still; AnswerError when the address is
   *     none; when aborted, the signal's reason
   */
  put(
    put: PresignedRequest,
    body: Uint8Array,
    options: { readonly stallMs: number },
    signal: AbortSignal,
  ): Promise<number>;
  /**
   * Asks for an object. Its bytes come piece by piece, none unless the status is 200; whoever stops reading hangs up.
   * @throws StoreUnavailableError when there is no answer, it breaks off, or the signal is aborted; AnswerError when the
   *     address is none
   */
  get(
    get: PresignedRequest,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: AsyncIterable<Uint8Array> }>;
}
