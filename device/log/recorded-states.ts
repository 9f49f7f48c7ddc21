import { equalBytes } from '../../core/bytes.ts';
import { counted } from '../../core/counted.ts';
import { ChainAnswerError, PlumblineError, ProofError } from '../../core/errors.ts';
import type { LogRoot } from '../../core/ids.ts';
import { appendLeaves, EMPTY_PEAKS, type Peaks, rootOfPeaks } from '../../core/log/peaks.ts';
import { rebuildPeaks } from '../../core/log/rebuild-peaks.ts';
import { recordHash } from '../../core/log/record.ts';
import { requireRecords } from '../../core/log/verify-records.ts';
import { batchBefore, isSealed } from '../outbox/batch-rows.ts';
import { readFinalHead } from '../outbox/final-head.ts';
import type { Outbox } from '../outbox/open-outbox.ts';
import type { ChainView } from './chain-view.ts';
import type { CompareParts } from './compare-parts.ts';

/** A state of the log that DISSC has had. */
export interface RecordedState extends Peaks {
  readonly root: LogRoot;
}

type Parts = Pick<CompareParts, 'primitives' | 'outbox' | 'ledger' | 'service' | 'writer'>;

/**
 * The states that the chain's log has gone through since the newest final one that this outbox has seen, that one first, up to
 * the final head; from the chain's own events, as its blocks may be nobody's.
 * @throws ChainAnswerError when the events do not lead to the head
 */
export async function recordedStates(parts: Parts, view: ChainView, signal: AbortSignal): Promise<RecordedState[]> {
  const seen = seenFinal(parts.outbox);
  if (seen !== null && seen.peaks.size <= view.final.size) {
    try {
      return await statesSince(parts, seen.peaks, seen.chainBlock + 1, view, signal);
    } catch (cause) {
      // What was final once may have been taken back after all, or another node was wrong.
      if (!(cause instanceof ChainAnswerError)) throw cause;
    }
  }
  return statesSince(parts, EMPTY_PEAKS, 0, view, signal);
}

/**
 * The peaks of the final log, however long, from one record: the proof of the last of n leaves are the peaks of the n - 1
 * before it. Where the storage cannot show it, from the chain's events.
 */
export async function peaksOfFinal(parts: Parts, view: ChainView, signal: AbortSignal): Promise<Peaks> {
  const { primitives, service, writer } = parts;
  const { final } = view;
  try {
    const { batches, proof } = await service.getRecords(writer.dataset, [final.size - 1], final.size, signal);
    const shown = batches.flatMap(({ records }) => records);
    requireRecords(primitives, final, shown, proof);
    const [last] = shown;
    if (last === undefined || shown.length !== 1 || last.index !== final.size - 1) {
      throw new ProofError(`The storage did not show the record of block ${final.size - 1}, but others.`);
    }
    return appendLeaves(primitives, { size: final.size - 1, peaks: proof }, [recordHash(primitives, last.record)]);
  } catch (cause) {
    if (!(cause instanceof PlumblineError)) throw cause;
    signal.throwIfAborted();
    const states = await statesSince(parts, EMPTY_PEAKS, 0, view, signal);
    return states.at(-1) as RecordedState;
  }
}

async function statesSince(
  { primitives, ledger, writer }: Parts,
  base: Peaks,
  fromBlock: number,
  { final, finalPoint }: ChainView,
  signal: AbortSignal,
): Promise<RecordedState[]> {
  const events = await ledger.findRecorded(writer.dataset, fromBlock, finalPoint.blockNumber, signal);
  const peaks = [base, ...rebuildPeaks(primitives, events, base)];
  const states = peaks.map((one) => ({ ...one, root: rootOfPeaks(primitives, one) }));
  const last = states.at(-1);
  if (last?.size !== final.size || !equalBytes(last.root, final.root)) {
    throw new ChainAnswerError(
      `The node's events of this dataset give ${counted(last?.size ?? 0, 'block')}, but its head gives ${final.size}. Use another node.`,
    );
  }
  return states;
}

function seenFinal(outbox: Outbox): { readonly peaks: Peaks; readonly chainBlock: number } | null {
  const seen = readFinalHead(outbox);
  if (seen === null) return null;
  const row = batchBefore(outbox, seen.size);
  const isKept = row !== null && isSealed(row) && row.end.size === seen.size;
  return isKept ? { peaks: row.end, chainBlock: seen.chainBlock } : null;
}
