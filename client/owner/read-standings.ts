import { anchorerOf, type Charter, type SignedCharter } from '../../core/charter/charter.ts';
import { charterHistory, charterInForce } from '../../core/charter/charters-in-force.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { PlumblineError } from '../../core/errors.ts';
import type { Address, DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { SeenHeads } from '../../core/ports/head-memory.ts';
import type { ChainPoint, Ledger } from '../../core/ports/ledger.ts';
import type { StorageService } from '../../core/ports/service.ts';
import type { GrowthFault } from '../growth/growth-report.ts';
import type { RoundSources, RoundStanding } from '../growth/round-standing.ts';
import { readRound } from '../read-round.ts';
import { readStored, type Stored } from './read-stored.ts';

/** One of many datasets: what DISSC, its anchorer's newest final round and the service have of it. */
export interface DatasetStanding {
  readonly dataset: DatasetId;
  /** Blocks on DISSC, at the latest block and at the final one. */
  readonly recorded: number;
  readonly final: number;
  /** Null where no round counts; `said` is why, where one ought to. */
  readonly standing: RoundStanding | null;
  readonly said: string | null;
  readonly faults: readonly GrowthFault[];
  /** Whom the newest charter names that is known, in force or sent and not final yet; null where it is recorded directly. */
  readonly anchorer: Address | null;
  /** What the service lists; null where it did not answer, and `problem` is why. */
  readonly stored: Stored | null;
  readonly problem: string | null;
}

export interface StandingsDeps {
  readonly ledger: Ledger;
  readonly fromBlock: number;
  readonly rounds: RoundSources;
  readonly service: Pick<StorageService, 'listBatches'>;
}

/** Datasets that are asked about at once. */
const PARALLEL_DATASETS = 16;

/**
 * Looks at many datasets of one owner at once. Heads, charters and rounds come from the chain in a few requests, whatever the
 * number; the service is asked twice for each: what leads to its round, and what is stored. What was seen is remembered.
 * @param listAll whether all that is stored is listed, or only what lies behind the newest recorded or anchored block
 * @throws LedgerUnavailableError when the chain cannot be read; a service that does not answer is a problem told
 *
 * @example
 * const deps = { ledger, fromBlock, rounds, service };
 * const { standings } = await readStandings(deps, owner.address, [{ dataset, charters }], false);
 * console.log(standings[0]?.final, standings[0]?.faults.length); // 4 0
 */
export async function readStandings(
  { ledger, fromBlock, rounds, service }: StandingsDeps,
  owner: Address,
  wanted: readonly { readonly dataset: DatasetId; readonly charters: readonly SignedCharter[] }[],
  listAll: boolean,
  onRead: (done: number) => void = () => {},
  signal?: AbortSignal,
): Promise<{ readonly point: ChainPoint; readonly standings: DatasetStanding[] }> {
  const ids = wanted.map(({ dataset }) => dataset);
  const [latest, final] = await Promise.all([
    ledger.readHeads(ids, 'latest', signal),
    ledger.readHeads(ids, 'final', signal),
  ]);
  const { point } = final;
  const events = await ledger.findChartered({ owner }, fromBlock, point.blockNumber, signal);
  const chartered = Map.groupBy(events, ({ dataset }) => dataset);
  const standings: DatasetStanding[] = [];
  const seen: [DatasetId, SeenHeads][] = [];
  let done = 0;
  await eachInParallel([...ids.keys()], PARALLEL_DATASETS, async (i) => {
    signal?.throwIfAborted();
    const dataset = ids[i] as DatasetId;
    const recorded = final.heads[i] as Head;
    const charters = charterHistory([], chartered.get(dataset) ?? []);
    const asked = { recorded, updates: null, point, anchor: 'final' as const, charters };
    const read = await readRound(rounds, ledger, asked, signal).catch(problemOf);
    const round =
      'problem' in read ? { standing: null, said: read.problem, growth: { faults: [] }, remember: null } : read;
    if (round.remember !== null) seen.push([dataset, round.remember]);
    const size = latest.heads[i]?.size ?? 0;
    const known = Math.max(size, round.standing?.size ?? 0);
    const stored = await readStored(service, dataset, known, signal, ...(listAll ? [0] : [])).catch(problemOf);
    standings[i] = {
      ...{ dataset, recorded: size, final: recorded.size, standing: round.standing, said: round.said },
      faults: round.growth.faults,
      anchorer: newestAnchorer(charterInForce(charters, point.blockNumber), wanted[i]?.charters.at(-1)),
      ...('problem' in stored ? { stored: null, problem: stored.problem } : { stored, problem: null }),
    };
    onRead(++done);
  });
  rounds.memory?.keepHeads(seen);
  return { point: latest.point, standings };
}

function newestAnchorer(inForce: Charter | null, kept: Charter | undefined): Address | null {
  const newest = inForce === null || (kept !== undefined && kept.serial > inForce.serial) ? kept : inForce;
  return newest === undefined ? null : anchorerOf(newest);
}

function problemOf(error: unknown): { readonly problem: string } {
  if (!(error instanceof PlumblineError) || error.kind === 'chain') throw error;
  return { problem: error.shortMessage };
}
