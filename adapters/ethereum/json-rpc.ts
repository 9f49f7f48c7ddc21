import * as z from 'zod';
import { LedgerUnavailableError, PlumblineError } from '../../core/errors.ts';
import { withDeadline } from '../with-deadline.ts';

/** One Ethereum node, asked over HTTP. */
export interface JsonRpc {
  /** The result of one request. @throws LedgerUnavailableError, RpcRefusedError */
  call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>;
  /** Results of many requests in one round trip, in their order. @throws LedgerUnavailableError, RpcRefusedError */
  callMany(
    requests: readonly { method: string; params: readonly unknown[] }[],
    signal?: AbortSignal,
  ): Promise<unknown[]>;
}

export interface JsonRpcOptions {
  readonly rpcUrl: string;
  /** The chain the node must be on; checked before the first answer is believed. */
  readonly chainId: number;
  /** For one request, answer read. */
  readonly timeoutMs?: number;
}

/** The node answered, and the answer is an error: a revert, a bad nonce, an unknown block. */
export class RpcRefusedError extends PlumblineError {
  override readonly name = 'RpcRefusedError';
  readonly kind = 'chain';
  readonly code: number;
  /** What the node said, shortened. */
  readonly said: string;
  /** 0x-hex of a revert's data, or null. */
  readonly data: string | null;

  constructor(method: string, code: number, said: string, data: string | null) {
    super(`The node refused ${method}: ${said} (code ${code}).`, { details: { method, code } });
    this.code = code;
    this.said = said;
    this.data = data;
  }
}

/** The node answered more than is read; a smaller question may have an answer. */
export class AnswerTooLongError extends LedgerUnavailableError {}

const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 32 * 2 ** 20;
const MAX_BATCH_REQUESTS = 50;

const errorAnswer = z.looseObject({ code: z.number(), message: z.string(), data: z.unknown().optional() });
const answer = z.looseObject({
  id: z.union([z.number(), z.null()]),
  result: z.unknown().optional(),
  error: errorAnswer.optional(),
});

/**
 * A bounded JSON-RPC client: every request has a timeout and can be aborted, answers are bounded in bytes, nothing polls,
 * and an idle connection keeps no process alive.
 */
export function createJsonRpc(options: JsonRpcOptions): JsonRpc {
  const { chainId, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const url = new URL(options.rpcUrl);
  let onRightChain = false;

  const send = async (requests: readonly Request[], signal?: AbortSignal): Promise<unknown[]> => {
    const body = requests.map(({ method, params }, id) => ({ jsonrpc: '2.0', id, method, params }));
    const text = await post(url, JSON.stringify(body.length === 1 ? body[0] : body), timeoutMs, signal);
    return readAnswers(url, requests, text);
  };

  const requireChain = async (signal?: AbortSignal): Promise<void> => {
    if (onRightChain) return;
    const [answered] = await send([{ method: 'eth_chainId', params: [] }], signal);
    checkChain(url, answered, chainId);
    onRightChain = true;
  };

  const callMany: JsonRpc['callMany'] = async (requests, signal) => {
    await requireChain(signal);
    const results: unknown[] = [];
    for (let i = 0; i < requests.length; i += MAX_BATCH_REQUESTS) {
      results.push(...(await send(requests.slice(i, i + MAX_BATCH_REQUESTS), signal)));
    }
    return results;
  };

  return {
    callMany,
    async call(method, params, signal) {
      return (await callMany([{ method, params }], signal))[0];
    },
  };
}

/** The chain that a node is on. @throws LedgerUnavailableError, RpcRefusedError */
export async function readChainId(
  { rpcUrl, timeoutMs = DEFAULT_TIMEOUT_MS }: Omit<JsonRpcOptions, 'chainId'>,
  signal?: AbortSignal,
): Promise<number> {
  const url = new URL(rpcUrl);
  const request = { method: 'eth_chainId', params: [] };
  const text = await post(url, JSON.stringify({ jsonrpc: '2.0', id: 0, ...request }), timeoutMs, signal);
  const chainId = Number(readAnswers(url, [request], text)[0]);
  if (Number.isSafeInteger(chainId) && chainId > 0) return chainId;
  throw new LedgerUnavailableError(`The node at ${url.host} does not say which chain it is on.`);
}

interface Request {
  readonly method: string;
  readonly params: readonly unknown[];
}

function checkChain(url: URL, answered: unknown, chainId: number): void {
  if (typeof answered === 'string' && Number(answered) === chainId) return;
  throw new LedgerUnavailableError(
    `The node at ${url.host} is on chain ${Number(answered)}, not on ${chainId}. Give the URL of a node of chain ${chainId}.`,
    { details: { chainId } },
  );
}

function post(url: URL, body: string, timeoutMs: number, signal?: AbortSignal): Promise<string> {
  const send = async (abortSignal: AbortSignal): Promise<string> => {
    const headers = { 'content-type': 'application/json' };
    return readBounded(
      url,
      await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: abortSignal }),
    );
  };
  // The host alone is named: the path of a hosted node's URL is a secret.
  return withDeadline(timeoutMs, signal, send, (cause, timedOut) => {
    const what = timedOut ? `did not answer within ${timeoutMs} ms.` : 'cannot be reached. Is it running?';
    return new LedgerUnavailableError(`The node at ${url.host} ${what}`, { cause, details: { host: url.host } });
  });
}

async function readBounded(url: URL, response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of response.body ?? []) {
    sizeBytes += part.length;
    if (sizeBytes > MAX_RESPONSE_BYTES) {
      throw new AnswerTooLongError(`The node at ${url.host} answered more than ${MAX_RESPONSE_BYTES} bytes.`);
    }
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString('utf8');
  // Some nodes answer an error of the method with a status of 4xx: the body tells.
  // Redirections are not followed: they lead to somebody else's page.
  if (
    response.status >= 500 ||
    (response.status >= 300 && response.status < 400) ||
    (response.status >= 400 && !text.startsWith('{') && !text.startsWith('['))
  ) {
    throw new LedgerUnavailableError(
      `The node at ${url.host} answered with HTTP status ${response.status}. Is its URL right?`,
    );
  }
  return text;
}

function readAnswers(url: URL, requests: readonly Request[], text: string): unknown[] {
  const malformed = (cause?: unknown) =>
    new LedgerUnavailableError(`The node at ${url.host} answered something that is not JSON-RPC. Is its URL right?`, {
      cause,
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw malformed(cause);
  }
  const answers = z
    .array(answer)
    .max(requests.length)
    .safeParse(Array.isArray(parsed) ? parsed : [parsed]);
  if (!answers.success) throw malformed(answers.error);
  const byId = new Map(answers.data.map((one) => [one.id, one]));
  return requests.map(({ method }, id) => {
    // A request that cannot be read is answered once, without an id.
    const one = byId.get(id) ?? byId.get(null);
    if (one?.error !== undefined) {
      const { code, message, data } = one.error;
      throw new RpcRefusedError(method, code, message.slice(0, 300), typeof data === 'string' ? data : null);
    }
    if (one?.result === undefined) throw malformed();
    return one.result;
  });
}
