/**
 * What get-records costs on a log of 65,536 batches of 4 blocks, or as many as are asked for, the first time in a process that knows nothing, and again: reads of table and
 * bucket, their bytes, and processor time, by the real adapters against embedded stores in a process of their own. The log is
 * grown by the service's own functions, without the segments.
 *
 *     node dev/bench/cold-records.ts [--batches N] [--blocks N] [--json]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoClient } from '../../adapters/dynamodb/dynamo-client.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { toAttributes } from '../../adapters/dynamodb/item-attributes.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import type { DatasetId } from '../../core/ids.ts';
import { MAX_BATCH_BLOCKS } from '../../core/limits.ts';
import { encodeRecords } from '../../core/wire/answers.ts';
import { getRecords } from '../../functions/get-records.ts';
import { growTiles } from '../../functions/log/grow-tiles.ts';
import { readDatasetEntry } from '../../functions/state/dataset-entry.ts';
import { startS3 } from '../../local/s3/start-s3.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../local/stack/start-dynalite.ts';
import { growLongLog, type LongLog } from '../../test/functions/long-log.ts';
import { MemoryTable } from '../../test/functions/memory-table.ts';

/** Where the stores are, and what is asked. */
interface Place {
  readonly tableUrl: string;
  readonly s3Url: string;
}

interface Question extends Place {
  readonly size: number;
  readonly blocks: readonly number[];
}

/** Of one answer. */
interface Cost {
  readonly tableReads: number;
  readonly objectReads: number;
  /** From table and bucket. */
  readonly readBytes: number;
  readonly answerBytes: number;
  readonly cpuMs: number;
}

const DATASET = `0x${'c0'.repeat(32)}` as DatasetId;
const TABLE = 'plumbline';
const BUCKET = 'segments';
const S3_KEYS = { accessKey: 'PLBENCHACCESSKEY', secretKey: 'a key that guards nothing, on loopback alone' };
const REGION = 'us-east-1';
const ITEMS_PER_WRITE = 25;
const PARALLEL = 8;
/** Of one question, the first of them cold. */
const TIMES = 4;

const [role, parameter] = process.argv.slice(2);
if (role === 'stores') await serve();
else if (role === 'ask') await ask(JSON.parse(parameter as string) as Question);
else await measure();

async function serve(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-cold-'));
  const s3 = await startS3({ dataDir: folder, ...S3_KEYS, region: REGION, buckets: [BUCKET] });
  const dynalite = await startDynalite({ folder: null });
  process.send?.({ tableUrl: dynalite.endpoint, s3Url: s3.endpoint } satisfies Place);
  process.once('disconnect', () => void rm(folder, { recursive: true, force: true }).finally(() => process.exit()));
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      batches: { type: 'string', default: '65536' },
      blocks: { type: 'string', default: '4' },
      json: { type: 'boolean', default: false },
    },
  });
  const [batches, blocksPerBatch] = [Number(values.batches), Number(values.blocks)];
  if (!Number.isSafeInteger(batches) || batches < 1) {
    throw new Error(`--batches is a number of batches, not ${values.batches}.`);
  }
  if (!Number.isSafeInteger(blocksPerBatch) || blocksPerBatch < 1 || blocksPerBatch > MAX_BATCH_BLOCKS) {
    throw new Error(`--blocks is how many blocks a batch has, 1 to ${MAX_BATCH_BLOCKS}, not ${values.blocks}.`);
  }
  const stores = fork(import.meta.filename, ['stores']);
  try {
    const [place] = (await once(stores, 'message')) as [Place];
    const figures: Record<string, { readonly cold: Cost; readonly warm: Cost }> = {};
    const size = await fill(place, { batches, blocksPerBatch });
    for (const [what, blocks] of Object.entries(questionsOf(size))) {
      const costs = await inNewProcess({ ...place, size, blocks });
      figures[what] = { cold: costs[0] as Cost, warm: costs.at(-1) as Cost };
    }
    if (values.json) console.log(JSON.stringify({ batches, blocks: size, figures }));
    else print(batches, size, figures);
  } finally {
    stores.disconnect();
    await ended(stores);
  }
}

function questionsOf(size: number): Readonly<Record<string, readonly number[]>> {
  const spread = (count: number) => Array.from({ length: count }, (_, i) => Math.floor((size / count) * (i + 0.5)));
  return { near: [size - 1], far: [0], '460 scattered': spread(460), '512 scattered': spread(512) };
}

