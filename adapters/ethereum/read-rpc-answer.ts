import * as z from 'zod';
import { LedgerUnavailableError, PlumblineError } from '../../core/errors.ts';
import { beyondBounds } from '../../core/json-bounds.ts';
import type { NodeAddress } from './node-address.ts';

/** One request, as it is asked. */
export interface RpcRequest {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** The node answered, and the answer is an error: a revert, a bad nonce, an unknown block. */
export class RpcRefusedError extends PlumblineError {
  override readonly name = 'RpcRefusedError';
  readonly kind = 'chain';
  readonly code: number;
  /** What the node said, shortened: for people. Nothing is decided by it. */
  readonly said: string;
  /** 0x-hex of what a contract reverted with, or null. */
  readonly data: string | null;

  constructor(method: string, code: number, said: string, data: string | null) {
    super(`The node refused ${method}: ${said} (code ${code}).`, { details: { method, code } });
    this.code = code;
    this.said = said;
    this.data = data;
  }
}

const MAX_SAID_CHARS = 300;
/** A revert's data may be wrapped. */
const MAX_DEPTH = 4;

const errorAnswer = z.looseObject({
  code: z.union([z.number(), z.string()]).optional(),
  message: z.unknown().optional(),
  data: z.unknown().optional(),
});
// Some nodes send `error: null` beside a result, or ids as text.
const answer = z.looseObject({
  id: z.union([z.number(), z.string(), z.null()]).optional(),
  result: z.unknown().optional(),
  error: z.union([errorAnswer, z.string(), z.null()]).optional(),
});

/** What a node answered to one request: its result, or why not. */
export type RpcAnswer = { readonly result: unknown } | { readonly refused: RpcRefusedError };

/** A single answer. @throws LedgerUnavailableError when it is not JSON-RPC */
export function readAnswer(node: NodeAddress, request: RpcRequest, text: string): RpcAnswer {
  const parsed = parseJson(text);
  const found = readOne(Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed, [request]);
  // A request that cannot be read is answered without an id.
  if (found !== null && (found.index === 0 || found.index === null)) return found.answer;
  throw new LedgerUnavailableError(`The node at ${node.host} returned something that is not JSON-RPC. Check its URL.`, {
    details: { host: node.host },
  });
}

/** Answers of a batch in the order of the requests, null where there is none; null at all when it is no list of answers. */
export function readBatchAnswers(requests: readonly RpcRequest[], text: string): (RpcAnswer | null)[] | null {
  const parsed = parseJson(text);
  if (!Array.isArray(parsed) || parsed.length > requests.length) return null;
  const answers = requests.map((): RpcAnswer | null => null);
  for (const one of parsed) {
    const found = readOne(one, requests);
    if (typeof found?.index === 'number') answers[found.index] = found.answer;
  }
  return answers;
}

function readOne(
  value: unknown,
  requests: readonly RpcRequest[],
): { readonly index: number | null; readonly answer: RpcAnswer } | null {
  const parsed = answer.safeParse(value);
  if (!parsed.success) return null;
  const { id = null, result, error } = parsed.data;
  const index = id === null ? null : Number(id);
  const request = requests[index ?? 0];
  if (request === undefined || index === -1 || id === '') return null;
  if (error !== undefined && error !== null) {
    return { index, answer: { refused: refusalOf(request.method, error) } };
  }
  return result === undefined ? null : { index, answer: { result } };
}

function refusalOf(method: string, error: z.output<typeof errorAnswer> | string): RpcRefusedError {
  if (typeof error === 'string') return new RpcRefusedError(method, 0, error.slice(0, MAX_SAID_CHARS), null);
  const { code, message, data } = error;
  const said = typeof message === 'string' && message !== '' ? message : 'without a reason';
  const number = Number(code);
  return new RpcRefusedError(
    method,
    Number.isSafeInteger(number) ? number : 0,
    said.slice(0, MAX_SAID_CHARS),
    findRevertData(data, 0),
  );
}

/** Plain hex; "Reverted 0x…" (Nethermind, OpenEthereum); or within an object (Hardhat, Ganache). */
function findRevertData(data: unknown, depth: number): string | null {
  if (typeof data === 'string') return /^(?:Reverted )?(0x(?:[0-9a-f]{2})*)$/i.exec(data.trim())?.[1] ?? null;
  if (typeof data !== 'object' || data === null || depth >= MAX_DEPTH) return null;
  for (const name of ['data', 'result', 'return', 'output', 'originalError']) {
    const found = findRevertData((data as Readonly<Record<string, unknown>>)[name], depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** Traces aside, which nobody asks for, no answer nests as deep; how long one may be is bounded where it is read. */
const BOUNDS = { maxDepth: 32, maxCommas: Number.MAX_SAFE_INTEGER };

function parseJson(text: string): unknown {
  if (beyondBounds(text, BOUNDS) !== null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
