import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { StoreUnavailableError } from '../../core/errors.ts';
import type { DatasetId, LogRoot } from '../../core/ids.ts';
import type { Head } from '../../core/log/head.ts';
import { appendLogEntry, findLogEntry, readLogEnd } from '../state/log-entry.ts';
import { keepRecords } from '../state/records-entry.ts';
import type { ReadableSegment, StoredSegment } from '../state/segment-entry.ts';
import { noteWaiting } from '../state/waiting-entry.ts';
import { appendSegment } from './append-segment.ts';
import { extendLog } from './extend-log.ts';
import { fillGap } from './fill-gap.ts';
import type { GrowingPorts } from './growing-ports.ts';
import { readManifest } from './read-manifest.ts';
import { readmitSegment, rejectRoots } from './reject-root.ts';

/** `waiting`: a predecessor is missing. `superseded`: another segment took the place first. */
export type Placement = 'placed' | 'waiting' | 'superseded' | 'rejected';

export interface Placed {
  readonly placement: Placement;
  /** The log that it was appended to, where that is all that has changed; null where more has, or it was in the log already. */
  readonly before: Pick<Head, 'size' | 'root'> | null;
}

type Tried = { readonly placement: Placement; readonly before: Placed['before'] } | 'again';

type Segment = StoredSegment & ReadableSegment;

const ATTEMPTS = 20;

/**
 * Puts a verified segment into the dataset's log, and behind it some of what was waiting for it. Acts on state alone, so it may
 * be repeated, raced and cut off anywhere.
 * @param manifest of the segment, where it was just read
 */
export async function placeSegment(
  ports: GrowingPorts,
  dataset: DatasetId,
  segment: Segment,
  manifest: Manifest | null,
  signal?: AbortSignal,
): Promise<Placed> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const tried = await tryPlace(ports, dataset, segment, manifest, signal);
    if (tried === 'again') continue;
    if (tried.placement !== 'placed') return tried;
    const { more, moved } = await extendLog(ports, dataset, signal);
    return more || moved ? { placement: 'placed', before: null } : tried;
  }
  throw new StoreUnavailableError(`The log of dataset ${dataset} is changing too often. Try again.`);
}

async function tryPlace(
  ports: GrowingPorts,
  dataset: DatasetId,
  segment: Segment,
  given: Manifest | null,
  signal?: AbortSignal,
): Promise<Tried> {
  const { primitives, table } = ports;
  const { first, sha256Hex } = segment;
  const is = (placement: Placement): Tried => ({ placement, before: null });
  const end = await readLogEnd(table, dataset, signal);
  const size = end?.size ?? 0;
  if (first > size) {
    await noteWaiting(table, dataset, segment, signal);
    // Its predecessor may have come between the look and the word.
    return ((await readLogEnd(table, dataset, signal))?.size ?? 0) >= first ? 'again' : is('waiting');
  }
  if (first < size) {
    const there = await findLogEntry(table, dataset, first, signal);
    if (there?.first === first && there.sha256Hex === sha256Hex) return is('placed');
    if (there === null || there.sha256Hex !== null) return is('superseded');
    return (await fillGap(ports, dataset, there, signal)) ? 'again' : is('superseded');
  }
  const manifest = given ?? (await readManifest(ports, dataset, segment, signal));
  if (manifest === null) throw new StoreUnavailableError(`The manifest of ${segment.key} cannot be read now.`);
  const entry = appendSegment(primitives, end, segment, manifest);
  if (entry === null) {
    await rejectRoots(ports, dataset, [segment], signal);
    return is('rejected');
  }
  await keepRecords(ports, dataset, sha256Hex, manifest, signal);
  if (!(await appendLogEntry(table, dataset, entry, signal))) return 'again';
  if (segment.state === 'rejected') await readmitSegment(ports, dataset, segment, signal);
  return { placement: 'placed', before: { size, root: (end?.root ?? new Uint8Array(32)) as LogRoot } };
}
