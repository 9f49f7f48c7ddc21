import type { DatasetId } from '../../core/ids.ts';
import { RecentMap } from '../state/recent-map.ts';
import { UsageMemory } from '../state/usage-memory.ts';

const MOST = 10_000;

/** What a handler remembers from one segment to the next: it spares requests and decides nothing. Made once for a handler. */
export class SegmentMemory {
  readonly usage = new UsageMemory();
  /** Longest spans of datasets that were seen noted, in ms: they only grow. */
  readonly spansMs = new RecentMap<DatasetId, number>(MOST);
  /** Keys that addresses were given for: whoever asks again may have stored it. Others need not be looked for. */
  readonly presigned = new RecentMap<string, true>(MOST);
}
