import { parseSegmentKey } from '../../core/batch/segment-key.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import type { ObjectLister, ObjectWriter } from '../../core/ports/object-store.ts';
import { followChain } from '../anchor/follow-chain.ts';
import { type Ingested, type IngestPorts, ingestSegment } from '../ingest/ingest-segment.ts';
import { markRemoved } from '../ingest/mark-removed.ts';
import { awaitSegments } from '../log/await-segments.ts';
import { extendLog } from '../log/extend-log.ts';
import { growTiles } from '../log/grow-tiles.ts';
import type { ServicePorts } from '../ports.ts';
import { readDatasetEntry } from '../state/dataset-entry.ts';
import { deleteRange } from '../state/delete-range.ts';
import { datasetPk, segmentSk, waitingSk } from '../state/entries.ts';
import { readLogEnd, readLogEntry } from '../state/log-entry.ts';
import { isReadable, readSegmentEntry, segmentPages, timePlaces } from '../state/segment-entry.ts';
import { markWork } from '../state/work-marks.ts';
import { mendDatasetEntry, restoreJunk } from './mend-dataset-entry.ts';
import { mendLog } from './mend-log.ts';
import { noteEvents } from './note-events.ts';

export interface RebuildPorts extends IngestPorts, Pick<ServicePorts, 'observer' | 'rounds'> {
  readonly objects: IngestPorts['objects'] & ObjectLister & ObjectWriter;
}

/** What became of one dataset. */
export interface RebuiltDataset {
  readonly segments: Readonly<Partial<Record<Ingested, number>>>;
  /** Segments whose objects are gone. */
  readonly lost: number;
  /** Items of the log that were missing or wrong. */
  readonly mended: number;
  /** Blocks in the log now. */
  readonly size: number;
  /** Whether the log has the chain's head; not so where blocks were recorded that nobody stored here. */
  readonly hasChainHead: boolean;
}

const LAST_BLOCK = Number.MAX_SAFE_INTEGER;

/** Makes a dataset's items and tiles again from the bucket and the chain. Repeating it changes nothing. */
export async function rebuildDataset(
  ports: RebuildPorts,
  dataset: DatasetId,
  { onSegment, onFailure }: { onSegment: () => void; onFailure: (what: string, error: unknown) => void },
  signal?: AbortSignal,
): Promise<RebuiltDataset> {
  const { table } = ports;
  const junk = await mendDatasetEntry(table, dataset, signal);
  const segments: Partial<Record<Ingested, number>> = {};
  const stored = new Set<string>();
  for await (const key of segmentKeys(ports.objects, dataset, signal)) {
    stored.add(key);
    try {
      const outcome = await ingestSegment(ports, key, signal);
      await mendTime(ports, key, signal);
      segments[outcome] = (segments[outcome] ?? 0) + 1;
    } catch (error) {
      signal?.throwIfAborted();
      onFailure(key, error);
    }
    onSegment();
  }
  await restoreJunk(table, dataset, junk, signal);
  const lost = await markLost(ports, dataset, stored, signal);
  const waiting = { from: waitingSk(0, ''), to: waitingSk(LAST_BLOCK, 'g'), reverse: false };
  await deleteRange(table, datasetPk(dataset), waiting, signal);
  const mended = await mendLog(ports, dataset, signal);
  const hasChainHead = await followAndTile(ports, dataset, signal);
  // What is not recorded yet is for the anchor to record.
  await markWork(table, dataset, signal);
  const size = (await readLogEnd(table, dataset, signal))?.size ?? 0;
  return { segments, lost, mended, size, hasChainHead };
}

/** A dataset's segments in the order of their blocks. Behind them are charters and tiles. */
async function* segmentKeys(objects: ObjectLister, dataset: DatasetId, signal?: AbortSignal): AsyncGenerator<string> {
  const begins = `${dataset.slice(2)}/`;
  for await (const key of objects.list(begins, signal)) {
    if (parseSegmentKey(key) !== null) yield key;
    else if (key.slice(begins.length) > ':') return;
  }
}

/** Checking in writes the index by capture time where there is none; one that is wrong is put right here. */
async function mendTime({ table }: RebuildPorts, key: string, signal?: AbortSignal): Promise<void> {
  const name = parseSegmentKey(key);
  const entry = name === null ? null : await readSegmentEntry(table, name.dataset, name, signal);
  if (name === null || entry === null || !isReadable(entry)) return;
  const pk = datasetPk(name.dataset);
  for (const place of timePlaces(entry)) {
    const there = await table.get(pk, place.sk, signal);
    if (there?.toMs !== place.toMs || there.fromMs !== place.fromMs) await table.put({ pk, ...place }, 'any', signal);
  }
}

async function markLost(
  ports: RebuildPorts,
  dataset: DatasetId,
  stored: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<number> {
  let lost = 0;
  const range = { from: segmentSk(0, ''), to: segmentSk(LAST_BLOCK, 'g') };
  for await (const page of segmentPages(ports.table, dataset, range, signal)) {
    for (const { key } of page.filter((entry) => !stored.has(entry.key))) {
      if ((await markRemoved(ports, key, signal)) === 'lost') lost++;
    }
  }
  return lost;
}

/** Lets the log follow the chain by the anchor's own code, and writes its tiles; true when it has the chain's head. */
async function followAndTile(ports: RebuildPorts, dataset: DatasetId, signal?: AbortSignal): Promise<boolean> {
  const { table, ledger } = ports;
  const latest = await ledger.readHeads([dataset], 'latest', signal);
  const final = await ledger.readHeads([dataset], 'final', signal);
  await noteEvents(ports, dataset, final.point, signal);
  await takeInWaiting(ports, dataset, signal);
  const head = final.heads[0] as Head;
  const work = {
    ...{ dataset, latest: latest.heads[0] as Head, latestBlock: latest.point.blockNumber },
    final: { head, point: final.point },
  };
  // Each call comes further, by a bounded number of steps.
  let hasChainHead = false;
  for (let size = -1; !hasChainHead; ) {
    hasChainHead = await followChain(ports, work, true, signal);
    const reached = (await readLogEnd(table, dataset, signal))?.size ?? 0;
    if (reached <= size) break;
    size = reached;
  }
  await takeInWaiting(ports, dataset, signal);
  const there = await readLogEntry(table, dataset, head.size, signal);
  if (there !== null && equalBytes(there.root, head.root)) {
    for (let more = true; more; ) {
      const { tiledTo = 0 } = await readDatasetEntry(table, dataset, signal);
      more = await growTiles(ports, dataset, head.size, tiledTo, signal);
    }
  }
  return hasChainHead;
}

async function takeInWaiting(ports: RebuildPorts, dataset: DatasetId, signal?: AbortSignal): Promise<void> {
  const size = (await readLogEnd(ports.table, dataset, signal))?.size ?? 0;
  await awaitSegments(ports.table, dataset, size, signal);
  for (let more = true; more; ) ({ more } = await extendLog(ports, dataset, signal));
}
