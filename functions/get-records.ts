import middy from '@middy/core';
import type { Manifest } from '../core/batch/manifest.ts';
import { ROOTED, recordHash, sealedHash } from '../core/batch/record.ts';
import type { DatasetId } from '../core/ids.ts';
import { rootOfLeafHashes } from '../core/log/merkle.ts';
import { multiproof } from '../core/log/multiproof.ts';
import type { BatchRecords, Fault, Records } from '../core/ports/css.ts';
import type { Primitives } from '../core/ports/primitives.ts';
import { encodeRecords } from '../core/wire/answers.ts';
import { dagCborAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ReadingPorts } from './ports.ts';
import { faultOf } from './read/answer-blocks.ts';
import { type LocatedBatch, locateBlocks } from './read/locate-blocks.ts';
import { TileMemory } from './read/log-hashes.ts';
import { proveBatches } from './read/prove-batches.ts';
import { readFront } from './read/read-front.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { mapBounded } from './state/map-bounded.ts';
import { getRecordsRow as row } from './table.ts';

export interface RecordsInput {
  readonly dataset: DatasetId;
  readonly blocks: readonly number[];
  /** Length of the log to prove against, in batches. */
  readonly batches: number;
}

type Ports = ReadingPorts;

const PARALLEL_SEGMENTS = 8;
/** Manifests read for one answer: twice what an audit of 460 batches of 1,024 small blocks takes. */
const MAX_FRONTS_BYTES = 256 * 2 ** 20;

/**
 * Public records of blocks with what proves them up to the head of `batches`: one proof a batch, one for all batches in
 * the log. They prove themselves, so nothing is withheld where what is stored contradicts the log: the reader sees it.
 */
export async function getRecords(
  ports: Ports,
  input: RecordsInput,
  memory: TileMemory,
  signal?: AbortSignal,
): Promise<Records> {
  const located = await locateBlocks(ports.table, input.dataset, input.blocks, signal);
  const covered = located.batches.filter((batch) => batch.log.batches <= input.batches);
  const behind = located.batches.filter((batch) => batch.log.batches > input.batches).flatMap((batch) => batch.indices);
  const faults: Fault[] = [
    ...located.unrecorded.map((index) => unrecorded(index, 'No stored batch of the log has this block.')),
    ...behind.map((index) => unrecorded(index, `The log's first ${input.batches} batches do not have this block.`)),
  ];
  const budget = { leftBytes: MAX_FRONTS_BYTES };
  const read = await mapBounded(covered, PARALLEL_SEGMENTS, (batch) => readRecords(ports, batch, budget, signal));
  const found: { log: LocatedBatch['log']; records: BatchRecords }[] = [];
  for (const [position, records] of read.entries()) {
    const { log, indices } = covered[position] as LocatedBatch;
    if ('damage' in records) faults.push(...indices.map((index) => faultOf(index, records.damage)));
    else found.push({ log, records });
    if (!('damage' in records) && records.records.length === 0) found.pop();
  }
  if (found.length === 0) return { batches: [], proof: [], faults };
  const entries = found.map(({ log }) => log);
  const proof = await proveBatches(ports, input.dataset, entries, input.batches, memory, signal);
  if (proof !== null) return { batches: found.map(({ records }) => records), proof, faults };
  const reason = `the stored log does not reach the head of ${input.batches} batches yet`;
  const unproven = found.flatMap(({ records }) => records.records.map(({ index }) => faultOf(index, reason)));
  return { batches: [], proof: [], faults: [...faults, ...unproven] };
}

async function readRecords(
  ports: Ports,
  { segment, log, indices }: LocatedBatch,
  budget: { leftBytes: number },
  signal?: AbortSignal,
): Promise<BatchRecords | { damage: string }> {
  if (budget.leftBytes < segment.frontBytes) return { damage: 'one request reads no more; ask for this block again' };
  budget.leftBytes -= segment.frontBytes;
  const front = await readFront(ports, segment, signal);
  if ('damage' in front) return front;
  const { manifest } = front;
  if (manifest.first !== log.first || manifest.blocks.length !== log.count) {
    const last = manifest.first + manifest.blocks.length - 1;
    return { damage: `the stored segment holds blocks ${manifest.first} to ${last}, not those of the recorded batch` };
  }
  return batchRecords(ports.primitives, log.batches - 1, manifest, indices);
}

async function batchRecords(
  hasher: Pick<Primitives, 'sha256'>,
  position: number,
  manifest: Manifest,
  indices: readonly number[],
): Promise<BatchRecords> {
  const { first, salt, nonce, contentCommitment, published, blocks } = manifest;
  const leaves = blocks.map((block) => recordHash(hasher, block));
  const numbers = indices.map((index) => index - first);
  return {
    position,
    first,
    count: blocks.length,
    salt,
    sealedHash: published ? sealedHash(blocks.map((block) => block.sealed)) : ROOTED,
    contentCommitment,
    nonce,
    largestBlockBytes: Math.max(...blocks.map((block) => block.size)),
    records: indices.map((index) => {
      const { sealed, commitment } = blocks[index - first] as (typeof blocks)[number];
      return { index, sealed, commitment };
    }),
    proof: await multiproof(numbers, leaves.length, (from, to) => rootOfLeafHashes(hasher, leaves.slice(from, to))),
  };
}

function unrecorded(index: number, reason: string): Fault {
  return { index, kind: 'unrecorded', reason };
}

export const handlerFor = (ports: PortsOf<typeof row>) => {
  const memory = new TileMemory();
  return middy(async ({ params, body, signal }: Call<typeof row, null>) =>
    dagCborAnswer(encodeRecords(await getRecords(ports, { ...params, ...body }, memory, signal))),
  ).use(httpMiddleware(ports, row, admitAnyone(row)));
};
