import { equalBytes, isZero } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import { buildNextRound } from '../../core/rounds/history.ts';
import type { ServicePorts } from '../ports.ts';
import type { RoundsOnChain } from './follow-rounds.ts';
import { readMapEntry, writeMapEntry } from './map-entry.ts';
import { itemOfRound, type PreparedRound, preparedSk, roundsPk } from './round-items.ts';

export type PlanRoundPorts = Pick<ServicePorts, 'primitives' | 'table' | 'runtime'> & {
  readonly observer: Pick<ServicePorts['observer'], 'error' | 'count'>;
};

/**
 * The next round, prepared and kept, so that it is known again when the chain has it; null while nothing has moved, or the
 * last one is younger than the cadence; `unknown` where what the last was made of is not known here, which is told.
 */
export async function planRound(
  ports: PlanRoundPorts,
  account: Address,
  { newest }: Pick<RoundsOnChain, 'newest'>,
  everyMs: number,
  signal?: AbortSignal,
): Promise<PreparedRound | 'unknown' | null> {
  const { primitives, table, runtime, observer } = ports;
  const kept = await readMapEntry(table, account, signal);
  if (newest !== null && newest.map === null && newest.number > kept.wholeSince) {
    // A map that is older than the last round would let heads go back.
    const fields = { number: newest.number, remedy: 'plumb service rebuild' };
    observer.error('no round is sent: the table does not know what the last one was made of', fields);
    observer.count('Anchor.mapLost');
    return 'unknown';
  }
  const isNew = newest?.map == null ? !isZero(kept.map) : !equalBytes(newest.map, kept.map);
  if (!isNew) {
    const { map, wholeSince, condition } = kept;
    if (kept.aheadSinceMs !== null) {
      await writeMapEntry(table, account, { map, aheadSinceMs: null, wholeSince }, condition, signal);
    }
    return null;
  }
  const newestMs = newest === null ? 0 : newest.timeSeconds * 1_000;
  // Heads move on all the time: what the newest round does not have has waited no longer than since that round.
  const waitsSinceMs = Math.max(newestMs, kept.aheadSinceMs ?? 0);
  observer.count('Anchor.roundLagSeconds', Math.max(0, Math.floor((runtime.nowMs() - waitsSinceMs) / 1_000)));
  if (runtime.nowMs() < newestMs + everyMs) return null;
  const { number, previous, body, history, historyPeaks } = buildNextRound(primitives, newest, kept.map);
  const prepared = { number, previous, body, map: kept.map, history: historyPeaks, historyRoot: history };
  await table.put({ pk: roundsPk(account), sk: preparedSk(number, body), ...itemOfRound(prepared) }, 'any', signal);
  return prepared;
}
