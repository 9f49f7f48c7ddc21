import { type For, isIn, type Rooms, roomOf } from './room.ts';
import type { ReadSource } from './use.ts';

/**
 * Entries of the lists that no file needs, so that the lists stay as short as the house. A room that has no files yet
 * keeps its entries, and so does who may import it.
 */
export function findUnused(rooms: Rooms, sources: readonly ReadSource[]): string[] {
  const said: string[] = [];
  for (const [name, room] of Object.entries(rooms)) {
    const own = sources.filter(({ path }) => roomOf(path) === name);
    if (own.length === 0) continue;
    const look = (
      list: Readonly<Record<string, For>>,
      what: string,
      uses: (source: ReadSource, key: string) => boolean,
    ) => {
      for (const [key, places] of Object.entries(list)) {
        const users = own.filter((source) => uses(source, key));
        for (const place of places === 'all' ? [name] : places) {
          if (users.some(({ path }) => isIn(path, place))) continue;
          said.push(`dev/gate/rooms.ts gives ${place} the ${what} ${key}, which nothing there needs. Delete it.`);
        }
      }
    };
    const isThere = ([place]: [string, For]) => sources.some(({ path }) => isIn(path, place)) || !rooms[roomOf(place)];
    const imports = Object.fromEntries(Object.entries(room.imports).filter(isThere));
    look(imports, 'room or file', ({ uses }, key) => uses.some((use) => use.kind === 'file' && isIn(use.target, key)));
    look(room.packages, 'package', ({ uses }, key) => uses.some((use) => use.kind === 'package' && use.target === key));
    look(room.types ?? {}, 'types of', ({ uses }, key) =>
      uses.some((use) => use.kind === 'package' && use.typeOnly && use.target === key),
    );
    const loads = Object.fromEntries((room.loads ?? []).map((place) => [place, [place]]));
    look(loads, 'path made at run time,', ({ uses }) => uses.some((use) => use.kind === 'run-time path'));
    for (const place of (room.floors ?? []).flatMap(({ at }) => at)) {
      if (!own.some(({ path }) => isIn(path, place)))
        said.push(`dev/gate/floors.ts names ${place}, which is not there.`);
    }
  }
  return said;
}
