import { type DatasetStanding, readStandings } from '../../client/owner/read-standings.ts';
import { eachInParallel } from '../../core/each-in-parallel.ts';
import { PlumblineError } from '../../core/errors.ts';
import { type Address, address, type DatasetId, datasetId } from '../../core/ids.ts';
import type { Standing } from '../engine/questions.ts';
import { collectNames } from './dataset-names.ts';
import type { Engine } from './open-engine.ts';
import type { ReaderKeys } from './reader-keys.ts';
import { sayPlainly } from './say-plainly.ts';

/** What rounds and the service say of some datasets: those that the reader looks at. */
export async function readStandingsOf(
  engine: Engine,
  keys: ReaderKeys,
  datasets: readonly string[],
  signal: AbortSignal,
): Promise<Standing[]> {
  const ids = datasets.map(datasetId);
  const owners = await ownersOf(engine, keys, ids, signal);
  const groups = Map.groupBy(ids, (dataset) => owners.get(dataset) ?? null);
  const found: Standing[] = [];
  await eachInParallel([...groups], 4, async ([owner, some]) => {
    const wanted = some.map((dataset) => ({ dataset, charters: keys.charters.get(dataset) ?? [] }));
    const service = keys.reader.kind === 'owner' ? engine.serviceOf(keys) : SILENT;
    const deps = { ledger: engine.ledger, fromBlock: engine.file.fromBlock, rounds: engine.roundsOf(keys), service };
    const { standings } = await readStandings(deps, owner ?? NOBODY, wanted, false, () => {}, signal);
    found.push(...standings.map((standing) => standingOf(standing, keys.reader.kind === 'owner')));
  });
  return found;
}

const NOBODY = address(`0x${'0'.repeat(40)}`);

/** The service tells an owner alone what it stores. */
const SILENT = {
  async listBatches(): Promise<never> {
    throw new NotAskedError('Only the owner is told what is stored.');
  },
};

class NotAskedError extends PlumblineError {
  override readonly name = 'NotAskedError';
  readonly kind = 'refused';
}

async function ownersOf(
  engine: Engine,
  keys: ReaderKeys,
  ids: readonly DatasetId[],
  signal: AbortSignal,
): Promise<Map<DatasetId, Address>> {
  const own = keys.reader.kind === 'owner' && keys.reader.account !== null ? address(keys.reader.account) : null;
  const owners = new Map<DatasetId, Address>();
  for (const dataset of ids) {
    const owner = keys.charters.get(dataset)?.[0]?.owner ?? own;
    if (owner !== null) owners.set(dataset, owner);
  }
  if (owners.size === ids.length) return owners;
  const { point } = await engine.ledger.readHeads([], 'latest', signal);
  for (const [dataset, { owner }] of await collectNames(engine, keys, point.blockNumber, signal)) {
    if (owner !== null) owners.set(dataset, owner);
  }
  return owners;
}

function standingOf({ dataset, standing, said, faults, stored, problem }: DatasetStanding, isTold: boolean): Standing {
  return {
    dataset,
    anchored: standing?.size ?? null,
    round:
      standing === null
        ? null
        : {
            number: standing.round.number,
            timeMs: standing.round.timeSeconds * 1000,
            isOwnWord: standing.isOwnWord,
          },
    isLate: (standing?.late?.waitingBlocks ?? 0) > 0,
    stored: stored?.blocks ?? null,
    sizeBytes: stored?.sizeBytes ?? null,
    oldestWaitingMs: stored?.oldestUnrecordedMs ?? null,
    lastCaptureMs: stored?.lastCaptureMs ?? null,
    lastSeenMs: stored?.lastSeenMs ?? null,
    faults: faults.map(({ reason }) => sayPlainly(reason)),
    notes: [...(said === null ? [] : [said]), ...(problem === null || !isTold ? [] : [sayPlainly(problem)])],
  };
}
