import { equalBytes, toHex } from '../../core/bytes.ts';
import type { DatasetId } from '../../core/ids.ts';
import { appendLeaf, EMPTY_FRONTIER, frontierRoot } from '../../core/log/frontier.ts';
import type { Head } from '../../core/log/head.ts';
import type { ChainPoint, Parties } from '../../core/ports/ledger.ts';
import type { Item } from '../../core/ports/table.ts';
import { adoptChainLog } from '../log/adopt-chain-log.ts';
import { extendLog } from '../log/extend-log.ts';
import { quotasOf } from '../rights/quota-of.ts';
import { changeDatasetEntry, readDatasetEntry } from '../state/dataset-entry.ts';
import { type LogEntry, type Unpaid, WORK_PK } from '../state/entries.ts';
import { frontierOf, leafHashOf, queryLog, readLogEnd, readLogEntry } from '../state/log-entry.ts';
import { mapBounded } from '../state/map-bounded.ts';
import { readSegmentEntry } from '../state/segment-entry.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Pending } from './build-update.ts';
import { scanRecorded } from './scan-recorded.ts';

const PAGE = 200;
const PARALLEL = 8;
/** More never fit one transaction. */
const MAX_PENDING_BATCHES = 1900;
const FIRST_DATASET = '0x';
const LAST_DATASET = '0xg';

/**
 * Goes through the datasets whose log may be ahead of the chain, a page at a time: settles those that are final, follows
 * the chain where it went another way, and yields what is to be recorded. Begins at a random dataset, so that none waits
 * behind the others when a run's time is too short for all.
 */
export async function* findPending(
  ports: AnchorPorts,
  covered: ReadonlySet<DatasetId>,
  signal?: AbortSignal,
): AsyncGenerator<Pending[]> {
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
      if (page.items.length > 0) yield await inspectPage(ports, page.items, covered, signal);
      next = page.next;
    }
  }
}

interface Work {
  readonly dataset: DatasetId;
  readonly version: number;
  readonly parties: Parties;
  readonly latest: Head;
  readonly final: { readonly head: Head; readonly point: ChainPoint };
  readonly onlyPaid: boolean;
}

