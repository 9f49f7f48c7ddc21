import { EMPTY_LOG, type LogEnd } from '../../core/batch/seal-batch.ts';
import { equalBytes } from '../../core/bytes.ts';
import { ProofError } from '../../core/errors.ts';
import type { Head } from '../../core/log/head.ts';
import { batchAt, endAfter, isSealed, stateNumber } from '../outbox/batch-rows.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import { adoptBatch } from './adopt-batch.ts';
import type { CompareParts } from './compare-parts.ts';
import { type FetchedFront, fetchFront } from './fetch-front.ts';
import { reportAdopted } from './report-adopted.ts';
import { type VerifiedBatch, verifyBatch } from './verify-batch.ts';

/**
 * The final log has another batch in the place of one sealed here, so that one will never be recorded. Walks the final
 * log from the last batch both agree on, puts it in the place of ours, and gives the blocks of ours back to be sealed
 * under new indices, with a new nonce. Nothing is changed before the walk has arrived at the chain's own root.
 * @returns whether anything was replaced
 * @throws ProofError when the storage gives batches that do not lead to the final head
 */
export async function resolveFork(parts: CompareParts, final: Head, signal: AbortSignal): Promise<boolean> {
  const { primitives, outbox, writer, account } = parts;
  let end = lastAgreed(outbox);
  const log: { batch: VerifiedBatch; fetched: FetchedFront }[] = [];
  while (end.frontier.leaves < final.batches) {
    const fetched = await fetchFront(parts, writer.dataset, end.size, signal);
    if (fetched === null) throw new ProofError(`The service does not give the final log's batch at block ${end.size}.`);
    const batch = verifyBatch(primitives, writer, account, end, fetched.front.manifest);
    const ours = batchAt(outbox, end.frontier.leaves);
    const same = log.length === 0 && ours !== null && isSealed(ours) && equalBytes(ours.root, batch.manifest.head.root);
    if (!same) log.push({ batch, fetched });
    end = batch.end;
  }
  const last = log[log.length - 1];
  if (last === undefined) return false;
  if (!equalBytes(last.batch.manifest.head.root, final.root)) {
    throw new ProofError(`The storage's batches do not lead to the chain's final head of ${final.batches} batches.`);
  }
  const fromPosition = (log[0] as (typeof log)[number]).batch.end.frontier.leaves - 1;
  const lost = outbox
    .sql('SELECT count(*) AS batches, coalesce(sum(blocks), 0) AS blocks FROM batches WHERE position >= ?')
    .get(fromPosition) as { batches: number; blocks: number };
  let known = 0;
  outbox.commit(() => {
    outbox.sql('DELETE FROM batches WHERE position >= ?').run(fromPosition);
    for (const { batch, fetched } of log)
      known += adoptBatch(primitives, outbox, writer, batch, fetched, parts.nowMs());
  });
  if (lost.batches > 0) parts.report({ event: 'resealed', fromPosition, batches: lost.batches, blocks: lost.blocks });
  const blocks = log.reduce((sum, { batch }) => sum + batch.manifest.blocks.length, 0);
  reportAdopted(parts, { batches: log.length, blocks, known });
  return true;
}

/** The end of the log up to the last batch that was final when last looked at. */
function lastAgreed(outbox: Outbox): LogEnd {
  const row = outbox
    .sql('SELECT max(position) AS position FROM batches WHERE state >= ?')
    .get(stateNumber('final')) as { position: number | null };
  const batch = row.position === null ? null : batchAt(outbox, row.position);
  return batch === null ? EMPTY_LOG : endAfter(batch);
}
