import { chunkRootFromProof } from '../block/chunk-tree.ts';
import type { Opening } from '../block/digest.ts';
import { blockKeys } from '../block/seal.ts';
import { eachInParallel } from '../each-in-parallel.ts';
import { PlumblineError } from '../errors.ts';
import type { DatasetKey } from '../ids.ts';
import { MAX_BLOCK_BYTES, MAX_RECORD_BLOCKS, MAX_REQUEST_STORED_BYTES } from '../limits.ts';
import type { Head } from '../log/head.ts';
import type { Answers, CssY, Fault, HashedBlock, ProvenChunk, RecordSource } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { Verdict } from '../verdict.ts';
import { type Case, judgeOpening, verdictOn, verdictOnFault } from './judge-block.ts';
import { faultOnRecorded, type ProvenRecord, proveRecords } from './prove-records.ts';
import type { SignerOf } from './signers.ts';

/** What Protocol I runs on. The storage is the one under suspicion; head and key come from elsewhere. */
export interface OwnerCssY {
  readonly primitives: Primitives;
  readonly css: CssY & RecordSource;
  /** Read from DISSC: the anchor of every verdict. */
  readonly head: Head;
  readonly datasetKey: DatasetKey;
  readonly signerOf: SignerOf;
}

/** `attested` asks hash-blocks, `possession` asks prove-chunks. */
export type CssYEvidence = 'attested' | 'possession';

/** Requests to the storage under way at once. */
const PARALLEL_REQUESTS = 8;

/**
 * Protocol I (Table II): an owner verifies blocks on storage that can hash on request. Steps 1–7, recording, are the
 * device's. Gives one verdict for each block asked for, window by window of 512, in ascending order of windows.
 */
export async function* verifyOwnerCssY(
  deps: OwnerCssY,
  blocks: readonly number[],
  evidence: CssYEvidence,
  signal?: AbortSignal,
): AsyncGenerator<Verdict[]> {
  for (let at = 0; at < blocks.length; at += MAX_RECORD_BLOCKS) {
    signal?.throwIfAborted();
    yield await verifyWindow(deps, blocks.slice(at, at + MAX_RECORD_BLOCKS), evidence, signal);
  }
}

async function verifyWindow(
  deps: OwnerCssY,
  blocks: readonly number[],
  evidence: CssYEvidence,
  signal: AbortSignal | undefined,
): Promise<Verdict[]> {
  const recorded = blocks.filter((index) => index < deps.head.size);
  const verdicts: Verdict[] = blocks
    .filter((index) => index >= deps.head.size)
    .map((index) =>
      verdictOnFault(evidence, { index, kind: 'unrecorded', reason: 'The chain has no such block yet.' }),
    );
  if (recorded.length === 0) return verdicts;

  // Table II steps 10–11: Encrypted[Hash(DataBlock)] from DISSC. A record proves itself against the head read there.
  const found = await proveRecords({ hasher: deps.primitives, records: deps.css }, deps.head, recorded, signal);
  verdicts.push(
    ...found.faults.map((fault) => verdictOnFault(evidence, fault)),
    ...found.broken.map(({ index, reason }) =>
      verdictOn({ record: { index }, evidence, signer: null }, 'corrupted', reason),
    ),
  );

  const groups = groupByStoredBytes(found.proven);
  const cases = new Map(
    found.proven.map((record): [number, Case] => [
      record.index,
      { dataset: deps.head.dataset, record, evidence, signer: deps.signerOf(record.batch.position) },
    ]),
  );
  await eachInParallel(groups, PARALLEL_REQUESTS, async (group) => {
    for (let remaining = group; remaining.length > 0; ) {
      const round = await ask(deps, remaining, cases, evidence, signal);
      verdicts.push(...round.verdicts);
      remaining = round.remaining;
    }
  });
  return verdicts.sort((a, b) => a.index - b.index);
}

