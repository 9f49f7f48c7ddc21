import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import { readSegmentEntry, writeSegmentEntry } from '../state/segment-entry.ts';
import { type IngestPorts, ingestSegment } from './ingest-segment.ts';

/** `present`: the event is older than what is stored now. */
export type Removal = 'foreign' | 'unknown' | 'present' | 'lost';

/**
 * Looks whether a segment's object is really gone, as events repeat and reorder, and marks it lost. When the object comes
 * back with the very same bytes the mark is taken away again (ingest-segment): the log needs bytes, not their history.
 */
export async function markRemoved(ports: IngestPorts, key: string, signal?: AbortSignal): Promise<Removal> {
  const name = parseSegmentKey(key);
  if (name === null) return 'foreign';
  const entry = await readSegmentEntry(ports.table, name.dataset, name, signal);
  // What can never be a segment was set aside.
  if (entry === null || entry.rejection === 'content') return 'unknown';
  const isThere = async () => (await ports.objects.size(key, signal)) !== null;
  if (entry.lostAtMs === undefined) {
    if (await isThere()) return 'present';
    const lost = { ...entry, lostAtMs: ports.runtime.nowMs() };
    if (!(await writeSegmentEntry(ports.table, name.dataset, lost, { version: entry.version }, signal))) {
      throw new StoreUnavailableError(`The entry of ${key} has changed meanwhile. Try again.`);
    }
  }
  // It may have come back, and been looked at, before the mark was made; then the look is repeated.
  if (!(await isThere())) return 'lost';
  await ingestSegment(ports, key, signal);
  return 'present';
}
