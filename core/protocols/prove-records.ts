import { type BatchLeaf, batchLeafHash, batchRootOf, recordHash } from '../batch/record.ts';
import { equalBytes } from '../bytes.ts';
import { PlumblineError, ProofError } from '../errors.ts';
import type { Commitment, ContentCommitment, DatasetId, Salt, SealedDigest } from '../ids.ts';
import type { Head } from '../log/head.ts';
import { rootFromMultiproof } from '../log/multiproof.ts';
import type { BatchRecords, Fault, RecordSource, Records } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

/** A state of a dataset's log, from the chain: DISSC's head, or the one that an agreement is bound to. */
export type LogState = Pick<Head, 'dataset' | 'batches' | 'root'>;

/** One block's record, proven to lead to DISSC's head. */
export interface ProvenRecord {
  readonly index: number;
  readonly sealed: SealedDigest;
  readonly commitment: Commitment;
  readonly batch: ProvenBatch;
}

/** What is proven of the batch around it. Nonce and sizes are hints: the content commitment checks the nonce. */
export interface ProvenBatch {
  readonly position: number;
  readonly first: number;
  readonly count: number;
  readonly salt: Salt;
  readonly contentCommitment: ContentCommitment;
  readonly nonce: Uint8Array | null;
  readonly largestBlockBytes: number;
}

/** A record that is there but leads nowhere: what storage holds for this block was altered. */
export interface BrokenRecord {
  readonly index: number;
  readonly reason: string;
}

export interface FoundRecords {
  readonly proven: readonly ProvenRecord[];
  readonly broken: readonly BrokenRecord[];
  readonly faults: readonly Fault[];
}

/**
 * Fetches the records of at most 512 recorded blocks and proves them against a head that was read from DISSC (Tables II
 * to V: "get Encrypted[Hash(DataBlock)] from DISSC"). A batch whose record leads elsewhere does not spoil the others: the
 * batches are then proven one by one. Each block comes back exactly once: proven, broken or with a fault.
 */
export async function proveRecords(
  deps: { readonly hasher: Hasher; readonly records: RecordSource },
  head: LogState,
  blocks: readonly number[],
  signal?: AbortSignal,
): Promise<FoundRecords> {
  const { answer, found } = await askRecords(deps, head, blocks, signal);
  if (found.broken.length === 0 || answer.batches.length <= 1) return found;
  // Which block belongs to which batch is the storage's word: a block is asked for again with the batch that names it
  // first, and by itself when none does.
  const left = new Set(found.broken.map((record) => record.index));
  const groups = answer.batches.map((batch) => batch.records.map(({ index }) => index).filter((i) => left.delete(i)));
  const parts: FoundRecords[] = [{ proven: [], broken: [], faults: found.faults }];
  for (const group of [...groups, ...[...left].map((index) => [index])]) {
    if (group.length > 0) parts.push((await askRecords(deps, head, group, signal)).found);
  }
  return {
    proven: parts.flatMap((part) => part.proven),
    broken: parts.flatMap((part) => part.broken),
    faults: parts.flatMap((part) => part.faults),
  };
}

/** The chain has a block below its head: storage that calls it unrecorded does not have it. */
export function faultOnRecorded(fault: Fault): Fault {
  return fault.kind === 'unrecorded' ? { ...fault, kind: 'unavailable' } : fault;
}

async function askRecords(
  deps: { readonly hasher: Hasher; readonly records: RecordSource },
  head: LogState,
  blocks: readonly number[],
  signal?: AbortSignal,
): Promise<{ answer: Records; found: FoundRecords }> {
  let answer: Records;
  try {
    answer = await deps.records.getRecords(head.dataset, blocks, head.batches, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    if (!(cause instanceof PlumblineError)) throw cause;
    const kind = cause.kind === 'refused' ? 'refused' : 'unavailable';
    answer = { batches: [], proof: [], faults: blocks.map((index) => ({ index, kind, reason: cause.shortMessage })) };
  }
  const reason = faultOf(deps.hasher, head, answer);
  if (reason === null) return { answer, found: collect(blocks, answer) };
  const faults = faultsAmong(blocks, answer.faults);
  const told = new Set(faults.map((fault) => fault.index));
  const broken = blocks.filter((index) => !told.has(index)).map((index) => ({ index, reason }));
  return { answer, found: { proven: [], broken, faults } };
}

/** Null when every record leads to the head, else why not. */
function faultOf(hasher: Hasher, head: LogState, answer: Records): string | null {
  if (answer.batches.length === 0) return null;
  try {
    const leaves = new Map<number, Uint8Array>();
    for (const batch of answer.batches) {
      if (leaves.has(batch.position)) throw new ProofError(`Batch ${batch.position} is given twice.`);
      leaves.set(batch.position, batchLeafHash(hasher, batchLeaf(hasher, head.dataset, batch)));
    }
    const root = rootFromMultiproof(hasher, leaves, head.batches, answer.proof);
    if (!equalBytes(root, head.root)) throw new ProofError('It leads to another root than the head on the chain.');
    return null;
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    return `The stored record does not lead to the head on the chain: ${cause.shortMessage}`;
  }
}

function batchLeaf(hasher: Hasher, dataset: DatasetId, batch: BatchRecords): BatchLeaf {
  const { first, count, salt, sealedHash, contentCommitment } = batch;
  const records = new Map(batch.records.map((record) => [record.index - first, recordHash(hasher, record)]));
  // Of two records of one block only one would be proven.
  if (records.size < batch.records.length) throw new ProofError(`Batch ${batch.position} gives a block twice.`);
  const tree = rootFromMultiproof(hasher, records, count, batch.proof);
  return { dataset, first, count, salt, batchRoot: batchRootOf(hasher, contentCommitment, tree), sealedHash };
}

function collect(blocks: readonly number[], answer: Records): FoundRecords {
  const asked = new Set(blocks);
  const proven = answer.batches.flatMap(({ records, proof: _, sealedHash: __, ...batch }) =>
    records.filter((record) => asked.has(record.index)).map((record) => ({ ...record, batch })),
  );
  for (const record of proven) asked.delete(record.index);
  const faults = faultsAmong([...asked], answer.faults);
  for (const fault of faults) asked.delete(fault.index);
  const silent = [...asked].map((index): Fault => {
    return { index, kind: 'unavailable', reason: 'The storage gives no record.' };
  });
  return { proven, broken: [], faults: [...faults, ...silent] };
}

/** At most one fault a block, and none of blocks that nobody asked for. */
function faultsAmong(blocks: readonly number[], faults: readonly Fault[]): Fault[] {
  const byIndex = new Map(faults.map((fault) => [fault.index, faultOnRecorded(fault)]));
  return blocks.flatMap((index) => byIndex.get(index) ?? []);
}
