import { toHex } from '../../core/bytes.ts';
import type { DatasetId, MapRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { Item } from '../../core/ports/table.ts';
import { quotasOf } from '../rights/quota-of.ts';
import { readPartiesOf } from '../rights/read-parties.ts';
import { WORK_PK } from '../state/entries.ts';
import { mapBounded } from '../state/map-bounded.ts';
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
const FIRST_DATASET = '0x';
const LAST_DATASET = '0xg';

/**
 * Goes through the datasets whose log may be ahead of the chain, a page at a time: settles those that are final, follows
 * the chain where it went another way, and yields what is to be recorded or anchored. Begins at a random dataset, so that none waits
 * behind the others when a run's time is too short for all.
 */
export async function* findPending(
  ports: AnchorPorts,
  { covered, finalMap }: Under,
  signal?: AbortSignal,
): AsyncGenerator<Found[]> {
  const start = `0x${toHex(ports.primitives.randomBytes(4))}`;
  // The second range ends where the first began; an item is never exactly there, as datasets have 64 digits.
  const ranges = [
    { from: start, to: LAST_DATASET },
    { from: FIRST_DATASET, to: start },
  ];
  for (const { from, to } of ranges) {
    let next: string | null = from;
    while (next !== null) {
      const page = await ports.table.query(WORK_PK, { from: next, to, limit: PAGE }, signal);
      if (page.items.length > 0) yield await inspectPage(ports, page.items, { covered, finalMap }, signal);
      next = page.next;
    }
  }
}

async function inspectPage(
  ports: AnchorPorts,
  items: readonly Item[],
  { covered, finalMap }: Under,
  signal?: AbortSignal,
): Promise<Found[]> {
  const { ledger, observer } = ports;
  const datasets = items.map((item) => item.sk as DatasetId);
  const [latest, final, known] = await Promise.all([
    ledger.readHeads(datasets, 'latest', signal),
    ledger.readHeads(datasets, 'final', signal),
    readPartiesOf(ports, datasets, signal),
  ]);
  const { owners } = ports.settings();
  const asked = datasets.flatMap((dataset, i) => {
    const owner = known.parties[i]?.owner;
    return owner === undefined ? [] : [{ dataset, owner }];
  });
  const quotas = await quotasOf(ports, asked, signal);
  const served = new Set(asked.filter((_, i) => quotas[i] !== null).map(({ dataset }) => dataset));
  const found = await mapBounded(items, PARALLEL, async (item, i) => {
    const parties = known.parties[i];
    const dataset = item.sk as DatasetId;
    if (!parties || !served.has(dataset)) return null;
    try {
      const work: Work = {
        ...{ dataset, version: item.version, parties },
        ...{ latest: latest.heads[i] as Head, latestBlock: latest.point.blockNumber },
        ...{
          final: { head: final.heads[i] as Head, point: final.point },
          onlyPaid: !owners.has(parties.owner),
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
