/**
 * What get-records takes on a log of 65,536 batches: time and bytes of the records of 460 random blocks, over HTTP, with
 * nothing known beforehand and with the log's tiles in the table. The log is written straight into the service's table, as
 * storing 65,536 segments would measure the disk; the segments of the sampled blocks are really stored.
 *
 *     node dev/bench/records-long-log.ts [--batches 65536] [--embedded] [--json]
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BatchWriteItemCommand, DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { createTable } from '../../adapters/dynamodb/create-table.ts';
import { createDynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { toAttributes } from '../../adapters/dynamodb/item-attributes.ts';
import { createDisscLedger } from '../../adapters/ethereum/dissc-ledger.ts';
import { nodeTransfer } from '../../adapters/http/node-transfer.ts';
import { signMessage } from '../../adapters/keys/mnemonic.ts';
import { nodeRuntime } from '../../adapters/runtime/node-runtime.ts';
import { createS3ObjectStore } from '../../adapters/s3/s3-object-store.ts';
import { countTraffic } from '../../adapters/service/count-traffic.ts';
import { httpTransport } from '../../adapters/service/http-transport.ts';
import { createStorageServiceClient } from '../../client/service/storage-service-client.ts';
import { type BatchLeaf, batchLeafHash } from '../../core/batch/record.ts';
import { type DatasetWriter, type SealedBatch, sealBatch } from '../../core/batch/seal-batch.ts';
import { frontBytesOf } from '../../core/batch/segment.ts';
import { concatBytes, to0x, toHex } from '../../core/bytes.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import type { Address, BatchRoot, DatasetId, DatasetKey, Salt, SealedHash } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import type { ObjectStore } from '../../core/ports/object-store.ts';
import type { ItemValue } from '../../core/ports/table.ts';
import { proveRecords } from '../../core/protocols/prove-records.ts';
import { chooseDistinct } from '../../core/sampling/choose-blocks.ts';
import { accountOfKey } from '../../core/typed-data.ts';
import { putObject } from '../../device/upload/put-object.ts';
import { createLineObserver } from '../../functions/observe/line-observer.ts';
import { datasetPk, logSk, segmentSk } from '../../functions/state/entries.ts';
import { startHost } from '../../local/host/start-host.ts';
import { startS3 } from '../../local/s3/start-s3.ts';
import { DYNALITE_CREDENTIALS, startDynalite } from '../../local/stack/start-dynalite.ts';
import { findProgram } from '../real/programs/find-program.ts';
import { DYNAMODB_LOCAL_CREDENTIALS, startDynamoDbLocal } from '../real/start-dynamodb-local.ts';
import { startVersitygw } from '../real/start-versitygw.ts';
import { newKey } from './parts/new-key.ts';
import { missingPrograms } from './parts/start-parts.ts';

export interface LongLogFigure {
  /** What it was measured on. */
  readonly parts: string;
  readonly batches: number;
  readonly blocks: number;
  readonly sample: number;
  /** Of the answer's body. */
  readonly bytes: number;
  /** Until the first answer, with every try before it. */
  readonly coldMs: number;
  /** Requests that were not answered in the function's time. Each makes tiles that the next one finds. */
  readonly unanswered: number;
  readonly warmMs: readonly number[];
}

const SAMPLE = 460;
const BATCH_BLOCKS = 16;
const WARM_RUNS = 5;
const MOST_UNANSWERED = 5;
const ITEMS_A_WRITE = 25;
const WRITES_AT_ONCE = 4;
const REGION = 'us-east-1';
const BUCKET = 'segments';
const TABLE = 'plumbline';
const UNPROCESSED_TRIES = 20;

type Row = Readonly<Record<string, ItemValue>>;

