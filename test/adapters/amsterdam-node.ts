import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAmsterdam } from '../../dev/contracts/amsterdam-chain.ts';

/** A chain by Amsterdam's rules behind HTTP, as our adapters ask a node. */
export async function startAmsterdamNode(): Promise<{ rpcUrl: string; stop: () => void }> {
  const handle = await createAmsterdam();
  const answer = async (request: { id: unknown }): Promise<object> => {
    const { data } = await handle(JSON.stringify(request));
    const parsed = (typeof data === 'string' ? JSON.parse(data) : data) as object;
    return { ...parsed, jsonrpc: '2.0', id: request.id };
  };
  const server = createServer(async (incoming, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of incoming) parts.push(part);
    const asked = JSON.parse(Buffer.concat(parts).toString());
    const answered = Array.isArray(asked) ? await Promise.all(asked.map(answer)) : await answer(asked);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answered));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
