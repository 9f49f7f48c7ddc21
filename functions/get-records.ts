import middy from '@middy/core';
import { StateError } from '../core/errors.ts';
import type { DatasetId, Nonce, Salt } from '../core/ids.ts';
import { proveInclusion } from '../core/log/inclusion.ts';
import { multiproof } from '../core/log/multiproof.ts';
import { parseRecord } from '../core/log/record.ts';
import type { LogReader } from '../core/log/subtree-source.ts';
import type { BatchRecords, Fault, Records } from '../core/ports/css.ts';
import { encodeRecords } from '../core/wire/answers.ts';
import { dagCborAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { LogPorts } from './log/log-ports.ts';
import { readLog } from './log/open-log.ts';
import { RecordsReader } from './log/records-reader.ts';
import type { KeptRecord } from './log/records-tile.ts';
import type { PortsOf } from './ports.ts';
import { faultOf } from './read/answer-blocks.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { readLogEnd } from './state/log-entry.ts';
import { mapBounded } from './state/map-bounded.ts';
import { getRecordsRow as row } from './table.ts';

export interface RecordsInput {
  readonly dataset: DatasetId;
  readonly blocks: readonly number[];
  /** Blocks of the log to prove against. */
  readonly size: number;
}

interface Found {
  readonly index: number;
  readonly kept: KeptRecord;
}

const PARALLEL = 16;

/**
 * Public records of blocks, and one multiproof of all of them in the log of `size` blocks. They prove themselves, so nothing
 * is asked of who wants them; what lies beyond the log is refused after one read, and the rest costs a read for each tile or
 * page of records and one for each tile of the log.
 */
export async function getRecords(ports: LogPorts, input: RecordsInput, signal?: AbortSignal): Promise<Records> {
  const { dataset, blocks, size } = input;
  const end = await readLogEnd(ports.table, dataset, signal);
  if (end === null || size > end.size) {
    const reason = `the stored log has ${end?.size ?? 0} blocks; it does not reach the head of ${size} yet`;
    return { batches: [], proof: [], faults: blocks.map((index) => unrecorded(index, reason)) };
  }
  const faults = blocks
    .filter((index) => index >= size)
    .map((index) => unrecorded(index, `The log has only ${size} blocks.`));
  const records = new RecordsReader(ports, dataset, end.size, signal);
  const found: Found[] = [];
  await mapBounded(blocks.filter((index) => index < size).sort(byNumber), PARALLEL, async (index) => {
    const kept = await records.record(index);
    if (kept === null) faults.push(faultOf(index, "nobody has stored this block's record in this service"));
    else found.push({ index, kept });
  });
  found.sort((a, b) => a.index - b.index);
  const reader = readLog(ports, dataset, end, signal, records);
  const proven = await proveTogether(reader, found, size);
  faults.push(
    ...proven.lost.map((index) => faultOf(index, 'the proof of this block is lost, because nobody has its neighbours')),
  );
  faults.sort((a, b) => a.index - b.index);
  return { batches: batchesOf(proven.found), proof: proven.proof, faults };
}

/** One proof of all that can be proven: in a stretch that nobody has, not even the neighbours of what is lost can be. */
async function proveTogether(
  reader: LogReader,
  found: readonly Found[],
  size: number,
): Promise<{ readonly found: readonly Found[]; readonly proof: Uint8Array[]; readonly lost: readonly number[] }> {
  if (found.length === 0) return { found, proof: [], lost: [] };
  const positions = found.map(({ index }) => index);
  const proof = await orNull(multiproof(reader, positions, size));
  if (proof !== null) return { found, proof, lost: [] };
  const lost = new Set<number>();
  await mapBounded(positions, PARALLEL, async (index) => {
    if ((await orNull(proveInclusion(reader, index, size))) === null) lost.add(index);
  });
  const left = found.filter(({ index }) => !lost.has(index));
  if (left.length === found.length)
    throw new StateError("The log's batches are consistent one by one, but not together.");
  return { ...(await proveTogether(reader, left, size)), lost: [...lost].sort(byNumber) };
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof StateError) return null;
    throw error;
  }
}

function batchesOf(found: readonly Found[]): BatchRecords[] {
  const byBatch = Map.groupBy(found, ({ kept: { batch } }) => batch.first);
  return [...byBatch.values()].map((list) => {
    const { first, count, serial, salt, nonce, largestBlockBytes } = (list[0] as Found).kept.batch;
    return {
      ...{ first, count, serial, largestBlockBytes },
      salt: salt as Salt,
      nonce: nonce as Nonce | null,
      records: list.map(({ index, kept }) => ({ index, record: parseRecord(kept.bytes) })),
    };
  });
}

function unrecorded(index: number, reason: string): Fault {
  return { index, kind: 'unrecorded', reason };
}

function byNumber(a: number, b: number): number {
  return a - b;
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, body, signal }: Call<typeof row, null>) =>
    dagCborAnswer(encodeRecords(await getRecords(ports, { ...params, ...body }, signal))),
  ).use(httpMiddleware(ports, row, admitAnyone(row)));
