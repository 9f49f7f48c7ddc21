import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { datasetOfCharter } from '../../core/charter/charter.ts';
import type { DatasetId } from '../../core/ids.ts';
import { Problem } from '../answer/problem.ts';
import { checkInCharterAt } from '../ingest/check-in-charter.ts';
import { listCharters } from '../ingest/compare-stretch.ts';
import type { Ingested } from '../ingest/ingest-segment.ts';
import { SegmentMemory } from '../ingest/segment-memory.ts';
import { quotasOf } from '../rights/quota-of.ts';
import { readCharterEntries, readCharters } from '../state/dataset-entry.ts';
import { keepChartered } from '../state/learn-charters.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { scanTogether } from '../state/scan-together.ts';
import { type RebuildPorts, type RebuiltDataset, rebuildDataset } from './rebuild-dataset.ts';
import { rebuildMap } from './rebuild-map.ts';
import { recountUsage } from './recount-usage.ts';

export interface RebuildProgress {
  readonly phase: 'listing' | 'charters' | 'segments' | 'usage';
  readonly done: number;
  /** Null while it is not known. */
  readonly total: number | null;
}

/** What could not be done; doing it again tries again. */
export interface RebuildFailure {
  /** A key of the bucket, a dataset or an owner. */
  readonly what: string;
  readonly message: string;
}

export interface Rebuilt {
  readonly datasets: readonly (RebuiltDataset & { readonly dataset: DatasetId })[];
  readonly charters: { readonly kept: number; readonly known: number; readonly refused: number };
  readonly segments: Readonly<Partial<Record<Ingested, number>>>;
  readonly lost: number;
  readonly mended: number;
  /** Datasets whose stored bytes were counted wrongly. */
  readonly recounted: number;
  /** Heads in the map that the next round is made of; null where nothing stands in rounds of this service. */
  readonly anchored: number | null;
  readonly failures: readonly RebuildFailure[];
}

/** Datasets rebuilt at once: each holds a segment of at most 33 MiB. */
const PARALLEL = 4;

/**
 * Makes table and tiles again from bucket and chain (specification#checking-in): charters of both first, then each dataset's segments in
 * the order of their blocks, by the code that their events run; then the log follows the chain. What stands in the table and
 * is right stays: so it may be repeated, stopped anywhere, and run beside the service.
 * @throws StoreUnavailableError, LedgerUnavailableError when the bucket cannot be listed or the chain not be read
 */
export async function rebuildService(
  world: Omit<RebuildPorts, 'memory'>,
  onProgress: (progress: RebuildProgress) => void,
  signal?: AbortSignal,
): Promise<Rebuilt> {
  // What a handler remembers may be what was lost.
  const ports: RebuildPorts = { ...world, ledger: scanTogether(world.ledger), memory: new SegmentMemory() };
  const failures: RebuildFailure[] = [];
  const onFailure = (what: string, error: unknown): void => {
    signal?.throwIfAborted();
    failures.push({ what, message: error instanceof Error ? error.message : String(error) });
  };
  const { datasets, segments: total } = await listDatasets(ports, onProgress, signal);

  const charters = { kept: 0, known: 0, refused: 0, gone: 0 };
  for (const [done, dataset] of datasets.entries()) {
    onProgress({ phase: 'charters', done, total: datasets.length });
    for (const key of await listCharters(ports.objects, dataset, signal)) {
      try {
        charters[await checkInCharterAt(ports, key, signal)]++;
      } catch (error) {
        if (error instanceof Problem) charters.refused++;
        else onFailure(key, error);
      }
    }
  }

  charters.kept += await keepAllChartered(ports, onFailure, signal);

  let done = 0;
  const onSegment = (): void => onProgress({ phase: 'segments', done: ++done, total });
  const rebuilt = await mapBounded(datasets, PARALLEL, async (dataset) => {
    try {
      return { dataset, ...(await rebuildDataset(ports, dataset, { onSegment, onFailure }, signal)) };
    } catch (error) {
      onFailure(dataset, error);
      return null;
    }
  });
  const whole = rebuilt.filter((one) => one !== null);
  const anchored = await rebuildOwnMap(ports, datasets, onFailure, signal);
  const recounted = await recountDatasets(ports, datasets, onProgress, onFailure, signal);
  const { kept, known, refused } = charters;
  return {
    ...{
      datasets: whole,
      charters: { kept, known, refused },
      segments: sumOutcomes(whole),
      recounted,
      anchored,
      failures,
    },
    lost: whole.reduce((sum, { lost }) => sum + lost, 0),
    mended: whole.reduce((sum, { mended }) => sum + mended, 0),
  };
}

