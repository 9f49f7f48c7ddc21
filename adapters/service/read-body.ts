import { concatBytes } from '../../core/bytes.ts';
import { StoreUnavailableError } from '../../core/errors.ts';

/** The body of a response. @throws StoreUnavailableError when it is longer than `maxBytes`, without reading on */
export async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxBytes) {
      throw new StoreUnavailableError(`The answer has more than the ${maxBytes} bytes that are read. Try again.`);
    }
    parts.push(part);
  }
  return concatBytes(...parts);
}
