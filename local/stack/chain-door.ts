import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod';
import { inUrl } from '../host/addresses.ts';
import { keepRoom } from '../host/keep-room.ts';
import { readBody } from '../host/read-body.ts';

export interface ChainDoor {
  /** For whoever keeps the chain: everything that it can. */
  readonly rpcUrl: string;
  /** For owners, consumers and devices: what any node of a chain answers, and nothing that changes the chain itself. */
  readonly publicRpcUrl: string;
  close(): Promise<void>;
}

export interface ChainTokens {
  readonly keeper: string;
  readonly anyone: string;
}

export interface ChainDoorOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Names besides its own address that a request may be addressed to. */
  readonly moreAuthorities?: readonly string[];
  /** Secret parts of the two addresses: who knows one may ask. */
  readonly tokens: ChainTokens;
  /** Asks the chain. Rejects when it does not answer. */
  readonly ask: (body: string, signal: AbortSignal) => Promise<string>;
}

const MAX_BODY_BYTES = 2 * 2 ** 20;
const MAX_REQUESTS = 1_000;
const MAX_CONNECTIONS = 256;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Callers count on a connection as long as anvil's own: one that is closed just when they ask again is a request lost. */
const KEEP_ALIVE_MS = 120_000;

/** What nodes of public chains answer. `eth_sendTransaction` and its like would sign with keys of the node. */
const PUBLIC_METHOD =
  /^(?:eth_(?!sendTransaction|sendUnsigned|sign|accounts|coinbase|mining|submit)[A-Za-z]+|net_[a-z]+|web3_[A-Za-z0-9]+)$/;

const request = z.looseObject({ method: z.string().max(100), id: z.unknown().optional() });

/**
 * The only way to the local chain, whose own methods give ether away, move its clock and take blocks back. Who asks must know
 * the secret in the address and name the door's own Host, and may not be a web page; what is asked by the address that devices
 * and owners have must be something that nodes of a public chain answer.
 */
export async function openChainDoor(options: ChainDoorOptions): Promise<ChainDoor> {
  const { host, tokens, ask } = options;
  const server = createServer({
    ...{ headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: KEEP_ALIVE_MS },
    connectionsCheckingInterval: 1_000,
  });
  const room = keepRoom(server, MAX_CONNECTIONS);
  server.listen(options.port, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const own = `${inUrl(host)}:${port}`;
  const authorities = [own, ...(options.moreAuthorities ?? [])];

  const answer = async (incoming: IncomingMessage, signal: AbortSignal): Promise<string | number> => {
    const { headers, method, url = '' } = incoming;
    if (!authorities.includes(headers.host?.toLowerCase() ?? '') || headers.origin !== undefined) return 403;
    const isKeeper = matches(url, tokens.keeper);
    if (!isKeeper && !matches(url, tokens.anyone)) return 403;
    if (method !== 'POST') return 405;
    const body = await readBody(incoming, MAX_BODY_BYTES);
    if (body === null) return 413;
    const text = Buffer.from(body).toString('utf8');
    if (isKeeper) return ask(text, signal);
    const checked = checkRequest(text);
    return 'refusal' in checked ? checked.refusal : ask(checked.asked, signal);
  };
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    room.take(incoming, response);
    incoming.on('error', () => undefined);
    response.on('error', () => undefined);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    answer(incoming, gone.signal).then(
      (said) => {
        if (response.destroyed) return;
        if (typeof said === 'string') {
          response.writeHead(200, { 'content-type': 'application/json' }).end(said);
          return;
        }
        response.writeHead(said, { connection: 'close' }).end(() => incoming.destroy());
      },
      () => {
        if (!response.destroyed) response.writeHead(502, { connection: 'close' }).end();
      },
    );
  });
  return {
    rpcUrl: `http://${own}/${tokens.keeper}`,
    publicRpcUrl: `http://${own}/${tokens.anyone}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function matches(url: string, token: string): boolean {
  const [given, wanted] = [Buffer.from(url), Buffer.from(`/${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** What the chain is asked: exactly that which was looked at, written anew; or the answer to what it is not asked. */
function checkRequest(text: string): { readonly asked: string } | { readonly refusal: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { refusal: JSON.stringify(errorOf(null, -32700, 'Parse error')) };
  }
  const isBatch = Array.isArray(parsed);
  const requests = z
    .array(request)
    .max(MAX_REQUESTS)
    .safeParse(isBatch ? parsed : [parsed]);
  if (!requests.success) return { refusal: JSON.stringify(errorOf(null, -32600, 'Invalid request')) };
  if (requests.data.every(({ method }) => PUBLIC_METHOD.test(method))) return { asked: JSON.stringify(parsed) };
  // One that may not be asked spoils its batch: a batch is answered whole or not at all.
  const answers = requests.data.map(({ id, method }) =>
    errorOf(id, -32601, `This address does not allow ${method.slice(0, 60)}, or its parameters`),
  );
  return { refusal: JSON.stringify(isBatch ? answers : answers[0]) };
}

function errorOf(id: unknown, code: number, message: string) {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message } };
}
