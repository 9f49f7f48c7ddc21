import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { equalBytes } from '../../core/bytes.ts';
import { ProofError } from '../../core/errors.ts';
import type { DatasetId } from '../../core/ids.ts';
import { growPeaks } from '../../core/log/growth.ts';
import { rootOfPeaks } from '../../core/log/peaks.ts';
import { recordHash } from '../../core/log/record.ts';
import { appendSegment } from '../log/append-segment.ts';
import { cutLog } from '../log/cut-log.ts';
import type { GrowingPorts } from '../log/growing-ports.ts';
import { partOfBatch } from '../log/part-of-batch.ts';
import { readManifest } from '../log/read-manifest.ts';
import { readmitSegment } from '../log/reject-root.ts';
import { datasetPk, type LogEntry, logSk, segmentSk } from '../state/entries.ts';
import { appendLogEntry, batchOf, findLogEntry, isPart, peaksAfter, splitHashes } from '../state/log-entry.ts';
import { queryPages } from '../state/query-pages.ts';
import { isReadable, readSegmentEntry, segmentPages } from '../state/segment-entry.ts';
import { mendRecords } from './mend-records.ts';

/** What should stand in the log, and the manifest that it follows from; null where its object cannot be read. */
interface Checked {
  readonly entry: LogEntry;
  readonly manifest: Manifest | null;
}

const LAST_BLOCK = Number.MAX_SAFE_INTEGER;

/**
 * Goes through a dataset's log from its beginning, makes each entry again from its segment, and writes those that are missing
 * or wrong, with the records of their blocks. Where no segment leads on, what stands behind is cut off: following the chain
 * puts it back (adopt-chain-log).
 * @returns items written or removed
 */
export async function mendLog(ports: GrowingPorts, dataset: DatasetId, signal?: AbortSignal): Promise<number> {
  const { table } = ports;
  const places = new Set<string>();
  let mended = 0;
  let last: LogEntry | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const first: number = last?.size ?? 0;
    const found = await findLogEntry(table, dataset, first, signal);
    const there = found?.first === first ? found : null;
    const right: Checked | null =
      (there === null ? null : await checkEntry(ports, dataset, last, there, signal)) ??
      (await findFollowing(ports, dataset, last, signal));
    if (right === null) break;
    const { entry, manifest }: Checked = right;
    if (manifest !== null && entry.sha256Hex !== null) {
      mended += await mendRecords(ports, dataset, entry.sha256Hex, manifest, signal);
    }
    if (there === null) {
      // Another process may have gone on here: then that is looked at.
      if (!(await appendLogEntry(table, dataset, entry, signal))) continue;
      mended++;
    } else if (!isSame(there, entry)) {
      await table.put({ pk: datasetPk(dataset), sk: logSk(first), ...entry }, 'any', signal);
      mended++;
    }
    places.add(logSk(first));
    last = entry;
  }
  return mended + (await removeStrays(ports, dataset, last?.size ?? 0, places, signal));
}

/** What an entry should say; null when it does not follow on the one before. */
async function checkEntry(
  ports: GrowingPorts,
  dataset: DatasetId,
  before: LogEntry | null,
  there: LogEntry,
  signal?: AbortSignal,
): Promise<Checked | null> {
  const { sha256Hex } = there;
  if (sha256Hex === null) return isGrown(ports, before, there) ? { entry: there, manifest: null } : null;
  const name = batchOf(there) ?? there;
  const segment = await readSegmentEntry(ports.table, dataset, { first: name.first, sha256Hex }, signal);
  const isKnown = segment !== null && isReadable(segment);
  const manifest = isKnown ? await readManifest(ports, dataset, segment, signal) : null;
  if (!isKnown || manifest === null) {
    // Its object is lost: that takes its blocks, not its place in the log.
    return isCoherent(ports, there) ? { entry: there, manifest: null } : null;
  }
  const entry = isPart(there)
    ? checkPart(ports, before, there, segment, manifest)
    : appendSegment(ports.primitives, before, segment, manifest);
  return entry === null ? null : { entry, manifest };
}

