const MAX_PLACE_CHARACTERS = 16 * 1024;

/** What the server says of the place that it serves. The worker parses it. */
export async function readPlace(): Promise<string> {
  let response: Response;
  try {
    response = await fetch('place.json', { redirect: 'error' });
  } catch {
    throw new Error('The server that this page is from does not answer. Is it running?');
  }
  if (!response.ok) {
    throw new Error(
      `The server that this page is from does not say where its chain is (status ${response.status}). Try again later.`,
    );
  }
  return (await response.text()).slice(0, MAX_PLACE_CHARACTERS);
}
