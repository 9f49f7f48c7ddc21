import { equalBytes } from '../../core/bytes.ts';
import { ProofError } from '../../core/errors.ts';
import type { LogState } from '../../core/log/growth.ts';
import type { Peaks } from '../../core/log/peaks.ts';
import { cutBatches, logEnd } from '../outbox/log-end.ts';
import { adoptBatch } from './adopt-batch.ts';
import { isBadSegment } from './adopt-stored.ts';
import { adoptStretch } from './adopt-stretch.ts';
import type { ChainView } from './chain-view.ts';
import type { Adopted, CompareParts } from './compare-parts.ts';
import { type FetchedFront, fetchFront } from './fetch-front.ts';
import { isOurs } from './is-ours.ts';
import { peaksOfFinal, type RecordedState, recordedStates } from './recorded-states.ts';
import { type StoredBatch, verifyStored } from './verify-stored.ts';

/**
 * Brings our log to the chain's final head, whoever has made it. From the newest recorded state that is one of our log, what
 * was sealed here and is not in the final log gives its blocks back, to be sealed behind it with another random16. From one
 * recorded state to the next the stored batches are taken where they lead there; where nobody has them, the peaks alone.
 * @throws ChainAnswerError when the chain's events do not lead to its head
 */
export async function reachFinal(parts: CompareParts, view: ChainView, signal: AbortSignal): Promise<Adopted> {
  const { outbox, bornEmpty } = parts;
  if (bornEmpty && logEnd(outbox).size === 0) {
    const peaks = await peaksOfFinal(parts, view, signal);
    adoptStretch(outbox, { ...peaks, root: view.final.root }, parts.nowMs());
    return { blocks: peaks.size, known: 0 };
  }
  const states = await recordedStates(parts, view, signal);
  const agreed = states.findLastIndex((state) => isOurs(outbox, state));
  const from = states[agreed]?.size ?? 0;
  const lost = outbox.commit(() => cutBatches(outbox, from));
  let known = 0;
  for (const state of states.slice(agreed + 1)) known += await adoptUpTo(parts, state, signal);
  if (lost > known) parts.report({ event: 'resealed', from, blocks: lost - known });
  return { blocks: view.final.size - from, known };
}

/** @returns how many captured blocks were found in what was adopted */
async function adoptUpTo(parts: CompareParts, state: RecordedState, signal: AbortSignal): Promise<number> {
  const { outbox } = parts;
  if (!(await doStoredLeadTo(parts, logEnd(outbox), state, signal))) {
    adoptStretch(outbox, state, parts.nowMs());
    return 0;
  }
  let known = 0;
  // Read once more, as together they might not fit into the memory.
  while (logEnd(outbox).size < state.size) {
    const next = await readStored(parts, logEnd(outbox), signal);
    if (next === null) throw new ProofError('The storage returned different batches from a moment ago.');
    known += adoptBatch(parts, next.batch, next.fetched);
  }
  return known;
}

/** Whether the stored batches behind a state of the log lead to a later one. */
async function doStoredLeadTo(parts: CompareParts, from: Peaks, to: LogState, signal: AbortSignal): Promise<boolean> {
  let end = from;
  let root: Uint8Array | null = null;
  while (end.size < to.size) {
    const next = await readStored(parts, end, signal);
    if (next === null) return false;
    end = next.batch.end;
    root = next.batch.manifest.head.root;
  }
  return end.size === to.size && root !== null && equalBytes(root, to.root);
}

async function readStored(
  parts: CompareParts,
  before: Peaks,
  signal: AbortSignal,
): Promise<{ readonly batch: StoredBatch; readonly fetched: FetchedFront } | null> {
  const { primitives, writer, account } = parts;
  try {
    const fetched = await fetchFront(parts, writer.dataset, before.size, signal);
    if (fetched === null) return null;
    return { fetched, batch: verifyStored(primitives, writer, account, before, fetched.front.manifest) };
  } catch (cause) {
    if (!isBadSegment(cause)) throw cause;
    return null;
  }
}
