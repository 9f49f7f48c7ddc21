import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request, as it stands in a body. */
export interface Asked {
  readonly id: unknown;
  readonly method: string;
  readonly params: readonly unknown[];
}

interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** How a node differs from the one behind it. */
export interface Dialect {
  /** Methods that it does not have. */
  readonly missing?: readonly string[];
  /** What it says of those. */
  readonly notThere?: RpcError;
  /** Names of blocks that it does not know. */
  readonly unknownTags?: readonly string[];
  readonly unknownTag?: RpcError;
  /** What it says instead of the first word that is found in what the node behind says. */
  readonly words?: readonly (readonly [RegExp, RpcError])[];
  /** Where the data of a revert stands; `none`: nowhere. */
  readonly revertData?: (data: string) => unknown;
  /** Blocks are named by number alone (no EIP-1898). */
  readonly byNumberAlone?: boolean;
  /** What it makes of a batch: an error, a page, or no more than the first answers. */
  readonly batches?: 'error' | 'page' | 'cut';
  readonly textIds?: boolean;
  readonly errorNull?: boolean;
  /** Changes a result. */
  readonly result?: (asked: Asked, result: unknown) => unknown;
  /** Answers by itself; undefined leaves it to the node behind. */
  readonly answer?: (asked: Asked) => { readonly result: unknown } | { readonly error: RpcError } | undefined;
  /** Before anything is read: true when it has answered. */
  readonly first?: (response: ServerResponse, headers: Readonly<Record<string, unknown>>) => boolean;
}

/** A node in front of another one, that speaks as it is told, and counts what it is asked. */
export interface ForeignNode {
  readonly rpcUrl: string;
  /** Requests a method. */
  readonly counts: Map<string, number>;
  bodies(): number;
  stop(): Promise<void>;
}

const NOT_THERE = { code: -32601, message: 'the method does not exist/is not available' };
const UNKNOWN_TAG = { code: -39001, message: 'Unknown block' };

export async function startForeignNode(behind: string | null, dialect: Dialect): Promise<ForeignNode> {
  const counts = new Map<string, number>();
  let bodies = 0;
  const server = createServer(async (request, response) => {
    // As nodes have it that pages may ask.
    response.setHeader('access-control-allow-origin', '*').setHeader('access-control-allow-headers', 'content-type');
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part);
    bodies++;
    if (dialect.first?.(response, request.headers) === true) return;
    const parsed = JSON.parse(Buffer.concat(parts).toString()) as Asked | Asked[];
    const all = Array.isArray(parsed) ? parsed : [parsed];
    for (const { method } of all) counts.set(method, (counts.get(method) ?? 0) + 1);
    response.setHeader('content-type', 'application/json');
    if (Array.isArray(parsed) && dialect.batches === 'page') {
      response.writeHead(405, { 'content-type': 'text/plain' }).end('method not allowed');
    } else if (Array.isArray(parsed) && dialect.batches === 'error') {
      response.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'no batches here' } }));
    } else {
      const kept = dialect.batches === 'cut' && Array.isArray(parsed) ? all.slice(0, 1) : all;
      const answers = await Promise.all(kept.map((asked) => answerOne(behind, dialect, asked)));
      response.end(JSON.stringify(Array.isArray(parsed) ? answers : answers[0]));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ counts, bodies: () => bodies },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answerOne(behind: string | null, dialect: Dialect, asked: Asked): Promise<object> {
  const id = dialect.textIds === true ? String(asked.id) : asked.id;
  const answer = dialect.answer?.(asked) ?? refusedByDialect(dialect, asked) ?? (await askBehind(behind, asked));
  if ('error' in answer) return { jsonrpc: '2.0', id, error: reword(dialect, answer.error) };
  const result = dialect.result === undefined ? answer.result : dialect.result(asked, answer.result);
  return { jsonrpc: '2.0', id, result, ...(dialect.errorNull === true ? { error: null } : {}) };
}

function refusedByDialect(dialect: Dialect, { method, params }: Asked): { readonly error: RpcError } | undefined {
  if (dialect.missing?.includes(method) === true) return { error: dialect.notThere ?? NOT_THERE };
  const tags = params.filter((one) => typeof one === 'string');
  if (tags.some((tag) => dialect.unknownTags?.includes(tag) === true))
    return { error: dialect.unknownTag ?? UNKNOWN_TAG };
  const isByHash = params.some((one) => typeof one === 'object' && one !== null && 'blockHash' in one);
  if (dialect.byNumberAlone === true && isByHash) return { error: { code: -32602, message: 'invalid argument 1' } };
  return undefined;
}

async function askBehind(
  behind: string | null,
  { method, params }: Asked,
): Promise<{ readonly result: unknown } | { readonly error: RpcError }> {
  if (behind === null) return { result: null };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const headers = { 'content-type': 'application/json' };
  return (await (await fetch(behind, { method: 'POST', headers, body })).json()) as { result: unknown };
}

function reword({ words = [], revertData }: Dialect, error: RpcError): RpcError {
  const data = typeof error.data === 'string' && revertData !== undefined ? revertData(error.data) : error.data;
  const found = words.find(([word]) => word.test(error.message));
  const said = found?.[1] ?? error;
  return { ...said, ...(data === undefined || (found !== undefined && error.data === undefined) ? {} : { data }) };
}
