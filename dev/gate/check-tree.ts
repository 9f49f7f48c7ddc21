import type { Awaited } from './awaited.ts';
import { checkUse } from './check-use.ts';
import { findCircles, leadsTo } from './find-circles.ts';
import { type House, isIn, type Rooms, roomOf } from './room.ts';
import { nameOf, type ReadSource, type Use } from './use.ts';

/** What the check has to say of a tree. */
export interface Verdict {
  /** One refusal a line, each with the file, the line in it, the room that may not, and what is allowed. */
  readonly refusals: readonly string[];
  /** Uses that `awaiting.json` still excuses and nobody makes any more, by file. */
  readonly settled: ReadonlyMap<string, readonly string[]>;
  /** How many uses are excused. */
  readonly excused: number;
  /** Files looked at, by room. */
  readonly files: ReadonlyMap<string, number>;
}

/**
 * Holds every file to its room.
 * @param paths every file of the tree, sources or not
 */
export function checkTree(
  { rooms, awaited }: { readonly rooms: Rooms; readonly awaited: Awaited },
  sources: readonly ReadSource[],
  paths: ReadonlySet<string>,
): Verdict {
  const house: House = { rooms, paths };
  const refusals: string[] = [];
  const files = new Map<string, number>();
  const needed = new Set<string>();
  // Circles are looked for without the excused arrows; whether these still close one is asked of all.
  const [arrows, all] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
  const held: { path: string; target: string; excuse: string }[] = [];
  let excused = 0;
  for (const { path, uses } of sources) {
    files.set(roomOf(path), (files.get(roomOf(path)) ?? 0) + 1);
    const room = rooms[roomOf(path)];
    if (room === undefined) {
      refusals.push(`${path}:1 lies in no room. Give ${roomOf(path)} an entry in dev/gate/rooms.ts.`);
      continue;
    }
    const excuseOf = (use: Use) => awaited[path]?.find((place) => isIn(nameOf(use), place));
    const toFiles = uses.filter((use) => use.kind === 'file');
    all.set(path, new Set(toFiles.map(({ target }) => target)));
    arrows.set(path, new Set(toFiles.filter((use) => excuseOf(use) === undefined).map(({ target }) => target)));
    for (const use of uses) {
      const why = checkUse(house, room, path, use);
      const excuse = excuseOf(use);
      if (excuse !== undefined) excused++;
      if (excuse !== undefined && why !== null) needed.add(`${path} ${excuse}`);
      else if (excuse !== undefined && use.kind === 'file') held.push({ path, target: use.target, excuse });
      else if (why !== null) refusals.push(`${path}:${use.line} ${why}`);
    }
  }
  for (const circle of findCircles(arrows)) refusals.push(sayCircle(circle, sources));
  for (const { path, target, excuse } of held) {
    if (leadsTo(all, target, path)) needed.add(`${path} ${excuse}`);
  }
  const settled = Object.entries(awaited).map(
    ([path, names]) => [path, names.filter((name) => !needed.has(`${path} ${name}`))] as const,
  );
  return { refusals, settled: new Map(settled.filter(([, names]) => names.length > 0)), excused, files };
}

function sayCircle(circle: readonly string[], sources: readonly ReadSource[]): string {
  const [first, second] = circle;
  const uses = sources.find(({ path }) => path === first)?.uses ?? [];
  const line = uses.find((use) => use.kind === 'file' && use.target === second)?.line ?? 1;
  const size = circle.length - 1;
  const who = size === 1 ? 'imports itself' : `stands in a circle of ${size} files`;
  return `${first}:${line} ${who}: ${circle.join(' -> ')}. Put what they share, types too, into a file that imports neither.`;
}
