import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpTransport } from '../../adapters/service/http-transport.ts';
import type { Transport } from '../../adapters/service/transport.ts';

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** What becomes of a request: `hang` never answers, `stall` ends in the middle of the body, `cut` closes the connection. */
export type Fate = 'pass' | 'hang' | 'stall' | 'cut' | ((answer: Answered, asked: Asked) => Answered);

export interface LyingProxy {
  readonly url: string;
  /** Decides anew for each request; all pass at first. */
  rule: (asked: Asked) => Fate;
  /** Every request, with its answer when that has come. */
  readonly seen: (Asked & { answer: Answered | null })[];
  /** Carries requests that are signed for the service through this proxy, as one that ends its TLS could. */
  readonly transport: Transport;
  /** Everything passes again, and nothing was seen. */
  reset(): void;
  close(): Promise<void>;
}

/** Stands before a server and does to requests and answers whatever a test wants. */
export async function startLyingProxy(target: string): Promise<LyingProxy> {
  const { hostname, port, pathname, host: targetHost } = new URL(target);
  // A chain's address has a secret path, and its door answers to its own name alone.
  const isChain = pathname !== '/';
  const seen: LyingProxy['seen'] = [];
  const pass = (): Fate => 'pass';

  async function forward(asked: Asked): Promise<Answered> {
    const { method } = asked;
    const path = isChain ? pathname : asked.path;
    const headers = isChain ? { ...asked.headers, host: targetHost } : asked.headers;
    const outgoing = request({ hostname, port, method, path, headers, agent: false });
    outgoing.end(asked.body);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return { status: incoming.statusCode ?? 0, headers: incoming.headers, body: await readAll(incoming) };
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/', headers } = incoming;
    // The transport below says which name the request was signed for.
    const { 'x-signed-for': signedFor, ...sent } = headers;
    const host = (signedFor as string | undefined) ?? headers.host;
    const asked = { method, path, headers: { ...sent, host }, body: await readAll(incoming) };
    const line = { ...asked, answer: null as Answered | null };
    seen.push(line);
    const fate = proxy.rule(asked);
    if (fate === 'hang') return;
    if (fate === 'cut') return void incoming.socket.destroy();
    const answer = await forward(asked);
    line.answer = typeof fate === 'function' ? fate(answer, asked) : answer;
    const { status, body } = line.answer;
    const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...rest } = line.answer.headers;
    response.writeHead(status, { ...rest, 'content-length': body.length });
    if (fate === 'stall') response.write(body.subarray(0, body.length >> 1));
    else response.end(body);
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => incoming.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy: LyingProxy = {
    ...{ url, seen, rule: pass },
    transport: (called, signed, signal) => {
      const { origin, host } = new URL(signed.url);
      const headers = { ...signed.headers, 'x-signed-for': host };
      return httpTransport(called, { ...signed, headers, url: url + signed.url.slice(origin.length) }, signal);
    },
    reset() {
      proxy.rule = pass;
      seen.length = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

async function readAll(incoming: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of incoming) parts.push(part as Uint8Array);
  return new Uint8Array(Buffer.concat(parts));
}
