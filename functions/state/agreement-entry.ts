import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import { AGREEMENT_SK, type AgreementEntry, agreementPk } from './entries.ts';

const FIRST_WAIT_MS = 8;
const LONGEST_WAIT_MS = 256;
/** Where no signal ends it before. */
const ATTEMPTS = 200;

/** Who waits for its turn with an agreement, in this process: they need not race each other for the table. */
const turns = new WeakMap<Table, Map<AgreementId, Promise<unknown>>>();

/**
 * Changes what is kept of an agreement as if nobody else were changing it; `change` answers null when nothing is to be changed,
 * which costs one read, and is asked again whenever somebody else was faster.
 * @returns the entry as it stands then
 * @throws StoreUnavailableError when others keep winning until `signal` aborts
 */
export async function changeAgreementEntry(
  table: Table,
  id: AgreementId,
  change: (entry: AgreementEntry) => AgreementEntry | null,
  signal?: AbortSignal,
): Promise<AgreementEntry> {
  const entry = entryOf(await read(table, id, signal));
  if (change(entry) === null) return entry;
  return inTurn(table, id, signal, async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const item = await read(table, id, signal);
      const changed = change(entryOf(item));
      if (changed === null) return entryOf(item);
      const condition = item === null ? 'absent' : { version: item.version };
      const key = { pk: agreementPk(id), sk: AGREEMENT_SK };
      if (await table.put({ ...changed, ...key }, condition, signal)) return changed;
      const mostMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10));
      await sleep(randomInt(1, mostMs + 1), undefined, signal === undefined ? {} : { signal });
    }
    throw new StoreUnavailableError(`The entry of agreement ${id} is changing too often. Try again.`);
  });
}

function read(table: Table, id: AgreementId, signal?: AbortSignal): Promise<Item | null> {
  return table.get(agreementPk(id), AGREEMENT_SK, signal);
}

function entryOf(item: Item | null): AgreementEntry {
  if (item === null) return {};
  const { pk: _, sk: __, version: ___, ...entry } = item;
  return entry as AgreementEntry;
}

async function inTurn<T>(
  table: Table,
  id: AgreementId,
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T> {
  const ofTable = turns.get(table) ?? new Map<AgreementId, Promise<unknown>>();
  turns.set(table, ofTable);
  const before = ofTable.get(id) ?? Promise.resolve();
  const acted = before.then(() => {
    signal?.throwIfAborted();
    return act();
  });
  const over = acted.catch(() => undefined);
  ofTable.set(id, over);
  try {
    return await acted;
  } finally {
    if (ofTable.get(id) === over) ofTable.delete(id);
  }
}
