import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb';
import { StoreUnavailableError } from '../../core/errors.ts';

/** Makes the service's table where no deployment has made it: the embedded stack and tests. Repeating it is harmless. */
export async function createTable(client: DynamoDBClient, tableName: string, waitMs = 10_000): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) {
      throw new StoreUnavailableError(`The table ${tableName} cannot be created.`, { cause: error });
    }
  }
  const until = performance.now() + waitMs;
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
    if (Table?.TableStatus === 'ACTIVE') return;
    if (performance.now() > until) {
      throw new StoreUnavailableError(`The table ${tableName} is still ${Table?.TableStatus} after ${waitMs} ms.`);
    }
    await sleep(20);
  }
}

/** Whether the table is there. @throws StoreUnavailableError when the store does not answer */
export async function hasTable(client: DynamoDBClient, tableName: string): Promise<boolean> {
  try {
    await client.send(new DescribeTableCommand({ TableName: tableName }));
    return true;
  } catch (cause) {
    if (cause instanceof ResourceNotFoundException) return false;
    const said = cause instanceof Error ? cause.name : 'unknown error';
    throw new StoreUnavailableError(`Cannot find out whether the table ${tableName} exists (${said}).`, { cause });
  }
}
