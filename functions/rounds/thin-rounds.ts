import { concatBytes } from '../../core/bytes.ts';
import type { Address, MapRoot } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { holdsKeptRound, isLastOfPeriod, type MapRetention } from '../../core/rounds/thin-maps.ts';
import type { ServicePorts, TableReader } from '../ports.ts';
import { splitHashes } from '../state/log-entry.ts';
import type { RoundsOnChain } from './follow-rounds.ts';
import {
  type ChainRound,
  finalSk,
  pageKey,
  parseChainRound,
  replacedRange,
  replacedSk,
  roundsPk,
  THINNED_SK,
} from './round-items.ts';

/** Between which rounds a map stands that is made now: those before are final, and none after has what it lacks. */
export interface Era {
  /** The first round that may be made of it, whatever a reorganisation takes back. */
  readonly since: number;
  /** The last round that may have been made of the map before it. */
  readonly until: number;
  readonly atMs: number;
}

export function eraOf(
  { newest, final }: Pick<RoundsOnChain, 'newest' | 'final'>,
  isUnderWay: boolean,
  atMs: number,
): Era {
  return { since: (final?.number ?? 0) + 1, until: (newest?.number ?? 0) + (isUnderWay ? 1 : 0), atMs };
}

/** Of one item: 160,000 bytes. */
const PAGES_AN_ITEM = 5_000;
/** Pages that one run looks at. */
const MOST_PAGES = 5_000;

/** Notes the pages that a map no longer holds which this one has taken the place of, so that they are deleted in their time. */
export async function noteReplaced(
  table: Pick<Table, 'putMany'>,
  account: Address,
  { map, replaced }: { readonly map: MapRoot; readonly replaced: readonly MapRoot[] },
  { until, atMs }: Era,
  signal?: AbortSignal,
): Promise<void> {
  const items = [];
  for (let at = 0; at < replaced.length; at += PAGES_AN_ITEM) {
    const pages = concatBytes(...replaced.slice(at, at + PAGES_AN_ITEM));
    items.push({ pk: roundsPk(account), sk: replacedSk(until, map, at), pages, atMs });
  }
  await table.putMany(items, signal);
}

export type ThinPorts = Pick<ServicePorts, 'table' | 'runtime'> & {
  readonly observer: Pick<ServicePorts['observer'], 'count'>;
};

/**
 * Deletes pages of maps that only rounds hold which are neither young nor the last of their period: some of them a run, each
 * looked at once. What can be proven no more is noted before it is deleted.
 */
export async function thinRounds(
  { table, runtime, observer }: ThinPorts,
  account: Address,
  final: ChainRound | null,
  retention: MapRetention,
  signal?: AbortSignal,
): Promise<void> {
  if (final === null || retention.everyMs === null) return;
  const range = { ...replacedRange(final.number - 1), limit: 8 };
  const { items } = await table.query(roundsPk(account), range, signal);
  const oldMs = runtime.nowMs() - retention.everyMs;
  let looked = 0;
  for (const item of items) {
    const until = untilOf(item);
    const [last = null, next = null] = await roundsAt(table, account, [until, until + 1], signal);
    if (last === null || next === null || 1_000 * last.timeSeconds >= oldMs || looked >= MOST_PAGES) break;
    const pages = splitHashes(item.pages instanceof Uint8Array ? item.pages : new Uint8Array(0)) as MapRoot[];
    looked += pages.length;
    const known = await table.getMany(pages.map(pageKey), signal);
    const firsts = [...new Set(known.map((page) => sinceOf(page, until)))];
    const rounds = await roundsAt(table, account, firsts, signal);
    const times = new Map(firsts.map((number, i) => [number, rounds[i] ?? last]));
    const dead = pages.filter((_, i) => {
      const page = known[i] ?? null;
      // Written again since: it is a part of a later map, too.
      if (page === null || (page.atMs as number) > (item.atMs as number)) return false;
      const { timeSeconds } = times.get(sinceOf(page, until)) as ChainRound;
      const span = { firstMs: 1_000 * timeSeconds, lastMs: 1_000 * last.timeSeconds, nextMs: 1_000 * next.timeSeconds };
      return !holdsKeptRound(span, retention);
    });
    if (dead.length > 0) await noteThinned(table, account, until, retention, signal);
    await table.deleteMany(dead.map(pageKey), signal);
    await table.deleteMany([{ pk: item.pk, sk: item.sk }], signal);
    observer.count('Anchor.pagesDeleted', dead.length);
  }
}

/** Whether a round can be proven no more, as the retention setting says. */
export async function isThinned(
  table: TableReader,
  account: Address,
  { number, timeSeconds }: ChainRound,
  signal?: AbortSignal,
): Promise<boolean> {
  const noted = await table.get(roundsPk(account), THINNED_SK, signal);
  if (typeof noted?.upTo !== 'number' || typeof noted.thenOneAMs !== 'number' || number > noted.upTo) return false;
  const [next = null] = await roundsAt(table, account, [number + 1], signal);
  const retention = { everyMs: 0, thenOneAMs: noted.thenOneAMs };
  return next === null || !isLastOfPeriod(1_000 * timeSeconds, 1_000 * next.timeSeconds, retention);
}

async function noteThinned(
  table: Table,
  account: Address,
  upTo: number,
  { thenOneAMs }: MapRetention,
  signal?: AbortSignal,
): Promise<void> {
  const noted = await table.get(roundsPk(account), THINNED_SK, signal);
  if (typeof noted?.upTo === 'number' && noted.upTo >= upTo && noted.thenOneAMs === thenOneAMs) return;
  const highest = Math.max(upTo, typeof noted?.upTo === 'number' ? noted.upTo : 0);
  await table.put({ pk: roundsPk(account), sk: THINNED_SK, upTo: highest, thenOneAMs }, 'any', signal);
}

async function roundsAt(
  table: TableReader,
  account: Address,
  numbers: readonly number[],
  signal?: AbortSignal,
): Promise<(ChainRound | null)[]> {
  const keys = numbers.map((number) => ({ pk: roundsPk(account), sk: finalSk(number) }));
  return (await table.getMany(keys, signal)).map(parseChainRound);
}

/** The first round that a page may be a part of; from the first on where that is not known. */
function sinceOf(page: Item | null, until: number): number {
  return typeof page?.since === 'number' ? Math.min(page.since, until) : 1;
}

function untilOf({ sk }: Item): number {
  return Number(sk.split('#')[1]);
}
