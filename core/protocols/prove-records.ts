import { type BatchLeaf, batchLeafHash, batchRootOf, recordHash } from '../batch/record.ts';
import { equalBytes } from '../bytes.ts';
import { PlumblineError, ProofError } from '../errors.ts';
import type { Commitment, ContentCommitment, DatasetId, Salt, SealedDigest } from '../ids.ts';
import type { Head } from '../log/head.ts';
import { rootFromMultiproof } from '../log/multiproof.ts';
import type { BatchRecords, Fault, RecordSource, Records } from '../ports/css.ts';
import type { Primitives } from '../ports/primitives.ts';

type Hasher = Pick<Primitives, 'sha256'>;

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
 * Fetches the records of at most 512 blocks and proves them against a head that was read from DISSC (Tables II to V:
 * "get Encrypted[Hash(DataBlock)] from DISSC"). A batch whose record leads elsewhere does not spoil the others: the
 * batches are then proven one by one.
 */
export async function proveRecords(
  deps: { readonly hasher: Hasher; readonly records: RecordSource },
  head: Head,
  blocks: readonly number[],
  signal?: AbortSignal,
): Promise<FoundRecords> {
  const answer = await deps.records.getRecords(head.dataset, blocks, head.batches, signal);
  const reason = faultOf(deps.hasher, head, answer);
  if (reason === null) return collect(blocks, answer);
  const batches = answer.batches.map((batch) => batch.records.map((record) => record.index));
  if (batches.length <= 1) {
    return {
      proven: [],
      broken: missing(blocks, answer.faults).map((index) => ({ index, reason })),
      faults: answer.faults,
    };
  }
  // Which block belongs to which batch is the storage's word, so what it did not name is asked for by itself too.
  const named = new Set(batches.flat());
  const unnamed = missing(blocks, answer.faults).filter((index) => !named.has(index));
  const found: FoundRecords[] = [{ proven: [], broken: [], faults: answer.faults }];
  for (const group of [...batches, ...unnamed.map((index) => [index])]) {
    const asked = group.filter((index) => blocks.includes(index));
    if (asked.length === 0) continue;
    const one = await deps.records.getRecords(head.dataset, asked, head.batches, signal);
    const fault = faultOf(deps.hasher, head, one);
    found.push(
      fault === null
        ? collect(asked, one)
        : { proven: [], broken: asked.map((index) => ({ index, reason: fault })), faults: [] },
    );
  }
  return {
    proven: found.flatMap((part) => part.proven),
    broken: found.flatMap((part) => part.broken),
    faults: found.flatMap((part) => part.faults),
  };
}

/** Null when every record leads to the head, else why not. */
function faultOf(hasher: Hasher, head: Head, answer: Records): string | null {
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
  const tree = rootFromMultiproof(hasher, records, count, batch.proof);
  return { dataset, first, count, salt, batchRoot: batchRootOf(hasher, contentCommitment, tree), sealedHash };
}

function collect(blocks: readonly number[], answer: Records): FoundRecords {
  const asked = new Set(blocks);
  const proven = answer.batches.flatMap(({ records, proof: _, sealedHash: __, ...batch }) =>
    records.filter((record) => asked.has(record.index)).map((record) => ({ ...record, batch })),
  );
  const seen = new Set(proven.map((record) => record.index));
  const faults = answer.faults.filter((fault) => asked.has(fault.index) && !seen.has(fault.index));
  const silent = missing(blocks, faults).filter((index) => !seen.has(index));
  return {
    proven,
    broken: [],
    faults: [
      ...faults,
      ...silent.map((index) => ({ index, kind: 'unavailable' as const, reason: 'The storage gives no record.' })),
    ],
  };
}

function missing(blocks: readonly number[], faults: readonly Fault[]): number[] {
  const told = new Set(faults.map((fault) => fault.index));
  return blocks.filter((index) => !told.has(index));
}
