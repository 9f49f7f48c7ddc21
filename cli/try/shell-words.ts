import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';

/** A word as a shell takes it. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A path as it is shortest from here. */
export function nearPath(path: string): string {
  const near = relative(process.cwd(), path);
  if (near === '') return '.';
  return near.startsWith('..') ? path : near;
}

/** How this program is called from here: by its name where the shell finds it, else by its path in the repository. */
export function calledAs(): string {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && isProgram(join(folder, 'plumb')));
  if (found) return 'plumb';
  const program = resolve(dirname(process.argv[1] ?? ''), '..', 'bin', 'plumb');
  return isProgram(program) ? quoted(nearPath(program)) : 'plumb';
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
