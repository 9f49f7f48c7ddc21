import { concatBytes } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';

/** The body of a response. @throws StoreUnavailableError when it is longer than `maxBytes`, without reading on */
export async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxBytes) {
      // The host alone: the rest of a presigned address is a key.
      const host = URL.canParse(response.url) ? ` at ${new URL(response.url).host}` : '';
      throw new StoreUnavailableError(
        `The server${host} sent more than the ${maxBytes} bytes that are read. Try again.`,
      );
    }
    parts.push(part);
  }
  return concatBytes(...parts);
}