/** Writes the log, asks for the records of a sample, proves them. */
async function measureLongLog(embedded: boolean, batches: number, signal: AbortSignal): Promise<LongLogFigure> {
  const ends: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
  };
  try {
    const stores = await startStores(embedded, ends);
    const deviceKey = newKey();
    const domain = { chainId: 1, dissc: to0x(nodePrimitives.randomBytes(20)) as Address };
    const dataset = to0x(nodePrimitives.randomBytes(32)) as DatasetId;
    const datasetKey = nodePrimitives.randomBytes(32) as DatasetKey;
    const writer: DatasetWriter = { dataset, datasetKey, deviceKey, domain, plain: false, published: false };

    const blocks = batches * BATCH_BLOCKS;
    const indices = chooseDistinct(nodePrimitives, blocks, Math.min(SAMPLE, blocks));
    const written = new Set(indices.map((index) => Math.floor(index / BATCH_BLOCKS)));
    const { frontier, rows, stored } = makeLog(writer, batches, written);
    await storeSegments(stores.objects, stored, signal);
    await writeRows(stores.client, rows, signal);

    const host = await startHost({
      ports: {
        ...{ primitives: nodePrimitives, objects: stores.objects, recorder: null },
        ...{ agreements: null, grants: null, grantRecorder: null, p2pfs: null },
        runtime: nodeRuntime,
        table: createDynamoTable({ client: stores.client, tableName: TABLE }),
        // Records are public and prove themselves: the chain is not asked.
        ledger: createDisscLedger({ rpcUrl: 'http://127.0.0.1:9', ...domain }),
        observer: createLineObserver(() => {}),
      },
      owners: () => new Map(),
      lambda: null,
    });
    ends.push(() => host.close());
    const head = { dataset, batches, root: frontierRoot(nodePrimitives, frontier) };
    const ask = async (): Promise<{ ms: number; bytes: number } | null> => {
      const { transport, traffic } = countTraffic(httpTransport);
      const account = { address: accountOfKey(deviceKey), signMessage: (m: Uint8Array) => signMessage(deviceKey, m) };
      const records = createStorageServiceClient({
        runtime: nodeRuntime,
        apiUrl: host.apiUrl,
        chainId: 1,
        account,
        transport,
      });
      const began = performance.now();
      const found = await proveRecords({ hasher: nodePrimitives, records }, head, indices, signal);
      const ms = performance.now() - began;
      if (found.proven.length === indices.length) return { ms, bytes: traffic.receivedBytes };
      if (found.faults.every(({ reason }) => reason.includes('503'))) return null;
      throw new Error(`${found.proven.length} of ${indices.length} records: ${JSON.stringify(found).slice(0, 400)}`);
    };
    const began = performance.now();
    let unanswered = 0;
    let cold = await ask();
    for (; cold === null && unanswered < MOST_UNANSWERED; unanswered++) cold = await ask();
    if (cold === null) throw new Error(`get-records did not answer ${MOST_UNANSWERED} times.`);
    const coldMs = performance.now() - began;
    const warmMs: number[] = [];
    for (let i = 0; i < WARM_RUNS; i++) {
      const warm = await ask();
      if (warm === null) unanswered += 1;
      else warmMs.push(warm.ms);
    }
    const sample = indices.length;
    return { parts: stores.named, batches, blocks, sample, bytes: cold.bytes, coldMs, unanswered, warmMs };
  } finally {
    await stop();
  }
}

async function startStores(embedded: boolean, ends: (() => unknown)[]) {
  const folder = await mkdtemp(join(tmpdir(), 'plumbline-bench-'));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  const keys = { accessKey: 'PLUMBLINEBENCH01', secretKey: toHex(nodePrimitives.randomBytes(20)), region: REGION };
  const ended = <T extends { stop?(): Promise<void>; close?(): Promise<void> }>(part: T): T => {
    ends.push(() => part.stop?.() ?? part.close?.());
    return part;
  };
  let s3Endpoint: string;
  let tableEndpoint: string;
  if (embedded) {
    const onEvent = async (): Promise<void> => {};
    s3Endpoint = ended(await startS3({ dataDir: folder, ...keys, buckets: [BUCKET], onEvent })).endpoint;
    tableEndpoint = ended(await startDynalite({ folder: null })).endpoint;
  } else {
    const gateway = ended(await startVersitygw({ versitygw: findProgram('versitygw'), folder, ...keys }));
    await mkdir(join(gateway.dataDir, BUCKET));
    s3Endpoint = gateway.endpoint;
    tableEndpoint = ended(await startDynamoDbLocal({ lib: findProgram('dynamodb-local'), folder: null })).endpoint;
  }
  const client = new DynamoDBClient({
    ...{ region: REGION, endpoint: tableEndpoint, maxAttempts: 5 },
    credentials: embedded ? DYNALITE_CREDENTIALS : DYNAMODB_LOCAL_CREDENTIALS,
    // Patient: tens of thousands of items are written before anything is measured.
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
  });
  ends.push(() => client.destroy());
  await createTable(client, TABLE);
  const credentials = { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey };
  const objects = createS3ObjectStore({ region: REGION, bucket: BUCKET, endpoint: s3Endpoint, credentials });
  ends.push(() => objects.close());
  return { client, objects, named: embedded ? 'dynalite, our S3 subset' : 'DynamoDB Local, versitygw' };
}

