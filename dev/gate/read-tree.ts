import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSource } from './read-source.ts';
import type { ReadSource } from './use.ts';

/** What npm, builds and Foundry put there: nobody wrote it here. */
const NOT_OURS = ['node_modules', 'build', 'cache', 'lib', 'out'];
const SOURCE = /\.[cm]?[jt]sx?$/;

/** A tree, read. */
export interface Tree {
  readonly sources: readonly ReadSource[];
  /** Every file, sources or not. */
  readonly paths: ReadonlySet<string>;
}

/**
 * Reads every source file below a folder, in the order of their paths.
 * @throws Error with the name of a file that does not parse
 */
export function readTree(root: string): Tree {
  const exclude = (name: string) => NOT_OURS.includes(name);
  const paths = globSync('**/*.*', { cwd: root, exclude })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
  const sources = paths.filter((path) => SOURCE.test(path));
  return {
    sources: sources.map((path) => read(root, path)),
    paths: new Set(paths),
  };
}

function read(root: string, path: string): ReadSource {
  try {
    return readSource(path, readFileSync(join(root, path), 'utf8'));
  } catch (cause) {
    throw new Error(`The import gate cannot read ${path}.`, { cause });
  }
}
