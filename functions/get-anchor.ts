import middy from '@middy/core';
import { fromHex, to0x } from '../core/bytes.ts';
import { anchorerOf } from '../core/charter/charter.ts';
import { charterToWire } from '../core/charter/wire-charter.ts';
import { StateError } from '../core/errors.ts';
import type { Address, DatasetId, RoundRoot } from '../core/ids.ts';
import { buildGrowth } from '../core/log/build-growth.ts';
import type { Growth } from '../core/log/growth.ts';
import type { GetAnchorResponse } from '../core/wire/requests.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { LogPorts } from './log/log-ports.ts';
import { headOf, readLog } from './log/open-log.ts';
import type { PortsOf } from './ports.ts';
import { wireHead } from './read/wire-head.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { RoundMemory } from './rounds/round-memory.ts';
import { showRound, signedHeadToWire } from './rounds/show-round.ts';
import { readCharters } from './state/dataset-entry.ts';
import type { LogEntry } from './state/entries.ts';
import { readLastEntries } from './state/log-entry.ts';
import { readNotedFinal } from './state/noted-final.ts';
import { getAnchorRow as row } from './table.ts';

interface Asked {
  readonly dataset: DatasetId;
  /** Blocks. */
  readonly since?: number | undefined;
  /** Root of the round that the verifier has of the chain. */
  readonly round?: string | undefined;
}

/** How far back a signed head is looked for behind gaps, as the chain's events carry no signature: a few first, which do nearly always. */
const FEW_GAPS = 8;
/** To make so many, a thief has paid the chain for each. */
const MOST_GAPS = 1_024;

/**
 * What a dataset stands on: the newest charter kept, the newest head that a device has signed, what the anchorer's round says
 * of it (the newest final one, or the one asked for), and the growth from `since` blocks to the round's head and from there to
 * the newest. Public: all of it proves itself.
 * @throws Problem when no charter of the dataset is known, or `since` is beyond the log or in a stretch that nobody has
 */
export async function getAnchor(
  ports: LogPorts,
  { dataset, since, round: asked }: Asked,
  signal?: AbortSignal,
  memory = new RoundMemory(),
): Promise<GetAnchorResponse> {
  const [charters, { signed, entries }] = await Promise.all([
    readCharters(ports.table, dataset, signal),
    readLastSigned(ports, dataset, signal),
  ]);
  const charter = charters.at(-1);
  if (charter === undefined) throw new Problem('/problems/not-found', 'This service has no charter of the dataset.');
  const head = headOf(dataset, signed);
  const anchorer = anchorerOf(charter);
  const final = anchorer === null ? await readNotedFinal(ports.table, dataset, signal) : null;
  const shown = anchorer === null ? null : await roundOf(ports, { dataset, anchorer, asked, entries }, memory, signal);
  const growth =
    since === undefined ? [] : await growthFrom(ports, dataset, [since, shown?.head?.size], signed, signal);
  return {
    charter: charterToWire(charter),
    head: head === null ? null : signedHeadToWire(head),
    round: shown?.round ?? null,
    final: final === null ? null : wireHead(final),
    growth: growth.map(({ peaks, appended, ...sizes }) => ({
      ...sizes,
      peaks: peaks.map(to0x),
      appended: appended.map(to0x),
    })),
  };
}

async function roundOf(
  ports: LogPorts,
  {
    asked,
    ...of
  }: {
    readonly dataset: DatasetId;
    readonly anchorer: Address;
    readonly asked: string | undefined;
    readonly entries: readonly LogEntry[];
  },
  memory: RoundMemory,
  signal?: AbortSignal,
) {
  const root = asked === undefined ? {} : { asked: fromHex(asked, 'round', 32) as RoundRoot };
  try {
    return await showRound(ports, { ...of, ...root }, memory, signal);
  } catch (error) {
    // A page is lost: the anchor says so and sends no round either. What else the dataset stands on is shown all the same.
    if (!(error instanceof StateError)) throw error;
    memory.forgetPages();
    return null;
  }
}

/** The newest entry whose head a device has signed, among those that were looked through for it. */
async function readLastSigned(
  { table }: LogPorts,
  dataset: DatasetId,
  signal?: AbortSignal,
): Promise<{ readonly signed: LogEntry | null; readonly entries: readonly LogEntry[] }> {
  let entries: readonly LogEntry[] = [];
  for (const most of [FEW_GAPS, MOST_GAPS]) {
    entries = await readLastEntries(table, dataset, most, signal);
    const signed = entries.find(({ signature }) => signature !== null);
    if (signed !== undefined || entries.length < most) return { signed: signed ?? null, entries };
  }
  return { signed: null, entries };
}

/** Growth from `since` to the head in the round, if there is one on the way, and from there to the newest signed head. */
async function growthFrom(
  ports: LogPorts,
  dataset: DatasetId,
  [since, anchored]: readonly [number, number | undefined],
  signed: LogEntry | null,
  signal?: AbortSignal,
): Promise<Growth[]> {
  const size = signed?.size ?? 0;
  if (since === size) return [];
  if (since > size) {
    throw new Problem('/problems/not-found', `The newest signed head here has ${size} blocks, not ${since} or more.`);
  }
  try {
    const log = readLog(ports, dataset, signed, signal);
    const stops =
      anchored !== undefined && since < anchored && anchored < size ? [since, anchored, size] : [since, size];
    return await Promise.all(stops.slice(1).map((to, i) => buildGrowth(log, stops[i] as number, to)));
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    throw new Problem(
      '/problems/not-found',
      `The service cannot show the growth from ${since} blocks. ${error.shortMessage}`,
    );
  }
}

export const handlerFor = (ports: PortsOf<typeof row>, memory = new RoundMemory()) =>
  middy(async ({ params, query, signal }: Call<typeof row, null>) =>
    jsonAnswer(await getAnchor(ports, { ...params, ...query }, signal, memory)),
  ).use(httpMiddleware(ports, row, admitAnyone(row)));