async function inspectPage(
  ports: AnchorPorts,
  items: readonly Item[],
  covered: ReadonlySet<DatasetId>,
  signal?: AbortSignal,
): Promise<Pending[]> {
  const { ledger, observer } = ports;
  const datasets = items.map((item) => item.sk as DatasetId);
  const [latest, final, known] = await Promise.all([
    ledger.readHeads(datasets, 'latest', signal),
    ledger.readHeads(datasets, 'final', signal),
    ledger.readParties(datasets, 'latest', signal),
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
        ...{ dataset, version: item.version, parties, latest: latest.heads[i] as Head },
        ...{ final: { head: final.heads[i] as Head, point: final.point }, onlyPaid: !owners.has(parties.owner) },
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
  return found.filter((pending) => pending !== null);
}

async function inspectDataset(
  ports: AnchorPorts,
  work: Work,
  covered: ReadonlySet<DatasetId>,
  isMeasured: boolean,
  signal?: AbortSignal,
): Promise<Pending | null> {
  const { table } = ports;
  const { dataset, latest, final } = work;
  if (!(await followChain(ports, dataset, latest, signal))) return null;
  const end = await readLogEnd(table, dataset, signal);
  const entry = await readDatasetEntry(table, dataset, signal);
  const scanned = await scanRecorded(ports, dataset, entry, final, signal);
  if (end === null) return null;
  if (final.head.batches === end.batches && equalBytes(final.head.root, end.root)) {
    if (entry.suspendedAtBatches !== undefined) await resume(ports, dataset, signal);
    // Kept when a batch was placed after the item was read: its version is another, then.
    if (scanned) await table.delete(WORK_PK, dataset, { version: work.version }, signal);
    return null;
  }
  const isOurs = entry.direct !== true && (entry.unpaid ?? null) === null;
  if (isMeasured && isOurs) await measureLag(ports, dataset, final.head, signal);
  if (end.batches <= latest.batches || covered.has(dataset) || entry.direct === true) return null;
  const pending = await pendingOf(ports, work, end, entry.unpaid ?? null, signal);
  if (pending === null || entry.suspendedAtBatches === undefined) return pending;
  const refused =
    entry.suspendedAtBatches === pending.batches && entry.suspendedUpTo === pending.entries.at(-1)?.batches;
  if (!refused) await resume(ports, dataset, signal);
  return refused ? null : pending;
}

/** How long the oldest stored batch that is not final has been stored. */
async function measureLag(
  { table, observer, nowMs }: AnchorPorts,
  dataset: DatasetId,
  final: Head,
  signal?: AbortSignal,
): Promise<void> {
  const oldest = await readLogEntry(table, dataset, final.batches + 1, signal);
  const segment = oldest === null ? null : await readSegmentEntry(table, dataset, oldest, signal);
  if (segment === null) return;
  observer.count('Anchor.lagSeconds', Math.max(0, Math.floor((nowMs() - segment.receivedAtMs) / 1_000)));
}

/** Whether the log has the chain's head, if need be by adopting the chain's history. */
async function followChain(
  ports: AnchorPorts,
  dataset: DatasetId,
  latest: Head,
  signal?: AbortSignal,
): Promise<boolean> {
  const { observer } = ports;
  const adoption = await adoptChainLog(ports, dataset, latest, signal);
  if (adoption === 'agrees') return true;
  const fields = { dataset, batches: latest.batches, adoption };
  if (adoption === 'adopted') {
    observer.warn('the log follows the chain', fields);
    observer.count('Anchor.logAdopted');
    // What was stored behind the chain's head, and belongs there, comes back.
    await extendLog(ports, dataset, signal);
    return true;
  }
  // Recorded by the device itself and not checked in yet, or stored elsewhere.
  observer.warn('the chain has batches that are not stored here', fields);
  observer.count('Anchor.chainAhead');
  return false;
}

async function pendingOf(
  ports: AnchorPorts,
  { dataset, parties, latest, onlyPaid }: Work,
  end: LogEntry,
  unpaid: Unpaid | null,
  signal?: AbortSignal,
): Promise<Pending | null> {
  const from = latest.batches + 1;
  const to = Math.min(end.batches, latest.batches + MAX_PENDING_BATCHES);
  const entries = await queryLog(ports.table, dataset, from, to, signal);
  const last = entries.findLastIndex((entry) => entry.signer === parties.device);
  const pending = entries.slice(0, last + 1);
  const before = latest.batches === 0 ? null : await readLogEntry(ports.table, dataset, latest.batches, signal);
  if (pending.length === 0 || !followsOn(ports, dataset, latest, before, pending)) return null;
  if (!(await isDue(ports, dataset, pending[0] as LogEntry, signal))) return null;
  return { dataset, batches: latest.batches, device: parties.device, onlyPaid, unpaid, entries: pending };
}

/** Whether these entries lead on from the chain's head. While the log is being rewritten, what was read may be of two. */
function followsOn(
  { primitives }: AnchorPorts,
  dataset: DatasetId,
  latest: Head,
  before: LogEntry | null,
  entries: readonly LogEntry[],
): boolean {
  let frontier = before === null ? EMPTY_FRONTIER : frontierOf(before);
  if (!equalBytes(frontierRoot(primitives, frontier), latest.root)) return false;
  for (const entry of entries) frontier = appendLeaf(primitives, frontier, leafHashOf(primitives, dataset, entry));
  return equalBytes(frontierRoot(primitives, frontier), (entries.at(-1) as LogEntry).root);
}

async function isDue(
  { table, nowMs, settings }: AnchorPorts,
  dataset: DatasetId,
  oldest: LogEntry,
  signal?: AbortSignal,
): Promise<boolean> {
  const { recordEveryMs = 0 } = settings();
  if (recordEveryMs === 0) return true;
  const segment = await readSegmentEntry(table, dataset, oldest, signal);
  return segment === null || nowMs() - segment.receivedAtMs >= recordEveryMs;
}

function resume({ table }: AnchorPorts, dataset: DatasetId, signal?: AbortSignal): Promise<unknown> {
  return changeDatasetEntry(
    table,
    dataset,
    ({ suspendedAtBatches: _, suspendedReason: __, suspendedUpTo: ___, ...rest }) => rest,
    signal,
  );
}

/** Sends nothing more of this dataset until the chain's head has moved, or a newer head of its device is stored. */
export async function suspendDataset(
  { table, observer }: AnchorPorts,
  { dataset, batches, entries }: Pending,
  reason: string,
  signal?: AbortSignal,
): Promise<void> {
  const upTo = entries.at(-1)?.batches ?? batches;
  observer.error('dataset suspended', { dataset, batches, upTo, reason });
  observer.count('Anchor.suspended');
  await changeDatasetEntry(
    table,
    dataset,
    (entry) => ({ ...entry, suspendedAtBatches: batches, suspendedUpTo: upTo, suspendedReason: reason }),
    signal,
  );
}