/** One request: Table II step 8 (BlockIDs to the CSS), 9 (its answer), 12 (open) and 13 (compare). */
async function ask(
  deps: OwnerCssY,
  blocks: readonly number[],
  cases: ReadonlyMap<number, Case>,
  evidence: CssYEvidence,
  signal: AbortSignal | undefined,
): Promise<{ verdicts: Verdict[]; remaining: number[] }> {
  let verdictOf: (answer: HashedBlock | ProvenChunk | Fault) => Verdict;
  let answers: Answers<HashedBlock | ProvenChunk>;
  try {
    if (evidence === 'attested') {
      answers = await deps.css.hashBlocks(deps.head.dataset, blocks, signal);
      verdictOf = (answer) => judge(deps, cases, answer as HashedBlock, (answer as HashedBlock).opening);
    } else {
      const challenges = blocks.map((index) => ({ index, random: randomU32(deps.primitives) }));
      const randomOf = new Map(challenges.map((challenge) => [challenge.index, challenge.random]));
      answers = await deps.css.proveChunks(deps.head.dataset, challenges, signal);
      verdictOf = (answer) => judgeChunk(deps, cases, answer as ProvenChunk, randomOf.get(answer.index) as number);
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    const kind = cause.name === 'RequestRefusedError' ? 'refused' : 'unavailable';
    const faults = blocks.map((index): Fault => ({ index, kind, reason: cause.shortMessage }));
    return { verdicts: faults.map((fault) => verdictOnFault(evidence, fault)), remaining: [] };
  }
  return settle(blocks, answers, cases, evidence, verdictOf);
}

/** Exactly one verdict a block asked for: what was not asked or comes twice is ignored, silence is unavailable. */
function settle(
  blocks: readonly number[],
  answers: Answers<HashedBlock | ProvenChunk>,
  cases: ReadonlyMap<number, Case>,
  evidence: CssYEvidence,
  verdictOf: (answer: HashedBlock | ProvenChunk) => Verdict,
): { verdicts: Verdict[]; remaining: number[] } {
  const byIndex = new Map(answers.answers.map((answer) => [answer.index, answer]));
  const postponed = new Set(answers.remaining);
  const verdicts: Verdict[] = [];
  const remaining: number[] = [];
  for (const index of blocks) {
    const answer = byIndex.get(index);
    if (answer !== undefined && 'kind' in answer) {
      verdicts.push({
        ...verdictOnFault(evidence, faultOnRecorded(answer as Fault)),
        signer: cases.get(index)?.signer ?? null,
      });
    } else if (answer !== undefined) {
      verdicts.push(verdictOf(answer));
    } else if (postponed.has(index)) {
      remaining.push(index);
    } else {
      verdicts.push(verdictOnFault(evidence, { index, kind: 'unavailable', reason: 'The storage gives no answer.' }));
    }
  }
  if (remaining.length < blocks.length) return { verdicts, remaining };
  // Asking again would go on for ever.
  const reason = `The storage postpones all ${remaining.length} blocks of a request.`;
  const faults = remaining.map((index): Fault => ({ index, kind: 'unavailable', reason }));
  return { verdicts: faults.map((fault) => verdictOnFault(evidence, fault)), remaining: [] };
}

function judge(
  deps: OwnerCssY,
  cases: ReadonlyMap<number, Case>,
  answer: { index: number },
  opening: Opening,
): Verdict {
  const trial = cases.get(answer.index) as Case;
  const key = blockKeys(deps.primitives, deps.datasetKey, trial.record.batch.salt)(answer.index);
  return judgeOpening(deps.primitives, trial, key, opening);
}

function judgeChunk(deps: OwnerCssY, cases: ReadonlyMap<number, Case>, answer: ProvenChunk, random: number): Verdict {
  const { size, sha256, metaHash } = answer;
  try {
    const chunkRoot = chunkRootFromProof(deps.primitives, size, random, answer);
    return judge(deps, cases, answer, { size, sha256, chunkRoot, metaHash });
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return verdictOn(cases.get(answer.index) as Case, 'corrupted', cause.shortMessage);
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
