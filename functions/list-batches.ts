import middy from '@middy/core';
import { equalBytes, to0x } from '../core/bytes.ts';
import type { DatasetId } from '../core/ids.ts';
import type { Head } from '../core/log/head.ts';
import { type BatchLine, type ListBatchesResponse, MAX_PAGE } from '../core/wire/requests.ts';
import { jsonAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ServicePorts } from './ports.ts';
import { pageByBlock, pageByTime } from './read/page-segments.ts';
import { readBothHeads, wireHead } from './read/wire-head.ts';
import { admitParties } from './rights/admit-parties.ts';
import { datasetPk, type LogEntry, type RecordedEntry, recordedSk } from './state/entries.ts';
import { queryLog, readLogEntry } from './state/log-entry.ts';
import { mapBounded } from './state/map-bounded.ts';
import type { StoredSegment } from './state/segment-entry.ts';
import { listBatchesRow as row } from './table.ts';

export interface ListInput {
  readonly dataset: DatasetId;
  /** Blocks, or capture times in ms since 1970. */
  readonly by: 'block' | 'time';
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

type Ports = Pick<ServicePorts, 'table' | 'ledger'>;

const DEFAULT_PAGE = 100;
const PARALLEL = 16;

/**
 * Stored segments with blocks, or capture times, in a range, and what became of each: `recorded` and `final` only where
 * the stored log leads to the very root that the chain has.
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
  const lengths = segments.flatMap(({ headBatches }) => (headBatches === undefined ? [] : [headBatches]));
  const [log, transactions, recordedBatches, finalBatches] = await Promise.all([
    readLog(ports, dataset, lengths, signal),
    readTransactions(ports, dataset, lengths, signal),
    readProvenLength(ports, heads.recorded, signal),
    readProvenLength(ports, heads.final, signal),
  ]);
  const batches = segments.map((segment) => {
    const inLog = log.get(segment.headBatches ?? 0)?.sha256Hex === segment.sha256Hex;
    const state = stateOf(segment, { inLog, taken: log.has(segment.headBatches ?? 0), recordedBatches, finalBatches });
    const isRecorded = state === 'recorded' || state === 'final';
    const transaction = isRecorded ? transactions.find((entry) => entry.batches >= (segment.headBatches ?? 0)) : null;
    return lineOf(segment, state, transaction?.txHash ?? null);
  });
  return { recorded: wireHead(heads.recorded), final: wireHead(heads.final), batches, next };
}

/** The log's entries of these lengths. Those of a page mostly follow on each other. */
async function readLog(
  { table }: Ports,
  dataset: DatasetId,
  lengths: readonly number[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, LogEntry>> {
  const sorted = [...new Set(lengths)].sort((a, b) => a - b);
  const runs: { from: number; to: number }[] = [];
  for (const batches of sorted) {
    const run = runs[runs.length - 1];
    if (run?.to === batches - 1) run.to = batches;
    else runs.push({ from: batches, to: batches });
  }
  const read = await mapBounded(runs, PARALLEL, (run) => queryLog(table, dataset, run.from, run.to, signal));
  return new Map(read.flat().map((entry) => [entry.batches, entry]));
}

/** Accepted updates that cover these lengths, shortest log first. */
async function readTransactions(
  { table }: Ports,
  dataset: DatasetId,
  lengths: readonly number[],
  signal?: AbortSignal,
): Promise<RecordedEntry[]> {
  if (lengths.length === 0) return [];
  const range = { from: recordedSk(Math.min(...lengths)), to: recordedSk(0xffff_ffff), limit: lengths.length };
  const { items } = await table.query(datasetPk(dataset), range, signal);
  return items as unknown as RecordedEntry[];
}

/** How many batches of the stored log this head of the chain proves: all of the head's, or none when its root is another. */
async function readProvenLength({ table }: Ports, head: Head, signal?: AbortSignal): Promise<number> {
  if (head.batches === 0) return 0;
  const entry = await readLogEntry(table, head.dataset, head.batches, signal);
  return entry !== null && equalBytes(entry.root, head.root) ? head.batches : 0;
}

function stateOf(
  segment: StoredSegment,
  log: { inLog: boolean; taken: boolean; recordedBatches: number; finalBatches: number },
): BatchLine['state'] {
  if (segment.state === 'rejected') return 'rejected';
  const batches = segment.headBatches ?? Number.POSITIVE_INFINITY;
  if (!log.inLog) return log.taken ? 'superseded' : 'received';
  if (batches <= log.finalBatches) return 'final';
  return batches <= log.recordedBatches ? 'recorded' : 'received';
}

function lineOf(segment: StoredSegment, state: BatchLine['state'], tx: string | null): BatchLine {
  return {
    first: segment.first,
    count: segment.count ?? null,
    batches: segment.headBatches ?? null,
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
  middy(async ({ params, query, signal }: Call<typeof row>) =>
    jsonAnswer(await listBatches(ports, { ...params, ...query }, signal)),
  ).use(httpMiddleware(ports, row, admitParties(ports, row)));
