import { batchLeafHash } from '../../core/batch/record.ts';
import { batchLeafOf, type LogEnd } from '../../core/batch/seal-batch.ts';
import { equalBytes } from '../../core/bytes.ts';
import { PlumblineError, ProofError } from '../../core/errors.ts';
import { appendLeaf, type Frontier, frontierRoot } from '../../core/log/frontier.ts';
import type { Head } from '../../core/log/head.ts';
import type { Primitives } from '../../core/ports/primitives.ts';
import { adoptBatch } from './adopt-batch.ts';
import type { CompareParts } from './compare-parts.ts';
import { fetchFront } from './fetch-front.ts';

/**
 * Puts a new, empty outbox at the end of a final log, however long, in two requests: the proof of the last of n leaves is
 * the frontier of the n - 1 before it (RFC 9162 §2.1.3), and the chain's root says whether it is the right one.
 * @returns batches adopted
 * @throws ProofError when what the storage gives does not lead to the chain's root
 */
export async function adoptHead(parts: CompareParts, head: Head, signal: AbortSignal): Promise<number> {
  const { primitives, outbox, writer, service } = parts;
  const records = await service.getRecords(writer.dataset, [head.size - 1], head.batches, signal);
  const last = records.batches[0];
  if (last === undefined || records.batches.length !== 1 || last.position !== head.batches - 1) {
    throw new ProofError(`The storage does not show the record of the last recorded block, ${head.size - 1}.`);
  }
  const fetched = await fetchFront(parts, writer.dataset, last.first, signal);
  if (fetched === null) throw new ProofError(`The service does not give the batch at block ${last.first}.`);
  const { manifest } = fetched.front;
  const leaf = batchLeafOf(primitives, manifest);
  const before = { leaves: head.batches - 1, peaks: records.proof };
  const frontier = frontierAfter(primitives, before, batchLeafHash(primitives, leaf));
  const size = leaf.first + leaf.count;
  if (
    leaf.dataset !== writer.dataset ||
    size !== head.size ||
    !equalBytes(frontierRoot(primitives, frontier), head.root)
  ) {
    throw new ProofError('What the storage shows of the log does not lead to the root on the chain.');
  }
  const end: LogEnd = { size, frontier };
  adoptBatch(primitives, outbox, writer, { manifest, leaf, end, own: true }, fetched, parts.nowMs());
  return head.batches;
}

/** The storage gives the frontier, so it is to blame when that cannot be one. */
function frontierAfter(primitives: Primitives, before: Frontier, leafHash: Uint8Array): Frontier {
  try {
    return appendLeaf(primitives, before, leafHash);
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    throw new ProofError(`The storage's proof of the last recorded batch is malformed. ${cause.shortMessage}`, {
      cause,
    });
  }
}
