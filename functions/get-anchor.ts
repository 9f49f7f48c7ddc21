import middy from '@middy/core';
import { to0x } from '../core/bytes.ts';
import { charterToWire } from '../core/charter/wire-charter.ts';
import { StateError } from '../core/errors.ts';
import type { DatasetId } from '../core/ids.ts';
import { buildGrowth } from '../core/log/build-growth.ts';
import type { Growth } from '../core/log/growth.ts';
import type { GetAnchorResponse } from '../core/wire/requests.ts';
import { jsonAnswer } from './answer/answer.ts';
import { Problem } from './answer/problem.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { LogPorts } from './log/log-ports.ts';
import { headOf, readLog } from './log/open-log.ts';
import type { PortsOf } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { readCharters } from './state/dataset-entry.ts';
import type { LogEntry } from './state/entries.ts';
import { readLastEntries } from './state/log-entry.ts';
import { getAnchorRow as row } from './table.ts';

/** How far back a signed head is looked for behind gaps: the chain's events carry no signature. */
const MOST_GAPS = 8;

/**
 * What a dataset stands on: the newest charter kept, the newest head that a device has signed, and the growth to it from
 * `since` blocks. Public: all of it proves itself.
 * @throws Problem when no charter of the dataset is known, or `since` is beyond the log or in a stretch that nobody has
 */
export async function getAnchor(
  ports: LogPorts,
  { dataset, since }: { readonly dataset: DatasetId; readonly since?: number | undefined },
  signal?: AbortSignal,
): Promise<GetAnchorResponse> {
  const [charters, entries] = await Promise.all([
    readCharters(ports.table, dataset, signal),
    readLastEntries(ports.table, dataset, MOST_GAPS, signal),
  ]);
  const charter = charters.at(-1);
  if (charter === undefined) throw new Problem('/problems/not-found', 'No charter of this dataset was shown here.');
  const signed = entries.find(({ signature }) => signature !== null) ?? null;
  const head = headOf(dataset, signed);
  const growth = since === undefined ? [] : await growthFrom(ports, dataset, since, signed, signal);
  return {
    charter: charterToWire(charter),
    head:
      head === null
        ? null
        : { size: head.size, root: to0x(head.root), signature: to0x(head.signature), serial: head.serial },
    round: null,
    growth: growth.map(({ peaks, appended, ...sizes }) => ({
      ...sizes,
      peaks: peaks.map(to0x),
      appended: appended.map(to0x),
    })),
  };
}

async function growthFrom(
  ports: LogPorts,
  dataset: DatasetId,
  since: number,
  signed: LogEntry | null,
  signal?: AbortSignal,
): Promise<Growth[]> {
  const size = signed?.size ?? 0;
  if (since === size) return [];
  if (since > size) {
    throw new Problem('/problems/not-found', `The newest signed head here has ${size} blocks, not ${since} or more.`);
  }
  try {
    return [await buildGrowth(readLog(ports, dataset, signed, signal), since, size)];
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    throw new Problem('/problems/not-found', `There is no growth from ${since} blocks. ${error.shortMessage}`);
  }
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ params, query, signal }: Call<typeof row, null>) =>
    jsonAnswer(await getAnchor(ports, { ...params, ...query }, signal)),
  ).use(httpMiddleware(ports, row, admitAnyone(row)));
