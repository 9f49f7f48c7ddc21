const MAX_PLACE_BYTES = 16 * 1024;
const PLACE_TIMEOUT_MS = 30_000;

/** What the server says of the place that it serves. The worker parses it. */
export async function readPlace(): Promise<string> {
  try {
    const response = await fetch('place.json', { redirect: 'error', signal: AbortSignal.timeout(PLACE_TIMEOUT_MS) });
    if (!response.ok) {
      throw new PlaceError(
        `The server that this page is from does not say where its chain is (status ${response.status}). Try again later.`,
      );
    }
    return await readBounded(response);
  } catch (cause) {
    if (cause instanceof PlaceError) throw cause;
    throw new PlaceError('The server that this page is from does not answer. Is it running?');
  }
}

class PlaceError extends Error {}

/** As the worker's requests: never more than is wanted, whatever is sent. */
async function readBounded(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let sizeBytes = 0;
  for (;;) {
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) return text + decoder.decode();
    sizeBytes += value.length;
    if (sizeBytes > MAX_PLACE_BYTES) {
      await reader?.cancel();
      throw new PlaceError(
        `The server that this page is from says more about its place than the ${MAX_PLACE_BYTES} bytes that are read. Is another program at this address?`,
      );
    }
    text += decoder.decode(value, { stream: true });
  }
}
