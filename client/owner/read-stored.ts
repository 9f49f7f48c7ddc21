import type { DatasetId } from '../../core/ids.ts';
import type { StorageService } from '../../core/ports/service.ts';
import { type BatchLine, MAX_PAGE } from '../../core/wire/requests.ts';

/** What the service has of a dataset, as it says. */
export interface Stored {
  /** Blocks of its log without a gap, the recorded ones included. */
  readonly blocks: number;
  /** Of the segments that were listed. */
  readonly sizeBytes: number;
  /** When the oldest stored batch that is not recorded was received; null when all are. */
  readonly oldestUnrecordedMs: number | null;
  /** When the newest block that was listed was captured, and when the newest segment was received; null when there is none. */
  readonly lastCaptureMs: number | null;
  readonly lastSeenMs: number | null;
}

/** A device that is further ahead of the chain than this is read to here, and shown so. */
const MAX_PAGES = 20;

/**
 * Asks from the last recorded or anchored block on: what lies before is there, and stored for as long as it is. With `from` 0 all of it is
 * listed, as far as that goes.
 */
export async function readStored(
  service: Pick<StorageService, 'listBatches'>,
  dataset: DatasetId,
  recorded: number,
  signal?: AbortSignal,
  from: number = Math.max(0, recorded - 1),
): Promise<Stored> {
  const lines: BatchLine[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const range = { from, limit: MAX_PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const { batches, next } = await service.listBatches(dataset, range, signal);
    lines.push(...batches);
    if (next === null) break;
    cursor = next;
  }
  const usable = lines.filter(({ state, lost }) => state !== 'rejected' && state !== 'superseded' && !lost);
  let blocks = recorded;
  for (const { first, count } of usable.toSorted((a, b) => a.first - b.first)) {
    if (count !== null && first <= blocks) blocks = Math.max(blocks, first + count);
  }
  // What a round holds is received, by the service's own state, and waits for nothing.
  const waiting = usable.filter(({ state, first, count }) => state === 'received' && first + (count ?? 0) > recorded);
  const unrecorded = waiting.map(({ receivedAtMs }) => receivedAtMs);
  return {
    blocks,
    sizeBytes: usable.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    oldestUnrecordedMs: unrecorded.length === 0 ? null : Math.min(...unrecorded),
    lastCaptureMs: mostOrNull(usable.flatMap(({ toMs }) => toMs ?? [])),
    lastSeenMs: mostOrNull(lines.map(({ receivedAtMs }) => receivedAtMs)),
  };
}

function mostOrNull(times: readonly number[]): number | null {
  return times.length === 0 ? null : times.reduce((a, b) => Math.max(a, b));
}
