import * as z from 'zod';
import type { Address } from '../../core/ids.ts';
import type { ServicePorts, TableReader } from '../ports.ts';
import { OWNERS_PK } from './entries.ts';

/** Whom the operator serves, and how many stored bytes it may have. */
export interface AdmittedOwner {
  readonly owner: Address;
  readonly quotaBytes: number;
}

/** Largest quota: what a number of JavaScript counts without loss. */
const quota = z.int().min(0);
const PAGE = 1_000;
/** Behind every address. */
const LAST = '0xg';

/** The quotas of these owners, in their order; null for those that are not served. */
export async function readQuotas(
  table: Pick<TableReader, 'getMany'>,
  owners: readonly Address[],
  signal?: AbortSignal,
): Promise<(number | null)[]> {
  const items = await table.getMany(
    owners.map((owner) => ({ pk: OWNERS_PK, sk: owner })),
    signal,
  );
  // An item that is damaged lets nobody in.
  return items.map((item) => quota.safeParse(item?.quotaBytes).data ?? null);
}

/** Serves an owner, or gives it another quota. */
export async function admitOwner(
  table: Pick<ServicePorts['table'], 'put'>,
  { owner, quotaBytes }: AdmittedOwner,
  signal?: AbortSignal,
): Promise<void> {
  await table.put({ pk: OWNERS_PK, sk: owner, quotaBytes: quota.parse(quotaBytes) }, 'any', signal);
}

/** Serves an owner no longer; false when it was not served. What it has stored stays. */
export async function dismissOwner(
  table: Pick<ServicePorts['table'], 'get' | 'delete'>,
  owner: Address,
  signal?: AbortSignal,
): Promise<boolean> {
  if ((await table.get(OWNERS_PK, owner, signal)) === null) return false;
  await table.delete(OWNERS_PK, owner, 'any', signal);
  return true;
}

/** All owners that are served, by their addresses. */
export async function* listOwners(
  table: Pick<TableReader, 'query'>,
  signal?: AbortSignal,
): AsyncGenerator<AdmittedOwner> {
  for (let from: string | null = '0x'; from !== null; ) {
    const page: Awaited<ReturnType<TableReader['query']>> = await table.query(
      OWNERS_PK,
      { from, to: LAST, limit: PAGE },
      signal,
    );
    for (const { sk, quotaBytes } of page.items) {
      yield { owner: sk as Address, quotaBytes: quota.safeParse(quotaBytes).data ?? 0 };
    }
    from = page.next;
  }
}
