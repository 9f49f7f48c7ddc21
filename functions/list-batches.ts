import middy from '@middy/core';
import { equalBytes, to0x } from '../core/bytes.ts';
import { StateError } from '../core/errors.ts';
import type { Address, DatasetId } from '../core/ids.ts';
import { MAX_BATCH_BLOCKS, MAX_LOG_BLOCKS } from '../core/limits.ts';
import type { Head } from '../core/log/head.ts';
import { readHeadsInMap } from '../core/rounds/read-map.ts';
import { type BatchLine, type ListBatchesResponse, MAX_PAGE } from '../core/wire/requests.ts';
import { jsonAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ServicePorts, TableReader } from './ports.ts';
import { pageByBlock, pageByTime } from './read/page-segments.ts';
import { readBothHeads, wireHead } from './read/wire-head.ts';
import { type AdmittedParty, admitParties } from './rights/admit-parties.ts';
import { readNewestFinal } from './rounds/follow-rounds.ts';
import type { ChainRound } from './rounds/round-items.ts';
import { readTablePages } from './rounds/table-pages.ts';
import { datasetPk, type RecordedEntry, recordedSk } from './state/entries.ts';
import { queryLog, readLogEnd, readLogEntry } from './state/log-entry.ts';
import { mapBounded } from './state/map-bounded.ts';
import type { StoredSegment } from './state/segment-entry.ts';
import { listBatchesRow as row } from './table.ts';

