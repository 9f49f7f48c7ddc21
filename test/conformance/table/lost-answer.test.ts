import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createDynamoClient } from '../../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../../adapters/dynamodb/dynamo-table.ts';
import { StoreUnavailableError } from '../../../core/errors.ts';
import { DYNALITE_CREDENTIALS } from '../../../local/stack/start-dynalite.ts';

const REFUSED = JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' });

async function putThrough(statuses: number[]): Promise<boolean> {
  const server = createServer((request, response) => {
    request.resume();
    const status = statuses.shift() ?? 400;
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(status === 400 ? REFUSED : '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createDynamoClient({ region: 'us-east-1', endpoint, credentials: DYNALITE_CREDENTIALS });
  try {
    return await createDynamoTable({ client, tableName: 'any' }).put({ pk: 'a', sk: 'a' }, 'absent');
  } finally {
    client.destroy();
    server.close();
  }
}

it('says false when the condition does not hold', async () => {
  assert.equal(await putThrough([400]), false);
});

it('does not say false when its own first attempt, whose answer was lost, may be what the condition met', async () => {
  await assert.rejects(putThrough([500, 400]), StoreUnavailableError);
});
