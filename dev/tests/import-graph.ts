import { readFileSync } from 'node:fs';
import { join, matchesGlob, posix } from 'node:path';
import { HIDDEN_NEEDS } from './hidden-needs.ts';

/** What each file of the tree needs of the others, by path from the root. */
export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>;

const ROOT = join(import.meta.dirname, '..', '..');
const TYPES_ALONE = /^(?:import|export) type [^;]*;/gm;
const LITERAL = /'([^'\n]+)'|"([^"\n]+)"|`([^`$\n]+)(?:`|\$\{)/g;
const JOINED = /join\(\s*(import\.meta\.dirname|root|ROOT)((?:,\s*'[^']+')+)/g;

/**
 * The graph of imports, with every file or folder that a source names in a string: programs that a test starts, files it
 * reads. Imports of types alone are none, as nothing is loaded. What no source names is in `HIDDEN_NEEDS`.
 * @param files all files of the tree, by path from the root
 */
export function buildImportGraph(files: readonly string[]): ImportGraph {
  const tree = new Set(files);
  const graph = new Map<string, Set<string>>();
  for (const file of files) {
    const needed = new Set<string>();
    if (/\.(ts|mjs)$/.test(file)) {
      for (const named of namedIn(file)) for (const one of filesAt(named, tree)) needed.add(one);
    }
    graph.set(file, needed);
  }
  for (const { who, needs } of HIDDEN_NEEDS) {
    for (const one of [...files, who].filter((file) => matchesGlob(file, who))) {
      const needed = graph.get(one) ?? new Set();
      for (const file of files) if (needs.some((glob) => matchesGlob(file, glob))) needed.add(file);
      graph.set(one, needed);
    }
  }
  return graph;
}

/** Whatever needs one of these files, or needs what needs one; they themselves among it. */
export function reachedBy(graph: ImportGraph, changed: readonly string[]): Set<string> {
  const needers = new Map<string, string[]>();
  for (const [file, needed] of graph) {
    for (const one of needed) needers.set(one, [...(needers.get(one) ?? []), file]);
  }
  const reached = new Set(changed);
  for (const file of reached) for (const needer of needers.get(file) ?? []) reached.add(needer);
  return reached;
}

/** Paths, from the root, that a source may name; whether there is something is not looked at. */
function namedIn(file: string): string[] {
  const folder = posix.dirname(file);
  let text: string;
  try {
    text = readFileSync(join(ROOT, file), 'utf8').replace(TYPES_ALONE, '');
  } catch {
    // Deleted, and git still lists it.
    return [];
  }
  const literals = [...text.matchAll(LITERAL)].map(
    ([, single, double, template]) => single ?? double ?? template ?? '',
  );
  const relative = literals.filter((name) => /^\.\.?\/.*\w/.test(name)).map((name) => posix.join(folder, name));
  // Sources are imported, or named by where they stand; other files also as seen from the root.
  const fromRoot = literals.filter(
    (name) => /^[\w.][\w./-]*$/.test(name) && !name.startsWith('.') && !name.endsWith('.ts'),
  );
  const joined = [...text.matchAll(JOINED)].map(([, base, steps]) =>
    posix.join(
      /root/i.test(base as string) ? '' : folder,
      ...[...(steps as string).matchAll(/'([^']+)'/g)].map(([, step]) => step as string),
    ),
  );
  return [...relative, ...fromRoot.filter((name) => /\.\w+$/.test(name)), ...joined];
}

/** A file, or all files of a folder; the root alone says nothing. */
function filesAt(path: string, tree: ReadonlySet<string>): string[] {
  if (tree.has(path)) return [path];
  const folder = `${path.replace(/\/$/, '')}/`;
  if (folder === './' || folder.startsWith('../')) return [];
  return [...tree].filter((file) => file.startsWith(folder));
}
