import { checkUse } from './check-use.ts';
import { findCircles } from './find-circles.ts';
import { type House, type Rooms, roomOf } from './room.ts';
import type { ReadSource } from './use.ts';

/** What the check has to say of a tree. */
export interface Verdict {
  /** One refusal a line, each with the file, the line in it, the room that may not, and what is allowed. */
  readonly refusals: readonly string[];
  /** Files looked at, by room. */
  readonly files: ReadonlyMap<string, number>;
}

/**
 * Holds every file to its room.
 * @param paths every file of the tree, sources or not
 */
export function checkTree(rooms: Rooms, sources: readonly ReadSource[], paths: ReadonlySet<string>): Verdict {
  const house: House = { rooms, paths };
  const refusals: string[] = [];
  const files = new Map<string, number>();
  const arrows = new Map<string, Set<string>>();
  for (const { path, uses } of sources) {
    files.set(roomOf(path), (files.get(roomOf(path)) ?? 0) + 1);
    const room = rooms[roomOf(path)];
    if (room === undefined) {
      refusals.push(`${path}:1 lies in no room. Give ${roomOf(path)} an entry in dev/gate/rooms.ts.`);
      continue;
    }
    const toFiles = uses.filter((use) => use.kind === 'file');
    arrows.set(path, new Set(toFiles.map(({ target }) => target)));
    for (const use of uses) {
      const why = checkUse(house, room, path, use);
      if (why !== null) refusals.push(`${path}:${use.line} ${why}`);
    }
  }
  for (const circle of findCircles(arrows)) refusals.push(sayCircle(circle, sources));
  return { refusals, files };
}

function sayCircle(circle: readonly string[], sources: readonly ReadSource[]): string {
  const [first, second] = circle;
  const uses = sources.find(({ path }) => path === first)?.uses ?? [];
  const line = uses.find((use) => use.kind === 'file' && use.target === second)?.line ?? 1;
  const size = circle.length - 1;
  const who = size === 1 ? 'imports itself' : `stands in a circle of ${size} files`;
  return `${first}:${line} ${who}: ${circle.join(' -> ')}. Put what they share, types too, into a file that imports neither.`;
}
