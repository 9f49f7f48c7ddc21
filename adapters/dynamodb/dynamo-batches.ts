import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { Item, ItemKey } from '../../core/ports/table.ts';
import { MOST_READ, MOST_WRITTEN, pagesOf } from './batch-limits.ts';
import { fromAttributes } from './item-attributes.ts';

/** Requests under way at a time. */
const PARALLEL = 16;
/** A request of which nothing is done, as it is throttled, is sent again so many times. */
const ATTEMPTS = 12;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

export interface BatchParts {
  readonly client: DynamoDBClient;
  readonly TableName: string;
  /** Bounds one request in time, and names what failed. */
  readonly guard: <T>(run: (abortSignal: AbortSignal) => Promise<T>, signal?: AbortSignal) => Promise<T>;
}

/** @throws StoreUnavailableError */
export async function readMany(
  { client, TableName, guard }: BatchParts,
  keys: readonly ItemKey[],
  signal?: AbortSignal,
): Promise<(Item | null)[]> {
  const found = new Map<string, Item>();
  const distinct = [...new Map(keys.map((key) => [nameOf(key), key])).values()];
  await eachInParallel(pagesOf(distinct, MOST_READ), PARALLEL, async (page) => {
    const wanted = page.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
    await untilDone(wanted, signal, (Keys) =>
      guard(async (abortSignal) => {
        const command = new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } });
        const { Responses = {}, UnprocessedKeys = {} } = await client.send(command, { abortSignal });
        for (const attributes of Responses[TableName] ?? []) {
          const item = fromAttributes(attributes);
          found.set(nameOf(item), item);
        }
        return (UnprocessedKeys[TableName]?.Keys ?? []) as typeof wanted;
      }, signal),
    );
  });
  return keys.map((key) => found.get(nameOf(key)) ?? null);
}

/** @throws StoreUnavailableError */
export async function writeMany(
  { client, TableName, guard }: BatchParts,
  requests: readonly WriteRequest[],
  signal?: AbortSignal,
): Promise<void> {
  await eachInParallel(pagesOf(requests, MOST_WRITTEN), PARALLEL, (page) =>
    untilDone(page, signal, (open) =>
      guard(async (abortSignal) => {
        const command = new BatchWriteItemCommand({ RequestItems: { [TableName]: open } });
        const { UnprocessedItems = {} } = await client.send(command, { abortSignal });
        return UnprocessedItems[TableName] ?? [];
      }, signal),
    ),
  );
}

/** Sends, and what is left of it again: at once where some was done, as an answer is full of bytes; else a little later. */
async function untilDone<T>(
  all: readonly T[],
  signal: AbortSignal | undefined,
  send: (open: T[]) => Promise<T[]>,
): Promise<void> {
  let open = [...all];
  for (let attempt = 0; attempt < ATTEMPTS; ) {
    const left = await send(open);
    if (left.length === 0) return;
    const isLess = left.length < open.length;
    open = left;
    if (isLess) continue;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt++);
    await sleep(pauseMs / 2 + (Math.random() * pauseMs) / 2, undefined, signal === undefined ? {} : { signal });
  }
  throw new StoreUnavailableError(`The table left ${open.length} items undone ${ATTEMPTS} times. Try again later.`);
}

function nameOf({ pk, sk }: ItemKey): string {
  return JSON.stringify([pk, sk]);
}
