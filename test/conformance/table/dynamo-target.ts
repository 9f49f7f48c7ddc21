import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createTable } from '../../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../../adapters/dynamodb/dynamo-table.ts';
import type { Table } from '../../../core/ports/table.ts';
import { DYNALITE_CREDENTIALS } from '../../../local/stack/start-dynalite.ts';
import type { TableTarget } from './suite.ts';

const PATIENCE_MS = 1000;

/** The suite's target on a server that speaks DynamoDB; `close` ends everything but that server. */
export async function createDynamoTarget(endpoint: string): Promise<{ target: TableTarget; close(): Promise<void> }> {
  const clients: { destroy(): void }[] = [];
  const clientOf = (url: string) => {
    const client = createDynamoClient({ region: 'us-east-1', endpoint: url, credentials: DYNALITE_CREDENTIALS });
    clients.push(client);
    return client;
  };
  const brokenTable = (url: string): Table =>
    createDynamoTable({ client: clientOf(url), tableName: 'nowhere', timeoutMs: PATIENCE_MS });

  const client = clientOf(endpoint);
  await createTable(client, 'conformance');
  await createTable(client, 'conformance');
  const table = createDynamoTable({ client, tableName: 'conformance' });
  const sockets = new Set<Socket>();
  const mute = await listen(createServer((socket) => sockets.add(socket)));
  const closed = await listen(createServer(() => {}));
  const closedUrl = urlOf(closed);
  await new Promise((resolve) => closed.close(resolve));
  const muteUrl = urlOf(mute);
  return {
    target: { table: () => table, unreachable: () => brokenTable(closedUrl), silent: () => brokenTable(muteUrl) },
    async close() {
      for (const one of clients) one.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => mute.close(resolve));
    },
  };
}

function listen(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
