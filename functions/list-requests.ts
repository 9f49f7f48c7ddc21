import middy from '@middy/core';
import { to0x } from '../core/bytes.ts';
import type { SignedText } from '../core/market/signed-text.ts';
import type { Item } from '../core/ports/table.ts';
import { MAX_REQUEST_PAGE } from '../core/wire/requests.ts';
import { jsonAnswer } from './answer/answer.ts';
import { type Call, httpMiddleware } from './http/http-middleware.ts';
import type { PortsOf, ServicePorts, TableReader } from './ports.ts';
import { admitAnyone } from './rights/admit-anyone.ts';
import { REQUESTS_PK, type RequestEntry } from './state/entries.ts';
import { listRequestsRow as row } from './table.ts';

/** What others would buy, a page at a time; those of buyers first. What has expired is left out. */
export async function listRequests(
  { table, runtime }: Pick<ServicePorts, 'runtime'> & { readonly table: Pick<TableReader, 'query'> },
  cursor: string | undefined,
  signal?: AbortSignal,
): Promise<{ readonly requests: readonly SignedText[]; readonly next: string | null }> {
  const range = { from: cursor ?? 'BUYER#', to: 'OPEN#999', limit: MAX_REQUEST_PAGE };
  if (range.from > range.to) return { requests: [], next: null };
  const { items, next } = await table.query(REQUESTS_PK, range, signal);
  const current = (items as (Item & RequestEntry)[]).filter(({ expiresAtS }) => 1000 * expiresAtS > runtime.nowMs());
  return { requests: current.map(({ text, signature }) => ({ text, signature })), next };
}

export const handlerFor = (ports: PortsOf<typeof row>) =>
  middy(async ({ query, signal }: Call<typeof row, null>) => {
    const { requests, next } = await listRequests(ports, query.cursor, signal);
    return jsonAnswer({ requests: requests.map((one) => ({ ...one, signature: to0x(one.signature) })), next });
  }).use(httpMiddleware(ports, row, admitAnyone(row)));
