import { PlumblineError } from '../errors.ts';
import type { BlockIndex } from '../ids.ts';
import type { Head } from '../log/head.ts';
import type { BlockRecord } from '../log/record.ts';
import { requireRecords } from '../log/verify-records.ts';
import type { BatchHint, Fault, RecordSource, Records } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';
import { firstHeadsOf, olderSteps, type RecordedHeads } from './recorded-heads.ts';

/** What records are proven with. The source is the one under suspicion. */
export interface RecordProof {
  readonly hasher: Pick<Primitives, 'sha256'>;
  readonly records: RecordSource;
}

/** One block's record, proven to be in the log that DISSC has recorded. */
export interface ProvenRecord {
  readonly index: BlockIndex;
  readonly record: BlockRecord;
  /** The source's word, every field of it. */
  readonly batch: BatchHint;
}

/** A record that is there but leads nowhere: what storage holds for this block was altered. */
export interface BrokenRecord {
  readonly index: BlockIndex;
  readonly reason: string;
}

export interface FoundRecords {
  readonly proven: readonly ProvenRecord[];
  readonly broken: readonly BrokenRecord[];
  readonly faults: readonly Fault[];
}

/**
 * Fetches the records of at most 512 recorded blocks and proves them against what was read from DISSC (Tables II to V: "get
 * Encrypted[Hash(DataBlock)] from DISSC"). A record that leads elsewhere does not spoil the others: those shown with it are
 * asked for again, in halves. Neither does a head that nobody can prove: what cannot be proven under the newest is tried under
 * older ones. Each block comes back exactly once: proven, broken or with a fault.
 */
export async function proveRecords(
  deps: RecordProof,
  heads: RecordedHeads,
  blocks: readonly BlockIndex[],
  signal?: AbortSignal,
): Promise<FoundRecords> {
  const search: Search = { ...deps, signal, requestsLeft: MAX_REQUESTS };
  const newest = await proveUnder(search, heads[0], blocks);
  const proven = [...newest.proven];
  // Who does not answer at all does not answer for older heads either.
  let missing = newest.isSilent ? [] : [...newest.broken, ...newest.faults].map(({ index }) => index);
  const tryUnder = async (head: Head): Promise<void> => {
    const below = missing.filter((index) => index < head.size);
    if (below.length === 0 || search.requestsLeft === 0) return;
    const found = await proveUnder(search, head, below);
    proven.push(...found.proven);
    const done = new Set(found.proven.map(({ index }) => index));
    missing = missing.filter((index) => !done.has(index));
  };
  for (const head of olderSteps(heads)) await tryUnder(head);
  for (const head of firstHeadsOf(heads, missing)) await tryUnder(head);
  const done = new Set(proven.map(({ index }) => index));
  return {
    proven,
    broken: newest.broken.filter(({ index }) => !done.has(index)),
    faults: newest.faults.filter(({ index }) => !done.has(index)),
  };
}

/** The chain has a block below its head: storage that calls it unrecorded does not have it. */
export function faultOnRecorded(fault: Fault): Fault {
  return fault.kind === 'unrecorded' ? { ...fault, kind: 'unavailable' } : fault;
}

/** A search for records, by a bounded number of requests: a source that lies about all of them ends it sooner. */
interface Search extends RecordProof {
  readonly signal: AbortSignal | undefined;
  requestsLeft: number;
}

const MAX_REQUESTS = 2_048;

interface Answered extends FoundRecords {
  /** Whether a request had no answer: neither records nor a refusal. */
  readonly isSilent: boolean;
}

/** All of them under one head; in halves where they do not lead to it together. */
async function proveUnder(search: Search, head: Head, blocks: readonly BlockIndex[]): Promise<Answered> {
  const found = await askRecords(search, head, blocks);
  const broken = found.broken.map(({ index }) => index);
  if (broken.length === 0 || blocks.length === 1 || search.requestsLeft === 0) return found;
  // Each half is smaller than what was asked for: it ends with single blocks.
  const middle = broken.length >>> 1;
  const parts: Answered[] = [{ ...found, broken: [] }];
  for (const half of [broken.slice(0, middle), broken.slice(middle)]) {
    if (half.length > 0) parts.push(await proveUnder(search, head, half));
  }
  return {
    proven: parts.flatMap((part) => part.proven),
    broken: parts.flatMap((part) => part.broken),
    faults: parts.flatMap((part) => part.faults),
    isSilent: parts.some((part) => part.isSilent),
  };
}

/** Either all that is shown is proven, or all of it is broken. */
async function askRecords(search: Search, head: Head, blocks: readonly BlockIndex[]): Promise<Answered> {
  const { signal } = search;
  if (search.requestsLeft === 0)
    return failed(blocks, 'unavailable', 'Too many requests for records brought nothing new.');
  search.requestsLeft -= 1;
  let answer: Records;
  try {
    answer = await search.records.getRecords(head.dataset, blocks, head.size, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    return failed(blocks, cause.kind === 'refused' ? 'refused' : 'unavailable', cause.shortMessage);
  }
  const reason = faultOf(search, head, answer);
  if (reason === null) return { ...collect(blocks, answer), isSilent: false };
  const faults = faultsAmong(blocks, answer.faults);
  const told = new Set(faults.map(({ index }) => index));
  const broken = blocks.filter((index) => !told.has(index)).map((index) => ({ index, reason }));
  return { proven: [], broken, faults, isSilent: false };
}

function failed(blocks: readonly BlockIndex[], kind: 'unavailable' | 'refused', reason: string): Answered {
  const faults = blocks.map((index) => ({ index, kind, reason }));
  return { proven: [], broken: [], faults, isSilent: kind === 'unavailable' };
}

/** Null when every record shown leads to the head, else why not. */
function faultOf({ hasher }: RecordProof, head: Head, { batches, proof }: Records): string | null {
  const shown = batches.flatMap(({ records }) => records);
  if (shown.length === 0) return null;
  try {
    requireRecords(hasher, head, shown, proof);
    return null;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return `The stored record does not lead to the head on the chain: ${cause.shortMessage}`;
  }
}

function collect(blocks: readonly BlockIndex[], answer: Records): FoundRecords {
  const asked = new Set(blocks);
  const proven = answer.batches.flatMap(({ records, ...batch }) =>
    records.filter(({ index }) => asked.has(index)).map(({ index, record }) => ({ index, record, batch })),
  );
  for (const { index } of proven) asked.delete(index);
  const faults = faultsAmong([...asked], answer.faults);
  for (const { index } of faults) asked.delete(index);
  const silent = [...asked].map((index): Fault => {
    return { index, kind: 'unavailable', reason: 'The storage returned no record.' };
  });
  return { proven, broken: [], faults: [...faults, ...silent] };
}

/** At most one fault a block, and none of blocks that nobody asked for. */
function faultsAmong(blocks: readonly BlockIndex[], faults: readonly Fault[]): Fault[] {
  const byIndex = new Map(faults.map((fault) => [fault.index, faultOnRecorded(fault)]));
  return blocks.flatMap((index) => byIndex.get(index) ?? []);
}
