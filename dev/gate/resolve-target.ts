import { posix } from 'node:path';

type Target =
  | { readonly kind: 'file' | 'found file'; readonly target: string }
  | { readonly kind: 'package'; readonly target: string; readonly typeOnly: boolean };

/**
 * What the words of an import mean: a path from the root of the tree for what begins with a dot, else a package by the
 * very words. An absolute path, a URL and the package's own name are such words too, and on nobody's list.
 * @param way `find` for what is only looked up from the file's place
 */
export function resolveTarget(from: string, text: string, way: 'import' | 'find', typeOnly: boolean): Target {
  const isPath = text.startsWith('./') || text.startsWith('../') || text === '.' || text === '..';
  if (!isPath && way === 'import') return { kind: 'package', target: text, typeOnly };
  const target = posix.join(posix.dirname(from), text).replace(/(.)\/$/, '$1');
  return { kind: way === 'import' ? 'file' : 'found file', target };
}
