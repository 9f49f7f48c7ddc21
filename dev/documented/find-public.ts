import { dirname, join } from 'node:path';
import { readExports } from './read-exports.ts';

/** What of a room programs may import. */
export interface PublicPart {
  /** Whether this export is used by another room, tests aside, or lies in a file that the package opens. */
  readonly isPublic: (path: string, name: string) => boolean;
  /** What the package opens and is not there, one a line. */
  readonly closed: readonly string[];
}

/** @param opened keys of the package's `exports`, such as `./client/audit-blocks` */
export function findPublic(
  room: string,
  sources: readonly { readonly path: string; readonly text: string }[],
  opened: readonly string[],
): PublicPart {
  const doors = opened.filter((key) => key.startsWith(`./${room}/`)).map((key) => `${key.slice(2)}.ts`);
  const paths = new Set(sources.map(({ path }) => path));
  const used = new Set<string>();
  for (const { path, text } of sources) {
    if (path.startsWith(`${room}/`) || path.startsWith('test/')) continue;
    for (const { from, name } of readExports(path, text).imports.values()) {
      if (from.startsWith('.')) used.add(`${join(dirname(path), from)} ${name}`);
    }
  }
  return {
    isPublic: (path, name) => doors.includes(path) || (path.startsWith(`${room}/`) && used.has(`${path} ${name}`)),
    closed: doors.filter((path) => !paths.has(path)).map((path) => `package.json opens ${path}, which is not there.`),
  };
}