/** Grows the log in memory, copies it into the served stores, and makes its tiles there. */
async function fill(place: Place, log: LongLog): Promise<number> {
  const memory = new MemoryTable();
  const { size } = await growLongLog(memory, DATASET, log);
  const { client, table, objects } = await open(place);
  await createTable(client, TABLE);
  const requests: WriteRequest[] = [...memory.items()].map((item) => ({ PutRequest: { Item: toAttributes(item) } }));
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < requests.length) {
      const part = requests.slice(next, next + ITEMS_PER_WRITE);
      next += ITEMS_PER_WRITE;
      const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: part } }));
      if (Object.keys(answer.UnprocessedItems ?? {}).length > 0) throw new Error('The table has left items out.');
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, write));
  for (let more = true; more; ) {
    const { tiledTo = 0 } = await readDatasetEntry(table, DATASET);
    more = await growTiles({ primitives: nodePrimitives, table, objects }, DATASET, size, tiledTo);
  }
  objects.close();
  client.destroy();
  return size;
}

async function inNewProcess(question: Question): Promise<Cost[]> {
  const asking = fork(import.meta.filename, ['ask', JSON.stringify(question)]);
  const [costs] = (await once(asking, 'message')) as [Cost[]];
  asking.disconnect();
  await ended(asking);
  return costs;
}

async function ask({ size, blocks, ...place }: Question): Promise<void> {
  const { table, objects, counted } = await open(place);
  const ports = { primitives: nodePrimitives, table, objects };
  const costs: Cost[] = [];
  for (let time = 0; time < TIMES; time++) {
    Object.assign(counted, { tableReads: 0, objectReads: 0, readBytes: 0 });
    const before = process.cpuUsage();
    const records = await getRecords(ports, { dataset: DATASET, blocks, size });
    const answerBytes = encodeRecords(records).length;
    const { user, system } = process.cpuUsage(before);
    if (records.faults.length > 0) throw new Error(`${records.faults.length} blocks were not proven.`);
    costs.push({ ...counted, answerBytes, cpuMs: (user + system) / 1_000 });
  }
  process.send?.(costs);
}

/** The stores by the adapters of the service, with what is read of them counted. */
async function open({ tableUrl, s3Url }: Place) {
  const counted = { tableReads: 0, objectReads: 0, readBytes: 0 };
  const client: DynamoDBClient = createDynamoClient({
    region: REGION,
    endpoint: tableUrl,
    credentials: DYNALITE_CREDENTIALS,
  });
  const real = createDynamoTable({ client, tableName: TABLE });
  const objects = createS3ObjectStore({
    ...{ region: REGION, bucket: BUCKET, endpoint: s3Url },
    credentials: { accessKeyId: S3_KEYS.accessKey, secretAccessKey: S3_KEYS.secretKey },
  });
  const note = (items: readonly object[]) => {
    counted.tableReads++;
    counted.readBytes += items.reduce((sum, item) => sum + bytesOf(item), 0);
  };
  const table: typeof real = {
    ...real,
    async get(...asked) {
      const item = await real.get(...asked);
      note(item === null ? [] : [item]);
      return item;
    },
    async query(...asked) {
      const page = await real.query(...asked);
      note(page.items);
      return page;
    },
  };
  const read: typeof objects.read = async (...asked) => {
    const bytes = await objects.read(...asked);
    counted.objectReads++;
    counted.readBytes += bytes?.length ?? 0;
    return bytes;
  };
  return { client, table, objects: { ...objects, read }, counted };
}

/** As DynamoDB counts an item: its names and values. */
function bytesOf(item: object): number {
  return Object.entries(item).reduce((sum, [name, value]) => {
    const isSized = typeof value === 'string' || value instanceof Uint8Array;
    return sum + name.length + (isSized ? value.length : 8);
  }, 0);
}

function print(batches: number, size: number, figures: Record<string, { cold: Cost; warm: Cost }>): void {
  console.log(`get-records on ${batches} batches, ${size} blocks; table reads + object reads, bytes read, CPU`);
  for (const [what, costs] of Object.entries(figures)) {
    for (const [state, cost] of Object.entries(costs)) {
      const reads = `${cost.tableReads} + ${cost.objectReads} reads`.padStart(18);
      const bytes = `${(cost.readBytes / 1_000).toFixed(0)} kB`.padStart(10);
      console.log(`${what.padEnd(14)} ${state} ${reads} ${bytes} ${cost.cpuMs.toFixed(0).padStart(7)} ms`);
    }
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
