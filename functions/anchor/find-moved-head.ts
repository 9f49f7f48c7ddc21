import { TILE_WIDTH } from '../../core/log/tiles.ts';
import { readHeadsInMap } from '../../core/rounds/read-map.ts';
import { growTiles } from '../log/grow-tiles.ts';
import { headOf } from '../log/open-log.ts';
import { readTablePages } from '../rounds/table-pages.ts';
import type { MovedHead } from '../rounds/take-in-heads.ts';
import type { LogEntry } from '../state/entries.ts';
import type { AnchorPorts } from './anchor-ports.ts';
import type { Work } from './dataset-work.ts';
import { findNewestHead } from './newest-head.ts';

interface Seen {
  readonly end: LogEntry;
  readonly tiledTo: number | undefined;
  /** Whether stored segments wait to be taken into the log. */
  readonly more: boolean;
}

/** The newest head of a dataset that stands in this service's rounds; its tiles follow what is final there. */
export async function findMovedHead(
  ports: AnchorPorts,
  work: Work,
  { end, tiledTo, more }: Seen,
  signal?: AbortSignal,
): Promise<MovedHead> {
  const { dataset, parties } = work;
  const isTiled = await growFinalTiles(ports, work, { end, tiledTo }, signal);
  const newest = await findNewestHead(ports.table, dataset, { recordedSize: 0, device: parties.device }, end, signal);
  const mark = more || !isTiled ? null : work.mark;
  return { dataset, head: headOf(dataset, newest), writesFrom: parties.writesFrom, mark };
}

/** True when no tile is left to be written now. */
async function growFinalTiles(
  ports: AnchorPorts,
  { dataset, finalMap, final }: Work,
  { end, tiledTo = 0 }: Pick<Seen, 'end' | 'tiledTo'>,
  signal?: AbortSignal,
): Promise<boolean> {
  if (end.size < tiledTo + TILE_WIDTH) return true;
  const pages = readTablePages(ports.table, signal);
  const inRound = finalMap === null ? null : await readHeadsInMap(ports.primitives, pages, finalMap, [dataset]);
  const size = Math.max(final.head.size, inRound?.get(dataset)?.size ?? 0);
  return !(await growTiles(ports, dataset, size, tiledTo, signal));
}
