import { checkTree, type Verdict } from '../../dev/gate/check-tree.ts';
import { readSource } from '../../dev/gate/read-source.ts';
import { rooms } from '../../dev/gate/rooms.ts';

/** What the gate says of files that exist only here, under the rooms of the house. */
export function checkFiles(files: Readonly<Record<string, string>>): Verdict {
  const sources = Object.entries(files).map(([path, text]) => readSource(path, text));
  return checkTree(rooms, sources, new Set(Object.keys(files)));
}
