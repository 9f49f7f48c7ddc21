import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A way to a node that counts what passes. */
export interface RpcCount {
  readonly url: string;
  /** Requests of JSON-RPC by their method, those of a batch each by itself. */
  readonly byMethod: Readonly<Record<string, number>>;
  /** The requests of each trip since the last time, one trip after the other: a batch is one. */
  takeTrips(): readonly number[];
  close(): void;
}

export async function countRpc(rpcUrl: string): Promise<RpcCount> {
  const byMethod: Record<string, number> = {};
  let trips: number[] = [];
  const server = createServer(async (request, response) => {
    try {
      const parts: Uint8Array[] = [];
      for await (const part of request) parts.push(part);
      const body = Buffer.concat(parts).toString();
      const asked = [JSON.parse(body)].flat() as readonly { readonly method: string }[];
      trips.push(asked.length);
      for (const { method } of asked) {
        byMethod[method] = (byMethod[method] ?? 0) + 1;
      }
      const answer = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    } catch {
      response.writeHead(502).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const takeTrips = (): readonly number[] => {
    const taken = trips;
    trips = [];
    return taken;
  };
  return { url, byMethod, takeTrips, close: () => server.close().closeAllConnections() };
}