/** The log's items as the service would have written them; batches that nobody asks for are made up. */
function makeLog(writer: DatasetWriter, batches: number, written: ReadonlySet<number>) {
  const signer = accountOfKey(writer.deviceKey);
  const pk = datasetPk(writer.dataset);
  let frontier: Frontier = EMPTY_FRONTIER;
  const rows: Row[] = [];
  const stored: SealedBatch[] = [];
  const none = new Uint8Array(65);
  for (let position = 0; position < batches; position++) {
    const first = position * BATCH_BLOCKS;
    const sealed = written.has(position) ? sealAt(writer, first, frontier) : null;
    if (sealed !== null) stored.push(sealed);
    const leaf: BatchLeaf = sealed?.leaf ?? {
      ...{ dataset: writer.dataset, first, count: BATCH_BLOCKS, sealedHash: new Uint8Array(32) as SealedHash },
      salt: nodePrimitives.randomBytes(32) as Salt,
      batchRoot: nodePrimitives.randomBytes(32) as BatchRoot,
    };
    frontier = appendLeaf(nodePrimitives, frontier, batchLeafHash(nodePrimitives, leaf));
    const root = frontierRoot(nodePrimitives, frontier);
    const sha256Hex = sealed === null ? '00' : toHex(sealed.segment.sha256);
    const { salt, batchRoot, sealedHash, count } = leaf;
    const place = { first, count, sha256Hex, salt, batchRoot, sealedHash, published: false };
    const signed = { signature: sealed?.manifest.signature ?? none, signer };
    const entry = { batches: position + 1, ...place, peaks: concatBytes(...frontier.peaks), root, ...signed };
    rows.push({ pk, sk: logSk(position + 1), version: 1, ...entry });
    if (sealed !== null)
      rows.push({ pk, sk: segmentSk(first, sha256Hex), version: 1, ...segmentRow(sealed, place, signed) });
  }
  return { frontier, rows, stored };
}

function sealAt(writer: DatasetWriter, first: number, frontier: Frontier): SealedBatch {
  const captured = Array.from({ length: BATCH_BLOCKS }, (_, i) => {
    return { content: nodePrimitives.randomBytes(64), meta: { at: Date.now() + i } };
  });
  return sealBatch(nodePrimitives, writer, { size: first, frontier }, captured, nodePrimitives.randomBytes(16));
}

function segmentRow({ segment, manifest }: SealedBatch, place: Row, signed: Row): Row {
  const { key, car } = segment;
  const { size: headSize, batches: headBatches, root: headRoot } = manifest.head;
  return {
    ...{ key, state: 'received', sizeBytes: car.length, counted: true, receivedAtMs: Date.now() },
    ...{ ...place, ...signed, headSize, headBatches, headRoot, frontBytes: frontBytesOf(car) },
    ...{ largestBlockBytes: Math.max(...manifest.blocks.map(({ size }) => size)), fromMs: 0, toMs: 0 },
  };
}

async function storeSegments(objects: ObjectStore, stored: readonly SealedBatch[], signal: AbortSignal): Promise<void> {
  await eachInParallel(stored, 8, async ({ segment: { key, car, sha256 } }) => {
    const put = await objects.presignPut({ key, sizeBytes: car.length, sha256 }, 600);
    await putObject(nodeTransfer, put, car, { stallMs: 30_000 }, signal);
  });
}

async function writeRows(client: DynamoDBClient, rows: readonly Row[], signal: AbortSignal): Promise<void> {
  const groups = Array.from({ length: Math.ceil(rows.length / ITEMS_A_WRITE) }, (_, i) =>
    rows.slice(i * ITEMS_A_WRITE, (i + 1) * ITEMS_A_WRITE),
  );
  await eachInParallel(groups, WRITES_AT_ONCE, async (group) => {
    let left: WriteRequest[] = group.map((row) => ({ PutRequest: { Item: toAttributes(row) } }));
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === UNPROCESSED_TRIES) throw new Error(`The table does not take ${left.length} items.`);
      const command = new BatchWriteItemCommand({ RequestItems: { [TABLE]: left } });
      left = (await client.send(command, { abortSignal: signal })).UnprocessedItems?.[TABLE] ?? [];
    }
  });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      ...{ batches: { type: 'string', default: '65536' }, embedded: { type: 'boolean' }, json: { type: 'boolean' } },
    },
  });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  const embedded = values.embedded === true || missingPrograms().length > 0;
  const figure = await measureLongLog(embedded, Number(values.batches), stop.signal);
  if (values.json === true) console.log(JSON.stringify(figure));
  else console.log(figure);
}
