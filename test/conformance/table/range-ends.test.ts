import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createDynamoClient } from '../../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../../adapters/dynamodb/dynamo-table.ts';
import { DYNALITE_CREDENTIALS } from '../../../local/stack/start-dynalite.ts';

/** How many requests a query of this range takes; the table that answers them is empty. */
async function requestsOf(from: string, to: string): Promise<number> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume();
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end('{"Items":[],"Count":0}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createDynamoClient({ region: 'us-east-1', endpoint, credentials: DYNALITE_CREDENTIALS });
  try {
    const found = await createDynamoTable({ client, tableName: 'any' }).query('a', { from, to, limit: 1 });
    assert.deepEqual(found, { items: [], next: null });
    return requests;
  } finally {
    client.destroy();
    server.close();
  }
}

it('asks the table for a range whose ends are in order by their bytes alone, not by units of UTF-16', async () => {
  assert.equal(await requestsOf('\uE000', '😀'), 1);
});

it('does not ask for a range that ends before it begins by its bytes: DynamoDB refuses it', async () => {
  assert.equal(await requestsOf('😀', '\uE000'), 0);
});
