import { StoreUnavailableError } from '../../core/errors.ts';
import type { PresignedRequest } from '../../core/ports/object-store.ts';
import type { Transfer } from '../../core/ports/transfer.ts';

/**
 * Sends a presigned PUT with exactly the signed headers.
 * @param options.stallMs how long the connection may do nothing
 * @returns `present` when the store has an object of this name already, which then has these bytes: names are hashes
 * @throws StoreUnavailableError
 */
export async function putObject(
  transfer: Pick<Transfer, 'put'>,
  put: PresignedRequest,
  body: Uint8Array,
  options: { readonly stallMs: number },
  signal: AbortSignal,
): Promise<'stored' | 'present'> {
  const status = await transfer.put(put, body, options, signal);
  if (status >= 200 && status < 300) return 'stored';
  if (status === 412) return 'present';
  throw new StoreUnavailableError(
    `The object store answered the upload with status ${status}. The device will try again.`,
    {
      details: { status },
    },
  );
}
