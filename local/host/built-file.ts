import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file or folder that a build has made, above this one; null where it was not built. The tree, the package and the tests' bundles lie at different depths below it. */
export function findBuilt(path: string, from: string = import.meta.dirname): string | null {
  const here = join(from, path);
  if (existsSync(here)) return here;
  return dirname(from) === from ? null : findBuilt(path, dirname(from));
}
