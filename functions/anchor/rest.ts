import type { Address } from '../../core/ids.ts';
import type { Table } from '../../core/ports/table.ts';
import type { RoundsOnChain } from '../rounds/follow-rounds.ts';
import { RELAYER_REST_SK, relayerPk } from '../state/entries.ts';

/*
 * Runs that could do nothing are not made: between two rounds heads only wait for the next one. A run notes until when that is
 * so, and whoever is woken before reads that alone, unless a log is to be looked at.
 */

/** Shorter than a minute, so that every run of the schedule is a whole one: what is final is noted, charters are followed. */
const LONGEST_MS = 50_000;
/** While anything but a round waits to be mined: blocks of a public chain come about so often. */
const FOLLOWED_MS = 10_000;

/** What a run leaves behind. */
interface Left {
  readonly rounds: RoundsOnChain | null;
  /** Whether a round is under way that is not mined: the next one follows on it. */
  readonly isAnchoring: boolean;
  /** Transactions that wait to be mined. */
  readonly waiting: number;
  /** Rounds follow each other no faster. */
  readonly roundEveryMs: number;
}

/** For how long after a run that has done all there was no round can be due, and nothing is to be followed. */
export function restAfter({ rounds, isAnchoring, waiting, roundEveryMs }: Left, nowMs: number): number {
  if (rounds === null) return 0;
  const newestMs = rounds.newest === null ? 0 : rounds.newest.timeSeconds * 1_000;
  // One under way is mined in a block that is yet to come.
  const dueMs = (isAnchoring ? nowMs : newestMs) + roundEveryMs;
  const most = waiting > (isAnchoring ? 1 : 0) ? FOLLOWED_MS : LONGEST_MS;
  return Math.min(Math.max(0, dueMs - nowMs), most);
}

export async function noteRest(table: Table, account: Address, untilMs: number, signal?: AbortSignal): Promise<void> {
  await table.put({ pk: relayerPk(account), sk: RELAYER_REST_SK, untilMs }, 'any', signal);
}

/** Whether a former run has said that nothing can be done now. What cannot be is not believed. */
export async function isResting(
  table: Pick<Table, 'get'>,
  account: Address,
  nowMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const untilMs = (await table.get(relayerPk(account), RELAYER_REST_SK, signal))?.untilMs;
  return typeof untilMs === 'number' && nowMs < untilMs && untilMs - nowMs <= LONGEST_MS;
}
