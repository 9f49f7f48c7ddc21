import { DescribeTimeToLiveCommand, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';

/** An item whose time is limited, and which of its writes that was. */
export interface ExpiringItem {
  readonly pk: string;
  readonly sk: string;
  readonly version: number;
  readonly expiresAtS: number;
}

/** Every item of the table whose time is limited. All of the table is read, a page at a time. */
export async function* expiringItems(
  client: DynamoDBClient,
  tableName: string,
  signal?: AbortSignal,
): AsyncGenerator<ExpiringItem> {
  const pages = paginateScan(
    { client, pageSize: 500 },
    {
      TableName: tableName,
      FilterExpression: 'attribute_exists(expiresAtS)',
      ProjectionExpression: 'pk, sk, expiresAtS, #version',
      ExpressionAttributeNames: { '#version': 'version' },
    },
  );
  for await (const { Items = [] } of pages) {
    signal?.throwIfAborted();
    for (const { pk, sk, expiresAtS, version } of Items) {
      if (pk?.S === undefined || sk?.S === undefined || version?.N === undefined) continue;
      yield { pk: pk.S, sk: sk.S, version: Number(version.N), expiresAtS: Number(expiresAtS?.N) };
    }
  }
}

/** Whether the table forgets items by itself when their `expiresAtS` is over. Embedded tables do not do that. */
export async function forgetsByItself(client: DynamoDBClient, tableName: string): Promise<boolean> {
  try {
    const { TimeToLiveDescription: told } = await client.send(new DescribeTimeToLiveCommand({ TableName: tableName }));
    return told?.TimeToLiveStatus === 'ENABLED' && told.AttributeName === 'expiresAtS';
  } catch {
    // One that does not know the question, or may not be asked: items are deleted twice at worst.
    return false;
  }
}