async function listDatasets(
  { objects }: RebuildPorts,
  onProgress: (progress: RebuildProgress) => void,
  signal?: AbortSignal,
): Promise<{ readonly datasets: readonly DatasetId[]; readonly segments: number }> {
  const datasets = new Set<DatasetId>();
  let [keys, segments] = [0, 0];
  for await (const key of objects.list('', signal)) {
    const digits = /^([0-9a-f]{64})\//.exec(key)?.[1];
    if (digits !== undefined) datasets.add(`0x${digits}` as DatasetId);
    if (parseSegmentKey(key) !== null) segments++;
    if (++keys % 1_000 === 0) onProgress({ phase: 'listing', done: keys, total: null });
  }
  return { datasets: [...datasets], segments };
}

/**
 * Keeps the charters that DISSC has of owners served here: nobody else's fill the table. The table alone may have had them, of a
 * dataset of which nothing lies in the bucket. Its log is not made of the chain's word: it may be stored by another service.
 */
async function keepAllChartered(
  ports: RebuildPorts,
  onFailure: (what: string, error: unknown) => void,
  signal?: AbortSignal,
): Promise<number> {
  const { table, ledger, settings } = ports;
  const { point } = await ledger.readDevices([], 'latest', signal);
  const events = await ledger.findAllChartered(settings().fromBlock, point.blockNumber, signal);
  const own = events.filter(({ dataset, charter }) => datasetOfCharter(ledger.domain, charter) === dataset);
  const quotas = await quotasOf(
    ports,
    own.map(({ dataset, charter: { owner } }) => ({ dataset, owner })),
    signal,
  );
  const served = Map.groupBy(
    own.filter((_, i) => quotas[i] !== null),
    ({ dataset }) => dataset,
  );
  const kept = await mapBounded([...served], PARALLEL, async ([dataset, charters]) => {
    try {
      const known = await readCharterEntries(table, dataset, signal);
      return await keepChartered(table, dataset, charters, known, signal);
    } catch (error) {
      onFailure(dataset, error);
      return 0;
    }
  });
  return kept.reduce((sum, count) => sum + count, 0);
}

async function recountDatasets(
  { table }: RebuildPorts,
  datasets: readonly DatasetId[],
  onProgress: (progress: RebuildProgress) => void,
  onFailure: (what: string, error: unknown) => void,
  signal?: AbortSignal,
): Promise<number> {
  let recounted = 0;
  for (const [done, dataset] of datasets.entries()) {
    onProgress({ phase: 'usage', done, total: datasets.length });
    const owner = (await readCharters(table, dataset, signal))[0]?.owner;
    if (owner === undefined) continue;
    try {
      if (await recountUsage(table, owner, dataset, signal)) recounted++;
    } catch (error) {
      onFailure(dataset, error);
    }
  }
  return recounted;
}

async function rebuildOwnMap(
  ports: RebuildPorts,
  datasets: readonly DatasetId[],
  onFailure: (what: string, error: unknown) => void,
  signal?: AbortSignal,
): Promise<number | null> {
  const { cssAccount: account, fromBlock } = ports.settings();
  if (account === null) return null;
  try {
    return await rebuildMap(ports, { account, fromBlock, datasets }, signal);
  } catch (error) {
    onFailure('the map of the rounds', error);
    return null;
  }
}

function sumOutcomes(rebuilt: readonly RebuiltDataset[]): Partial<Record<Ingested, number>> {
  const sum: Partial<Record<Ingested, number>> = {};
  for (const { segments } of rebuilt) {
    for (const [outcome, count] of Object.entries(segments) as [Ingested, number][]) {
      sum[outcome] = (sum[outcome] ?? 0) + count;
    }
  }
  return sum;
}
