import type { DatasetId, MapRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { quotasOf } from '../rights/quota-of.ts';
import { type CharteredParties, readPartiesOf } from '../rights/read-parties.ts';
import { learnCharters } from '../state/learn-charters.ts';
import { mapBounded } from '../state/map-bounded.ts';
import type { Mark } from '../state/work-marks.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Found, Work } from './dataset-work.ts';
import { inspectDataset } from './inspect-dataset.ts';

/** What the run already knows. */
interface Under {
  /** Datasets with an update under way. */
  readonly covered: ReadonlySet<DatasetId>;
  readonly finalMap: MapRoot | null;
}

const PAGE = 200;
const PARALLEL = 32;

/**
 * Goes through the datasets whose log may be ahead of the chain, a page at a time: settles those that are final, follows
 * the chain where it went another way, and yields what is to be recorded or anchored. Begins at a random one, so that none
 * waits behind the others when a run's time is too short for all.
 */
export async function* findPending(
  ports: AnchorPorts,
  marks: readonly Mark[],
  { covered, finalMap }: Under,
  signal?: AbortSignal,
): AsyncGenerator<{ readonly found: readonly Found[]; readonly looked: number }> {
  const start = Math.floor(ports.runtime.random() * marks.length);
  const inTurn = [...marks.slice(start), ...marks.slice(0, start)];
  for (let at = 0; at < inTurn.length; at += PAGE) {
    const page = inTurn.slice(at, at + PAGE);
    yield { found: await inspectPage(ports, page, { covered, finalMap }, signal), looked: page.length };
  }
}

async function inspectPage(
  ports: AnchorPorts,
  marks: readonly Mark[],
  { covered, finalMap }: Under,
  signal?: AbortSignal,
): Promise<Found[]> {
  const { ledger, observer } = ports;
  const datasets = marks.map(({ dataset }) => dataset);
  const [latest, final, parties] = await Promise.all([
    ledger.readHeads(datasets, 'latest', signal),
    ledger.readHeads(datasets, 'final', signal),
    readLearntParties(ports, datasets, signal),
  ]);
  const asked = datasets.flatMap((dataset, i) => {
    const owner = parties[i]?.owner;
    return owner === undefined ? [] : [{ dataset, owner }];
  });
  const quotas = await quotasOf(ports, asked, signal);
  const admitted = await ports.owners.quotasOf(
    asked.map(({ owner }) => owner),
    signal,
  );
  const atAnyPrice = new Set(asked.filter((_, i) => admitted[i] !== null).map(({ owner }) => owner));
  const served = new Set(asked.filter((_, i) => quotas[i] !== null).map(({ dataset }) => dataset));
  const found = await mapBounded(marks, PARALLEL, async (mark, i) => {
    const own = parties[i];
    const { dataset } = mark;
    if (!own || !served.has(dataset)) return null;
    try {
      const work: Work = {
        ...{ dataset, mark, parties: own },
        ...{ latest: latest.heads[i] as Head, latestBlock: latest.point.blockNumber },
        ...{
          final: { head: final.heads[i] as Head, point: final.point },
          onlyPaid: !atAnyPrice.has(own.owner),
          finalMap,
        },
      };
      // Of one dataset a page: the first page begins at random, so that in time every dataset speaks for all.
      return await inspectDataset(ports, work, covered, i === 0, signal);
    } catch (error) {
      signal?.throwIfAborted();
      // One dataset's trouble is not the others'.
      observer.error('dataset not anchored', { dataset, error });
      observer.count('Anchor.datasetFailed');
      return null;
    }
  });
  return found.filter((one) => one !== null);
}

/**
 * Who has to do with these datasets. A charter that the chain has and nobody has shown here yet is learnt from its events first: by
 * it a dataset may stand in rounds, and is not to be recorded meanwhile.
 */
async function readLearntParties(
  ports: AnchorPorts,
  datasets: readonly DatasetId[],
  signal?: AbortSignal,
): Promise<(CharteredParties | null)[]> {
  const { parties } = await readPartiesOf(ports, datasets, signal);
  const unlearnt = datasets.flatMap((dataset, i) => {
    const onChain = parties[i]?.unlearnt ?? null;
    return onChain === null ? [] : [{ dataset, onChain, i }];
  });
  if (unlearnt.length === 0) return parties;
  const { fromBlock } = ports.anchorSettings;
  const learning = { table: ports.table, ledger: ports.ledger, settings: () => ({ fromBlock }) };
  await mapBounded(unlearnt, PARALLEL, ({ dataset, onChain }) => learnCharters(learning, dataset, onChain, signal));
  const learnt = await readPartiesOf(
    ports,
    unlearnt.map(({ dataset }) => dataset),
    signal,
  );
  const places = new Map(unlearnt.map(({ i }, at) => [i, learnt.parties[at] ?? null]));
  return parties.map((one, i) => places.get(i) ?? one);
}