export interface ListInput {
  readonly dataset: DatasetId;
  /** Whose rounds it stands in; none: it is recorded directly. */
  readonly anchorer?: Address | null;
  /** Blocks, or capture times in ms since 1970. */
  readonly by: 'block' | 'time';
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

type Ports = Pick<ServicePorts, 'primitives' | 'ledger'> & { readonly table: TableReader };

const DEFAULT_PAGE = 100;
const PARALLEL = 16;
const MAX_EARLIER = 16;

/**
 * Stored segments with blocks, or capture times, in a range, and what became of each: `anchored`, `recorded` and `final` only
 * where the stored log leads to the very root that the round, or the chain, has.
 * @throws Problem when the cursor is not one of this range
 */
export async function listBatches(ports: Ports, input: ListInput, signal?: AbortSignal): Promise<ListBatchesResponse> {
  const { dataset } = input;
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = input;
  const limit = Math.min(input.limit ?? DEFAULT_PAGE, MAX_PAGE);
  const page = input.by === 'block' ? pageByBlock : pageByTime;
  const [heads, { segments, next }] = await Promise.all([
    readBothHeads(ports.ledger, dataset, signal),
    page(ports.table, dataset, { from, to, limit, cursor: input.cursor }, signal),
  ]);
  const sizes = segments.flatMap(({ headSize }) => headSize ?? []);
  const [anchored, log, transactions, recordedSize, finalSize] = await Promise.all([
    readAnchored(ports, input, signal),
    readLog(ports, dataset, segments, signal),
    readTransactions(ports, dataset, sizes, signal),
    readProvenSize(ports, heads.recorded, signal),
    readProvenSize(ports, heads.final, signal),
  ]);
  const batches = segments.map((segment) => {
    const state = stateOf(segment, { ...log, anchoredSize: anchored.size, recordedSize, finalSize });
    const isRecorded = state === 'recorded' || state === 'final';
    const transaction = isRecorded ? transactions.find(({ size }) => size >= (segment.headSize ?? 0)) : null;
    return lineOf(segment, state, transaction?.txHash ?? null);
  });
  const { round } = anchored;
  return {
    ...{ recorded: wireHead(heads.recorded), final: wireHead(heads.final) },
    round: round === null ? null : { number: round.number, root: to0x(round.root) },
    ...{ batches, next },
  };
}

/** The newest final round of the dataset's anchorer, and how many blocks of the stored log it proves. */
async function readAnchored(
  { primitives, table }: Ports,
  { dataset, anchorer = null }: ListInput,
  signal?: AbortSignal,
): Promise<{ readonly round: ChainRound | null; readonly size: number }> {
  const round = anchorer === null ? null : await readNewestFinal({ table }, anchorer, signal);
  if (round === null || round.map === null) return { round, size: 0 };
  try {
    const heads = await readHeadsInMap(primitives, readTablePages(table, signal), round.map, [dataset]);
    const head = heads.get(dataset) ?? null;
    return { round, size: head !== null && (await isInLog(table, dataset, head, signal)) ? head.size : 0 };
  } catch (error) {
    // A page of the map is lost: the anchor says so.
    if (error instanceof StateError) return { round, size: 0 };
    throw error;
  }
}

interface LogAround {
  /** Segments that the log names, by their first block. */
  readonly named: ReadonlyMap<number, string | null>;
  /** Blocks of the log; 0 where all these segments are named. */
  readonly logSize: number;
}

/** What the log says where these segments begin. Those of a page mostly follow on each other. */
async function readLog(
  { table }: Ports,
  dataset: DatasetId,
  segments: readonly StoredSegment[],
  signal?: AbortSignal,
): Promise<LogAround> {
  const runs: { from: number; to: number }[] = [];
  for (const first of [...new Set(segments.map(({ first }) => first))].sort((a, b) => a - b)) {
    const run = runs[runs.length - 1];
    if (run !== undefined && first - run.to <= MAX_BATCH_BLOCKS) run.to = first;
    else runs.push({ from: first, to: first });
  }
  const readNamed = async () => {
    const read = await mapBounded(runs, PARALLEL, (run) =>
      queryLog(table, dataset, { ...run, most: run.to - run.from + 1 }, signal),
    );
    return new Map(read.flat().map(({ first, batch = first, sha256Hex }) => [batch, sha256Hex]));
  };
  const named = await readNamed();
  if (segments.every(({ first, sha256Hex }) => named.get(first) === sha256Hex)) return { named, logSize: 0 };
  // Only of what the log does not name has its end something to say. The log grows meanwhile: what came in between must be
  // known before the end is, or a batch that has just taken its place would look like one whose place was taken.
  const logSize = (await readLogEnd(table, dataset, signal))?.size ?? 0;
  return { named: logSize === 0 ? named : await readNamed(), logSize };
}

/** Accepted updates that cover these sizes, the shortest log first. */
async function readTransactions(
  { table }: Ports,
  dataset: DatasetId,
  sizes: readonly number[],
  signal?: AbortSignal,
): Promise<RecordedEntry[]> {
  if (sizes.length === 0) return [];
  const range = { from: recordedSk(Math.min(...sizes)), to: recordedSk(MAX_LOG_BLOCKS), limit: sizes.length };
  const { items } = await table.query(datasetPk(dataset), range, signal);
  return items as unknown as RecordedEntry[];
}

/**
 * How many blocks of the stored log the chain proves at this head: all that the head has, or, where the log does not lead to
 * it now, those of the newest earlier head that it leads to.
 */
async function readProvenSize({ table }: Ports, head: Head, signal?: AbortSignal): Promise<number> {
  if (head.size === 0) return 0;
  if (await isInLog(table, head.dataset, head, signal)) return head.size;
  const range = { from: recordedSk(0), to: recordedSk(head.size), limit: MAX_EARLIER, reverse: true };
  const { items } = await table.query(datasetPk(head.dataset), range, signal);
  for (const earlier of items as unknown as RecordedEntry[]) {
    if (await isInLog(table, head.dataset, earlier, signal)) return earlier.size;
  }
  return 0;
}

async function isInLog(
  table: Ports['table'],
  dataset: DatasetId,
  { size, root }: Pick<RecordedEntry, 'size' | 'root'>,
  signal?: AbortSignal,
): Promise<boolean> {
  const entry = await readLogEntry(table, dataset, size, signal);
  return entry !== null && equalBytes(entry.root, root);
}

function stateOf(
  { state, first, headSize, sha256Hex }: StoredSegment,
  log: LogAround & { readonly anchoredSize: number; readonly recordedSize: number; readonly finalSize: number },
): BatchLine['state'] {
  if (state === 'rejected') return 'rejected';
  const size = headSize ?? Number.POSITIVE_INFINITY;
  if (log.named.get(first) !== sha256Hex) return first < log.logSize ? 'superseded' : 'received';
  if (size <= log.finalSize) return 'final';
  if (size <= log.recordedSize) return 'recorded';
  return size <= log.anchoredSize ? 'anchored' : 'received';
}

function lineOf(segment: StoredSegment, state: BatchLine['state'], tx: string | null): BatchLine {
  return {
    first: segment.first,
    count: segment.count ?? null,
    serial: segment.serial ?? null,
    key: segment.key,
    sizeBytes: segment.sizeBytes,
    state,
    reason: segment.reason ?? null,
    lost: segment.lostAtMs !== undefined,
    tx,
    root: segment.headRoot === undefined ? null : to0x(segment.headRoot),
    fromMs: segment.fromMs ?? null,
    toMs: segment.toMs ?? null,
    receivedAtMs: segment.receivedAtMs,
  };
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, query, parties: { anchorer }, signal }: Call<typeof row> & AdmittedParty) =>
    jsonAnswer(await listBatches(ports, { ...params, ...query, anchorer }, signal)),
  ).use(httpMiddleware(ports, row, admitParties(ports, row)));
