import { StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import type { Item, Table } from '../../core/ports/table.ts';
import type { ServicePorts } from '../ports.ts';
import type { AgreementTurns } from './agreement-turns.ts';
import { AGREEMENT_SK, type AgreementEntry, agreementPk } from './entries.ts';

const FIRST_WAIT_MS = 16;
/** Of n processes that race one gets through at a time: two hundred need about so long for that. */
const LONGEST_WAIT_MS = 4096;
/** Where no signal ends it before. */
const ATTEMPTS = 30;
/** Writes whose answer is lost, so that only reading again tells whether they happened. */
const LOST_ANSWERS = 2;

/** What it takes to change what is kept of agreements. */
export interface AgreementPorts extends Pick<ServicePorts, 'table' | 'runtime'> {
  readonly turns: AgreementTurns;
}

/**
 * Changes what is kept of an agreement as if nobody else were changing it; `change` answers null when nothing is to be
 * changed, which costs one read, and is asked again whenever somebody else was faster.
 * @returns the entry as it stands then
 * @throws StoreUnavailableError when others keep winning until `signal` aborts
 */
export async function changeAgreementEntry(
  { table, runtime, turns }: AgreementPorts,
  id: AgreementId,
  change: (entry: AgreementEntry) => AgreementEntry | null,
  signal?: AbortSignal,
): Promise<AgreementEntry> {
  const found = await read(table, id, signal);
  if (change(entryOf(found)) === null) return entryOf(found);
  const puts = forgiving(LOST_ANSWERS);
  return turns.inTurn(id, signal, async (isFirst) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const item = attempt === 0 && isFirst ? found : await read(table, id, signal);
      const changed = change(entryOf(item));
      if (changed === null) return entryOf(item);
      const condition = item === null ? 'absent' : { version: item.version };
      const key = { pk: agreementPk(id), sk: AGREEMENT_SK };
      if (await puts(() => table.put({ ...changed, ...key }, condition, signal))) return changed;
      const mostMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
      await runtime.sleep(1 + Math.floor(runtime.random() * mostMs), signal);
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
