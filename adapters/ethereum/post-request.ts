import { concatBytes } from '../../core/bytes.ts';
import { LedgerUnavailableError } from '../../core/errors.ts';
import { connectionFault } from '../connection-fault.ts';
import { withDeadline } from '../with-deadline.ts';
import type { NodeAddress } from './node-address.ts';

/** The node answered more than is read; a smaller question may have an answer. */
export class AnswerTooLongError extends LedgerUnavailableError {}

/** The node did not answer in time; a smaller question may be answered. */
export class NodeTimeoutError extends LedgerUnavailableError {}

/** What a node answered: text to be read as JSON-RPC, or that it has had enough for now. */
export type Posted =
  | { readonly text: string; readonly status: number }
  | { readonly tooMany: true; readonly status: number; readonly retryAfterMs: number | null };

const MAX_RESPONSE_BYTES = 32 * 2 ** 20;
const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;

/**
 * Sends one body and reads what comes back, bounded in time and bytes. Redirections are not followed: they lead to somebody
 * else's page. Who or what stands in between (DNS, an untrusted certificate, a proxy) is named.
 * @throws LedgerUnavailableError when there is nothing that could be JSON-RPC
 */
export function postRequest(node: NodeAddress, body: string, timeoutMs: number, signal?: AbortSignal): Promise<Posted> {
  const headers = {
    'content-type': 'application/json',
    ...(node.authorization === null ? {} : { authorization: node.authorization }),
  };
  const send = async (abortSignal: AbortSignal): Promise<Posted> =>
    readResponse(
      node,
      await fetch(node.url, { method: 'POST', headers, body, redirect: 'manual', signal: abortSignal }),
    );
  return withDeadline(timeoutMs, signal, send, (cause, timedOut) => {
    // What fetch itself says is no more than that it failed.
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const options = { cause: reason, details: { host: node.host } };
    if (timedOut) {
      return new NodeTimeoutError(`The node at ${node.host} did not answer within ${timeoutMs} ms.`, options);
    }
    const fault = connectionFault(cause, node.host);
    return new LedgerUnavailableError(
      `The node at ${node.host} cannot be reached${fault === null ? '. Check that it is running.' : `: ${fault}`}`,
      options,
    );
  });
}

async function readResponse(node: NodeAddress, response: Response): Promise<Posted> {
  const { status, headers } = response;
  const text = await readBounded(node, response);
  const retryAfterMs = readRetryAfter(headers.get('retry-after'), headers.get('date'));
  if (status === TOO_MANY_REQUESTS || (status === SERVICE_UNAVAILABLE && retryAfterMs !== null)) {
    return { tooMany: true, status, retryAfterMs };
  }
  const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '') || /^\s*</.test(text);
  // Some nodes answer an error of the method with a status of 4xx: the body tells.
  const mayBeRpc = !isPage && status < 500 && (status < 300 || /^\s*[{[]/.test(text));
  if (mayBeRpc && !(status >= 300 && status < 400)) return { text, status };
  const details = { host: node.host, status };
  throw new LedgerUnavailableError(`The node at ${node.host} ${whatItIs(status, isPage)}`, { details });
}

function whatItIs(status: number, isPage: boolean): string {
  if (status === 401 || status === 403) {
    return `requires a valid key (HTTP ${status}). Check key, user and password in its URL.`;
  }
  if (status >= 500) return `failed, or the gateway in front of it did (HTTP ${status}). Try again later.`;
  if (status >= 300 && status < 400) return `redirects elsewhere (HTTP ${status}). Give the URL of the node itself.`;
  if (isPage) return `answers with a web page (HTTP ${status}), not with JSON-RPC. Check its URL.`;
  return `answers with HTTP ${status}, not with JSON-RPC. Check its URL.`;
}

async function readBounded(node: NodeAddress, response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  // Not every browser iterates over a body.
  const reader = response.body?.getReader();
  for (;;) {
    const part = (await reader?.read())?.value;
    if (part === undefined) return new TextDecoder().decode(concatBytes(...parts));
    sizeBytes += part.length;
    if (sizeBytes > MAX_RESPONSE_BYTES) {
      await reader?.cancel();
      throw new AnswerTooLongError(`The node at ${node.host} answered more than ${MAX_RESPONSE_BYTES} bytes.`);
    }
    parts.push(part);
  }
}

/** RFC 9110 §10.2.3: seconds, or a date, which is compared with the sender's own. */
function readRetryAfter(value: string | null, date: string | null): number | null {
  if (value === null) return null;
  if (/^\s*[0-9]{1,9}\s*$/.test(value)) return 1000 * Number(value);
  const ms = Date.parse(value) - Date.parse(date ?? '');
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
