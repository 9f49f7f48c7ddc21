import { equalBytes } from '../bytes.ts';
import { ProofError } from '../errors.ts';
import type { BlockIndex } from '../ids.ts';
import type { Primitives } from '../ports/primitives.ts';
import type { LogState } from './growth.ts';
import { rootFromMultiproof } from './multiproof.ts';
import { type BlockRecord, recordHash } from './record.ts';

/** A block's record as somebody shows it. */
export interface ShownRecord {
  readonly index: BlockIndex;
  readonly record: BlockRecord;
}

/**
 * Checks that all records shown are those of a log, by one multiproof: what get-records answers proves itself
 * (specification#answers).
 * @throws ProofError when one is shown twice or beyond the log, none is shown, or they lead to another root
 */
export function requireRecords(
  hasher: Pick<Primitives, 'sha256'>,
  log: LogState,
  shown: readonly ShownRecord[],
  proof: readonly Uint8Array[],
): void {
  if (shown.length === 0) throw new ProofError('The proof shows no record, so it proves nothing.');
  const leaves = new Map<BlockIndex, Uint8Array>();
  for (const { index, record } of shown) {
    if (!Number.isSafeInteger(index) || index < 0 || index >= log.size) {
      throw new ProofError(`Block ${index} is not in the log of ${log.size} blocks.`);
    }
    // Of two records of one block only one would be proven.
    if (leaves.has(index)) throw new ProofError(`The proof shows the record of block ${index} twice.`);
    leaves.set(index, recordHash(hasher, record));
  }
  if (equalBytes(rootFromMultiproof(hasher, leaves, log.size, proof), log.root)) return;
  throw new ProofError(`The records do not lead to the log of ${log.size} blocks.`);
}
