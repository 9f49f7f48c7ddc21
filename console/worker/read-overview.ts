import type { ChainPoint } from '../../core/ports/ledger.ts';
import type { DatasetRow, Overview } from '../engine/questions.ts';
import type { Connection } from './connection.ts';
import { collectNames } from './dataset-names.ts';
import type { KnownReader } from './known-reader.ts';

/**
 * Which datasets there are, and how far the chain has them: in a few requests, whatever the number. An owner sees their own,
 * an auditor those of the file, and without keys all that the chain names. The names are told before how far each is.
 * @throws LedgerUnavailableError
 */
export async function readOverview(
  connection: Connection,
  keys: KnownReader,
  tell: (named: Overview) => void,
  signal: AbortSignal,
): Promise<Overview> {
  const { ledger } = connection;
  const [{ point: newest }, { point: finalized }] = await Promise.all([
    ledger.readHeads([], 'latest', signal),
    ledger.readHeads([], 'final', signal),
  ]);
  const named = await collectNames(connection, keys, newest.blockNumber, signal);
  const sorted = [...named].sort(([a, one], [b, other]) => byName.compare(one.name ?? a, other.name ?? b));
  tell({
    rows: sorted.map(([dataset, about]): DatasetRow => ({ dataset, ...about, recorded: null, final: null })),
    ...{ latest: timeOf(newest), final: timeOf(finalized) },
  });
  const ids = sorted.map(([dataset]) => dataset);
  const [latest, final] = await Promise.all([
    ledger.readHeads(ids, 'latest', signal),
    ledger.readHeads(ids, 'final', signal),
  ]);
  const rows = sorted.map(([dataset, about], i): DatasetRow => {
    return { dataset, ...about, recorded: latest.heads[i]?.size ?? 0, final: final.heads[i]?.size ?? 0 };
  });
  return { rows, latest: timeOf(latest.point), final: timeOf(final.point) };
}

/** One for all: `localeCompare` makes one for every pair, which is seconds for ten thousand. */
const byName = new Intl.Collator('en', { numeric: true });

function timeOf({ blockNumber, timestampMs }: ChainPoint): Overview['latest'] {
  return { blockNumber, timestampMs };
}