/** A part that the chain's event vouched for leads to the same root again. */
function checkPart(
  { primitives }: GrowingPorts,
  before: LogEntry | null,
  { first, size, root }: LogEntry,
  segment: Parameters<typeof partOfBatch>[2],
  manifest: Manifest,
): LogEntry | null {
  if (first !== (before?.size ?? 0) || size > segment.headSize) return null;
  const leaves = manifest.blocks.map(({ record }) => recordHash(primitives, record));
  const entry = partOfBatch(primitives, before, segment, leaves, size);
  return equalBytes(entry.root, root) ? entry : null;
}

function isGrown({ primitives }: GrowingPorts, before: LogEntry | null, { size, root, peaks, appended }: LogEntry) {
  try {
    const grown = growPeaks(primitives, peaksAfter(before), size, splitHashes(appended ?? new Uint8Array(0)));
    const isRoot = equalBytes(rootOfPeaks(primitives, grown), root);
    return isRoot && splitHashes(peaks).every((peak, i) => equalBytes(peak, grown.peaks[i] ?? new Uint8Array(0)));
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}

function isCoherent({ primitives }: GrowingPorts, { root, peaks }: LogEntry): boolean {
  return peaks.length > 0 && equalBytes(rootOfPeaks(primitives, { peaks: splitHashes(peaks) }), root);
}

/** Of the stored segments that follow on an entry the one that the log has gone on behind, else the one that came first. */
async function findFollowing(
  ports: GrowingPorts,
  dataset: DatasetId,
  before: LogEntry | null,
  signal?: AbortSignal,
): Promise<Checked | null> {
  const { table } = ports;
  const first = before?.size ?? 0;
  const candidates = [];
  const rivals = { from: segmentSk(first, ''), to: segmentSk(first, 'g') };
  for await (const page of segmentPages(table, dataset, rivals, signal)) {
    for (const segment of page) {
      const mayFit = segment.state === 'received' || segment.rejection === 'root';
      if (!isReadable(segment) || !mayFit) continue;
      const behind = await findLogEntry(table, dataset, segment.headSize, signal);
      candidates.push({ segment, isFollowed: behind?.first === segment.headSize });
    }
  }
  candidates.sort(
    (a, b) => Number(b.isFollowed) - Number(a.isFollowed) || a.segment.receivedAtMs - b.segment.receivedAtMs,
  );
  for (const { segment } of candidates) {
    const manifest = await readManifest(ports, dataset, segment, signal);
    const entry = manifest === null ? null : appendSegment(ports.primitives, before, segment, manifest);
    if (entry === null) continue;
    if (segment.state === 'rejected') await readmitSegment(ports, dataset, segment, signal);
    return { entry, manifest };
  }
  return null;
}

function isSame(one: LogEntry, other: LogEntry): boolean {
  return (
    one.size === other.size &&
    one.sha256Hex === other.sha256Hex &&
    one.signer === other.signer &&
    one.serial === other.serial &&
    one.gaps === other.gaps &&
    equalBytes(one.root, other.root) &&
    equalBytes(one.peaks, other.peaks) &&
    equalBytes(one.signature ?? new Uint8Array(0), other.signature ?? new Uint8Array(0))
  );
}

/** Removes what is no entry of the log, damaged items among them. */
async function removeStrays(
  { table }: GrowingPorts,
  dataset: DatasetId,
  size: number,
  places: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<number> {
  let removed = 0;
  const range = { from: logSk(0), to: logSk(LAST_BLOCK) };
  for await (const items of queryPages(table, datasetPk(dataset), range, signal)) {
    for (const { sk, version } of items) {
      if (places.has(sk)) continue;
      removed++;
      if (sk >= logSk(size)) {
        await cutLog(table, dataset, size, signal);
        return removed;
      }
      await table.delete(datasetPk(dataset), sk, { version }, signal);
    }
  }
  return removed;
}
