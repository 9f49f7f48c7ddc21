import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { ArgumentError, StoreUnavailableError } from '../../core/errors.ts';
import type { Item, Table, WriteCondition } from '../../core/ports/table.ts';
import { withDeadline } from '../with-deadline.ts';
import { readMany, writeMany } from './dynamo-batches.ts';
import { endsBeforeItBegins } from './ends-before-it-begins.ts';
import { fromAttributes, toAttributes } from './item-attributes.ts';

export interface DynamoTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** For one call of the port, retries included. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
// Of n writers that race, one gets through in every round.
const MAX_UNCONDITIONAL_ATTEMPTS = 200;

/** The table on DynamoDB: keys `pk` and `sk` (text), the time to live in `expiresAtS`. All reads are consistent. */
export function createDynamoTable(options: DynamoTableOptions): Table {
  const { client, tableName: TableName, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const guard = <T>(run: (abortSignal: AbortSignal) => Promise<T>, signal?: AbortSignal) =>
    withDeadline(timeoutMs, signal, run, (cause, timedOut) => {
      const said = cause instanceof Error ? cause.name : 'unknown error';
      const what = timedOut ? `did not answer within ${timeoutMs} ms` : `cannot be used now (${said})`;
      return new StoreUnavailableError(`The table ${TableName} ${what}.`, { cause, details: { tableName: TableName } });
    });

  const get: Table['get'] = (pk, sk, signal) =>
    guard(async (abortSignal) => {
      const command = new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true });
      const { Item } = await client.send(command, { abortSignal });
      return Item === undefined ? null : fromAttributes(Item);
    }, signal);

  const put: Table['put'] = async (item, condition, signal) => {
    if (condition === 'any') return putWhateverIsThere(get, put, item, signal);
    return guard(async (abortSignal) => {
      const version = condition === 'absent' ? 1 : condition.version + 1;
      const command = new PutItemCommand({ TableName, Item: toAttributes({ ...item, version }), ...expect(condition) });
      return succeeds(() => client.send(command, { abortSignal }));
    }, signal);
  };

  return {
    get,
    put,

    query(pk, { from, to, limit, reverse = false }, signal) {
      if (!Number.isInteger(limit) || limit < 1)
        throw new ArgumentError(`A query must ask for at least one item, not for ${limit}.`);
      if (endsBeforeItBegins({ from, to })) return Promise.resolve({ items: [], next: null });
      return guard(async (abortSignal) => {
        const items: Item[] = [];
        let start: Record<string, AttributeValue> | undefined;
        // One item more than wanted: its key is where the next query begins, in either direction.
        do {
          const command = new QueryCommand({
            TableName,
            ConsistentRead: true,
            KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
            ExpressionAttributeValues: { ':pk': { S: pk }, ':from': { S: from }, ':to': { S: to } },
            ScanIndexForward: !reverse,
            Limit: limit + 1 - items.length,
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          });
          const page = await client.send(command, { abortSignal });
          items.push(...(page.Items ?? []).map(fromAttributes));
          start = page.LastEvaluatedKey;
        } while (items.length <= limit && start !== undefined);
        return { items: items.slice(0, limit), next: items[limit]?.sk ?? null };
      }, signal);
    },

    delete(pk, sk, condition, signal) {
      return guard(async (abortSignal) => {
        const command = new DeleteItemCommand({
          TableName,
          Key: { pk: { S: pk }, sk: { S: sk } },
          ...(condition === 'any' ? {} : expect(condition)),
        });
        return succeeds(() => client.send(command, { abortSignal }));
      }, signal);
    },

    getMany: (keys, signal) => readMany({ client, TableName, guard }, keys, signal),

    putMany(items, signal) {
      const requests = items.map((item) => ({ PutRequest: { Item: toAttributes({ ...item, version: 1 }) } }));
      return writeMany({ client, TableName, guard }, requests, signal);
    },

    deleteMany(keys, signal) {
      const requests = keys.map(({ pk, sk }) => ({ DeleteRequest: { Key: { pk: { S: pk }, sk: { S: sk } } } }));
      return writeMany({ client, TableName, guard }, requests, signal);
    },
  };
}

function expect(condition: Exclude<WriteCondition, 'any'>) {
  return condition === 'absent'
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : {
        ConditionExpression: '#version = :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': { N: String(condition.version) } },
      };
}

/** DynamoDB cannot replace an item and count its version in one write: read, then write if nobody else has. */
async function putWhateverIsThere(
  get: Table['get'],
  put: Table['put'],
  item: Parameters<Table['put']>[0],
  signal?: AbortSignal,
): Promise<boolean> {
  for (let attempt = 0; attempt < MAX_UNCONDITIONAL_ATTEMPTS; attempt++) {
    const found = await get(item.pk as string, item.sk as string, signal);
    if (await put(item, found === null ? 'absent' : { version: found.version }, signal)) return true;
    await sleep(Math.random() * Math.min(100, 2 ** attempt), undefined, signal === undefined ? {} : { signal });
  }
  throw new StoreUnavailableError(`Others wrote the same item ${MAX_UNCONDITIONAL_ATTEMPTS} times. Try again later.`);
}

async function succeeds(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if ((error.$metadata.attempts ?? 1) === 1) return false;
    // An earlier attempt may have been what the condition met: its answer was lost, not its effect.
    throw new StoreUnavailableError('The item may or may not have been written. Read it before writing it again.', {
      cause: error,
    });
  }
}
