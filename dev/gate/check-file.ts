import { type Floor, type House, isFor, isIn, list, type Room, roomOf } from './room.ts';

/** Why the import of a file is refused, in words; null when it is allowed. */
export function checkFile({ rooms, paths }: House, path: string, room: Room, target: string): string | null {
  const [name, other] = [roomOf(path), roomOf(target)];
  if (target.startsWith('..') || target.split('/').includes('node_modules')) {
    return `imports ${target} by its path. Import a package by its name, and nothing from outside the tree.`;
  }
  if (!paths.has(target)) return `imports ${target}, which does not exist. Name the file as it is, with its ending.`;
  if (name === other) return checkFloors(room.floors ?? [], path, target);
  const places = Object.keys(room.imports).filter((place) => isIn(target, place));
  if (places.some((place) => isFor(room.imports[place], path))) return null;
  const narrow = places.map((place) => `In ${name}/, ${list([place])} is for ${list(room.imports[place] ?? [])}`);
  const mine = Object.keys(room.imports).filter((place) => isFor(room.imports[place], path));
  const may = narrow.length > 0 ? narrow.join('; ') : `${name}/ may import ${list([name, ...mine])}`;
  const whose = rooms[other] === undefined ? '' : ` ${other}/ is ${rooms[other].purpose}.`;
  return `imports ${target}. ${may} alone.${whose} Take what you need as an argument, or move it further in.`;
}

function checkFloors(floors: readonly Floor[], path: string, target: string): string | null {
  const [from, to] = [floorOf(floors, path), floorOf(floors, target)];
  if (to <= from) return null;
  const below = floors.slice(0, from + 1).map((floor) => floor.name);
  return (
    `imports ${target}, which is up on the floor "${floors[to]?.name}". The floor "${floors[from]?.name}" may import ` +
    `${below.join(', ')} alone. Move what both need down (dev/gate/floors.ts has the floors).`
  );
}

/** The floor that names a file most closely. */
function floorOf(floors: readonly Floor[], path: string): number {
  const near = floors.map(({ at }) => Math.max(-1, ...at.filter((place) => isIn(path, place)).map((p) => p.length)));
  return near.indexOf(Math.max(...near));
}
