import { readAnchor } from '../../client/read-anchor.ts';
import type { RoundSources, RoundStanding } from '../../client/read-round.ts';
import { anchorerOf } from '../../core/charter/charter.ts';
import { NotRecordedError } from '../../core/errors.ts';
import type { Ledger } from '../../core/ports/ledger.ts';
import type { DatasetEntry } from '../owner/dataset-list.ts';

/**
 * What the newest final round of its anchorer has of a dataset; null where its newest charter names none, and where nobody
 * shows such a round yet.
 */
export async function readStanding(
  chain: { readonly ledger: Ledger; readonly fromBlock: number; readonly rounds: RoundSources },
  { dataset, charters }: Pick<DatasetEntry, 'dataset' | 'charters'>,
  signal: AbortSignal,
): Promise<RoundStanding | null> {
  const newest = charters.at(-1);
  if (newest === undefined || anchorerOf(newest) === null) return null;
  const { ledger, fromBlock, rounds } = chain;
  try {
    return (await readAnchor(ledger, dataset, 'final', fromBlock, signal, rounds)).standing;
  } catch (error) {
    if (error instanceof NotRecordedError) return null;
    throw error;
  }
}
