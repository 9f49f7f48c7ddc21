import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { AGREEMENT_SK, type AgreementEntry, agreementPk } from './entries.ts';

const FIRST_WAIT_MS = 16;
/** Of n processes that race one gets through at a time: two hundred need about so long for that. */
const LONGEST_WAIT_MS = 4096;
/** Where no signal ends it before. */
const ATTEMPTS = 30;
/** Writes whose answer is lost, so that only reading again tells whether they happened. */
const LOST_ANSWERS = 2;

/** Who waits for its turn with an agreement, in this process: they need not race each other for the table. */
const turns = new WeakMap<Table, Map<AgreementId, Promise<unknown>>>();

/**
 * Changes what is kept of an agreement as if nobody else were changing it; `change` answers null when nothing is to be
 * changed, which costs one read, and is asked again whenever somebody else was faster.
 * @returns the entry as it stands then
 * @throws StoreUnavailableError when others keep winning until `signal` aborts
 */
export async function changeAgreementEntry(
  table: Table,
  id: AgreementId,
  change: (entry: AgreementEntry) => AgreementEntry | null,
  signal?: AbortSignal,
): Promise<AgreementEntry> {
  const found = await read(table, id, signal);
  if (change(entryOf(found)) === null) return entryOf(found);
  const puts = forgiving(LOST_ANSWERS);
  return inTurn(table, id, signal, async (isFirst) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const item = attempt === 0 && isFirst ? found : await read(table, id, signal);
      const changed = change(entryOf(item));
      if (changed === null) return entryOf(item);
      const condition = item === null ? 'absent' : { version: item.version };
      const key = { pk: agreementPk(id), sk: AGREEMENT_SK };
      if (await puts(() => table.put({ ...changed, ...key }, condition, signal))) return changed;
      const mostMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
      await sleep(randomInt(1, mostMs + 1), undefined, signal === undefined ? {} : { signal });
    }
    throw new StoreUnavailableError(`The entry of agreement ${id} is changing too often. Try again.`);
  });
}

/** As the write says, but false for the first few that may have happened or not. */
function forgiving(times: number): (write: () => Promise<boolean>) => Promise<boolean> {
  let left = times;
  return async (write) => {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || left-- === 0) throw error;
      return false;
    }
  };
}

/** What is kept of an agreement; empty before anything was. */
export async function readAgreementEntry(table: Table, id: AgreementId, signal?: AbortSignal): Promise<AgreementEntry> {
  return entryOf(await read(table, id, signal));
}

function read(table: Table, id: AgreementId, signal?: AbortSignal): Promise<Item | null> {
  return table.get(agreementPk(id), AGREEMENT_SK, signal);
}

function entryOf(item: Item | null): AgreementEntry {
  if (item === null) return {};
  const { pk: _, sk: __, version: ___, ...entry } = item;
  return entry as AgreementEntry;
}

/** Who is aborted leaves the queue at once. */
async function inTurn<T>(
  table: Table,
  id: AgreementId,
  signal: AbortSignal | undefined,
  act: (isFirst: boolean) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const ofTable = turns.get(table) ?? new Map<AgreementId, Promise<unknown>>();
  turns.set(table, ofTable);
  const before = ofTable.get(id);
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const acted = Promise.race([before, aborted.promise]).then(() => act(before === undefined));
  const over = Promise.allSettled([before, acted]);
  ofTable.set(id, over);
  try {
    return await acted;
  } finally {
    signal?.removeEventListener('abort', abort);
    if (ofTable.get(id) === over) ofTable.delete(id);
  }
}
