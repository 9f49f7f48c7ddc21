import { equalBytes } from '../../core/bytes.ts';
import type { Address } from '../../core/ids.ts';
import type { SignedHead } from '../../core/log/head.ts';
import { TILE_WIDTH } from '../../core/log/tiles.ts';
import type { ChainDevice } from '../../core/ports/ledger.ts';
import { leafOfHead, type MapLeaf } from '../../core/rounds/map-leaf.ts';
import { readHeadsInMap } from '../../core/rounds/read-map.ts';
import { updateMap } from '../../core/rounds/update-map.ts';
import { readMapEntry, writeMapEntry } from '../rounds/map-entry.ts';
import { createTablePages, rememberPages } from '../rounds/table-pages.ts';
import { isBoundedGrowth } from '../rounds/take-in-heads.ts';
import { type Era, noteReplaced } from '../rounds/thin-rounds.ts';
import type { HeadMark } from '../state/head-mark.ts';
import { type Mark, markLater } from '../state/work-marks.ts';
import type { AnchorPorts } from './anchor-ports.ts';

/** A dataset whose mark says all that there is to know. */
export interface Plain {
  readonly mark: Mark;
  readonly newest: HeadMark;
  /** Heads that the newest one extends, by the marks: its own log's earlier ends, back to the first mark's. */
  readonly extended: readonly HeadMark['before'][];
}

/** Where so many whole tiles have come together, they are written in one go. */
const TILES_AT_ONCE = 4;
/** What an anchored head covers becomes tiles once its round is final. */
const TILES_AFTER_MS = 20 * 60_000;

/**
 * Takes heads into the map by their marks alone, with one reading of the map for all: those whose marks lead from the head
 * that it has to the new one.
 * @returns those of which they do not, to be looked at; null when another run has written the map meanwhile: begin again
 * @throws StateError when a page of the map is lost or damaged
 */
export async function takeInPlain(
  ports: AnchorPorts,
  plain: readonly Plain[],
  era: Era,
  signal?: AbortSignal,
): Promise<Mark[] | null> {
  if (plain.length === 0) return [];
  const { primitives, table, runtime, recorder } = ports;
  const kept = await readMapEntry(table, recorder.account, signal);
  const pages = rememberPages(createTablePages(table, era, signal));
  const datasets = plain.map(({ mark }) => mark.dataset);
  const before = await readHeadsInMap(primitives, pages, kept.map, datasets);
  const steps = plain.map((one) => ({ ...one, held: before.get(one.mark.dataset) ?? null }));
  const [following, others] = partition(steps, ({ newest, extended, held }) => follows(newest.head, extended, held));
  const moving = following.filter(({ newest, held }) => !isSame(newest.head, held));
  if (moving.length > 0) {
    const changes = moving.map(({ mark: { dataset }, newest: { head } }) => ({
      dataset,
      leaf: leafOfHead(primitives, head),
    }));
    const { map, replaced } = await updateMap(primitives, pages, kept.map, changes);
    const { aheadSinceMs, wholeSince, condition } = kept;
    const entry = { map, aheadSinceMs: aheadSinceMs ?? runtime.nowMs(), wholeSince };
    if (!(await writeMapEntry(table, recorder.account, entry, condition, signal))) return null;
    await noteReplaced(table, recorder.account, { map, replaced }, era, signal);
  }
  // Before their marks go: where this stops in between, they are looked at once too often.
  const tiled = moving.filter(({ newest, held }) => hasNewTiles(held?.size ?? 0, newest.head.size));
  const inTiles = tiled.map(({ mark }) => mark.dataset);
  if (inTiles.length > 0) await markLater(table, inTiles, runtime.nowMs() + TILES_AFTER_MS, signal);
  await table.deleteMany(
    following.flatMap(({ mark }) => mark.keys),
    signal,
  );
  return others.map(({ mark }) => mark);
}

/**
 * Those of the marked datasets of which nothing else has to be known, by two readings of the chain for all: the charter in
 * force names this service, the head is that device's, and DISSC has nothing of them. All others are to be looked at.
 * @throws LedgerUnavailableError
 */
export async function findPlain(ports: AnchorPorts, marks: readonly Mark[], signal?: AbortSignal): Promise<Plain[]> {
  const { ledger, recorder } = ports;
  const marked = marks.flatMap((mark) => {
    const newest = mark.heads.at(-1);
    if (newest === undefined || mark.look !== null || mark.heads.length < mark.keys.length) return [];
    const { owner, device, anchorer } = newest.charter;
    const isOurs = anchorer === recorder.account && newest.signer === device;
    return isOurs ? [{ mark, newest, owner: owner as Address }] : [];
  });
  const quotas = await ports.owners.quotasOf(
    marked.map(({ owner }) => owner),
    signal,
  );
  const likely = marked
    .filter((_, i) => quotas[i] !== null)
    .map(({ mark, newest }) => ({ mark, newest, extended: extendedBy(mark.heads) }));
  if (likely.length === 0) return [];
  const datasets = likely.map(({ mark }) => mark.dataset);
  const [{ heads }, { devices }] = await Promise.all([
    ledger.readHeads(datasets, 'latest', signal),
    ledger.readDevices(datasets, 'latest', signal),
  ]);
  return likely.filter(
    ({ newest }, i) => heads[i]?.size === 0 && isInForce(newest.charter, (devices[i] ?? null) as ChainDevice | null),
  );
}

/** Whether the chain says of the charter what whoever marked the head has seen. */
function isInForce({ onChain, serial, device }: HeadMark['charter'], there: ChainDevice | null): boolean {
  if (there === null) return !onChain;
  return onChain && there.serial === serial && there.device === device;
}

/** The ends of the log that the last of these heads was appended to, as far back as they follow on each other. */
function extendedBy(heads: readonly HeadMark[]): HeadMark['before'][] {
  const extended: HeadMark['before'][] = [];
  let next = heads.at(-1);
  for (let i = heads.length - 2; next !== undefined; i--) {
    const { before }: HeadMark = next;
    extended.push(before);
    next = heads.slice(0, i + 1).find(({ head }) => head.size === before.size && equalBytes(head.root, before.root));
  }
  return extended;
}

function follows(head: SignedHead, extended: Plain['extended'], held: MapLeaf | null): boolean {
  if (held === null || isSame(head, held)) return true;
  if (!isBoundedGrowth(held.size, head.size)) return false;
  return extended.some(({ size, root }) => size === held.size && equalBytes(root, held.root));
}

function isSame(head: SignedHead, held: MapLeaf | null): boolean {
  return held !== null && head.size === held.size && equalBytes(head.root, held.root);
}

function hasNewTiles(from: number, to: number): boolean {
  const width = TILES_AT_ONCE * TILE_WIDTH;
  return Math.floor(to / width) > Math.floor(from / width);
}

function partition<T>(list: readonly T[], test: (one: T) => boolean): [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []];
  for (const one of list) (test(one) ? yes : no).push(one);
  return [yes, no];
}
