import type { Awaited } from '../../dev/gate/awaited.ts';
import { checkTree, type Verdict } from '../../dev/gate/check-tree.ts';
import { readSource } from '../../dev/gate/read-source.ts';
import { rooms } from '../../dev/gate/rooms.ts';

/** What the gate says of files that exist only here, under the rooms of the house and with nothing excused unless it is said. */
export function checkFiles(files: Readonly<Record<string, string>>, awaited: Awaited = {}): Verdict {
  const sources = Object.entries(files).map(([path, text]) => readSource(path, text));
  return checkTree({ rooms, awaited }, sources, new Set(Object.keys(files)));
}
