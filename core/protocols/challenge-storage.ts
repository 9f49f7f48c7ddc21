import { chunkRootFromProof } from '../block/chunk-tree.ts';
import type { Opening } from '../block/digest.ts';
import { eachInParallel } from '../each-in-parallel.ts';
import { PlumblineError } from '../errors.ts';
import type { DatasetId } from '../ids.ts';
import { MAX_BLOCK_BYTES, MAX_REQUEST_STORED_BYTES } from '../limits.ts';
import type { Answers, CssY, Fault, HashedBlock, ProvenChunk } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import { faultOnRecorded, type ProvenRecord } from './prove-records.ts';

/** `attested` asks hash-blocks, `possession` asks prove-chunks. */
export type CssYEvidence = 'attested' | 'possession';

/** What the storage says of a block: to be judged when its key is there. */
export interface OpenedBlock {
  readonly index: number;
  readonly opening: Opening;
}

/** An answer that cannot be right, whatever the key: a proof that leads nowhere. */
export interface BrokenAnswer {
  readonly index: number;
  readonly reason: string;
}

export type StorageAnswer = OpenedBlock | BrokenAnswer | Fault;

export interface Challenge {
  readonly primitives: Primitives;
  readonly css: CssY;
  readonly dataset: DatasetId;
}

/** Requests to the storage under way at once: all of 460 blocks of 1 MiB. */
const PARALLEL_REQUESTS = 8;

/**
 * Challenges storage that can hash with recorded blocks (Table II steps 8–9, Table IV steps 6–7): in one round of parallel
 * requests where it answers all of them. Exactly one answer a block: what was not asked or comes twice is ignored, silence
 * is unavailable. A challenged chunk is chosen here, at random, when it is asked for.
 */
export async function challengeStorage(
  deps: Challenge,
  records: readonly ProvenRecord[],
  evidence: CssYEvidence,
  signal?: AbortSignal,
): Promise<Map<number, StorageAnswer>> {
  const answered = new Map<number, StorageAnswer>();
  await eachInParallel(groupByStoredBytes(records), PARALLEL_REQUESTS, async (group) => {
    for (let remaining = group; remaining.length > 0; ) {
      const round = await ask(deps, remaining, evidence, signal);
      for (const answer of round.answers) answered.set(answer.index, answer);
      remaining = round.remaining;
    }
  });
  return answered;
}

async function ask(
  deps: Challenge,
  blocks: readonly number[],
  evidence: CssYEvidence,
  signal: AbortSignal | undefined,
): Promise<{ answers: StorageAnswer[]; remaining: number[] }> {
  try {
    if (evidence === 'attested') {
      return settle(blocks, await deps.css.hashBlocks(deps.dataset, blocks, signal), ({ index, opening }) => ({
        index,
        opening,
      }));
    }
    const challenges = blocks.map((index) => ({ index, random: randomU32(deps.primitives) }));
    const randomOf = new Map(challenges.map((challenge) => [challenge.index, challenge.random]));
    const answers = await deps.css.proveChunks(deps.dataset, challenges, signal);
    return settle(blocks, answers, (proven) => openProof(deps, proven, randomOf.get(proven.index) as number));
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    const kind = cause.kind === 'refused' ? 'refused' : 'unavailable';
    return { answers: blocks.map((index): Fault => ({ index, kind, reason: cause.shortMessage })), remaining: [] };
  }
}

function settle<T extends HashedBlock | ProvenChunk>(
  blocks: readonly number[],
  given: Answers<T>,
  open: (answer: T) => OpenedBlock | BrokenAnswer,
): { answers: StorageAnswer[]; remaining: number[] } {
  const byIndex = new Map(given.answers.map((answer) => [answer.index, answer]));
  const postponed = new Set(given.remaining);
  const answers: StorageAnswer[] = [];
  const remaining: number[] = [];
  for (const index of blocks) {
    const answer = byIndex.get(index);
    if (answer !== undefined) answers.push('kind' in answer ? faultOnRecorded(answer) : open(answer));
    else if (postponed.has(index)) remaining.push(index);
    else answers.push({ index, kind: 'unavailable', reason: 'The storage gave no answer.' });
  }
  if (remaining.length < blocks.length) return { answers, remaining };
  // Asking again would go on for ever.
  const reason = `The storage postponed all ${remaining.length} blocks of a request.`;
  return { answers: remaining.map((index): Fault => ({ index, kind: 'unavailable', reason })), remaining: [] };
}

function openProof(deps: Challenge, proven: ProvenChunk, random: number): OpenedBlock | BrokenAnswer {
  const { index, size, sha256, metaHash } = proven;
  try {
    const chunkRoot = chunkRootFromProof(deps.primitives, size, random, proven);
    return { index, opening: { size, sha256, chunkRoot, metaHash } };
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return { index, reason: cause.shortMessage };
  }
}

/** Cuts blocks so that each request stays below the bytes one may cover, going by the storage's own size hints. */
function groupByStoredBytes(records: readonly ProvenRecord[]): number[][] {
  const groups: number[][] = [];
  let room = 0;
  for (const { index, batch } of [...records].sort((a, b) => a.index - b.index)) {
    const bytes = Math.min(Math.max(batch.largestBlockBytes, 1), MAX_BLOCK_BYTES);
    if (bytes > room) {
      groups.push([]);
      room = MAX_REQUEST_STORED_BYTES;
    }
    groups[groups.length - 1]?.push(index);
    room -= bytes;
  }
  return groups;
}

function randomU32(primitives: Primitives): number {
  const bytes = primitives.randomBytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}
