import { StoreUnavailableError } from '../../core/errors.ts';

/** Where something is told, and the headers that let it in: secrets, all of it. */
export interface Webhook {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 10_000;

/**
 * Posts JSON to a webhook; `name` is the same for the same news, so that a receiver can tell a repetition.
 * @throws StoreUnavailableError, in which neither address nor headers stand, unless it answers 2xx
 */
export async function postWebhook(
  { url, headers }: Webhook,
  name: string,
  body: object,
  signal: AbortSignal,
): Promise<void> {
  let status: number;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': name, ...headers },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    status = response.status;
    await response.body?.cancel();
  } catch {
    // What fetch says may repeat the address.
    throw new StoreUnavailableError(`The alerts' webhook did not answer within ${TIMEOUT_MS / 1000} s.`);
  }
  if (status >= 200 && status < 300) return;
  throw new StoreUnavailableError(`The alerts' webhook answered with status ${status}.`);
}
