import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { FileError } from '../../core/errors.ts';
import { ENTRY } from '../bundle-function.ts';

/**
 * The function that serves the built pages, with them: a folder for Lambda.
 * @param built as `npm run build:check` and its like leave it
 * @throws FileError when the check page is not there
 */
export function bundlePages(built: string, folder: string): string {
  if (!existsSync(join(built, 'check.html'))) {
    throw new FileError(`${built} has no check.html. Run npm run build:check, or leave out -c pages=...`);
  }
  mkdirSync(folder, { recursive: true });
  cpSync(built, folder, { recursive: true });
  buildSync({
    entryPoints: [join(import.meta.dirname, 'lambda-entry.ts')],
    outfile: join(folder, `${ENTRY}.mjs`),
    ...{ bundle: true, format: 'esm', platform: 'node', target: 'node24', minify: true, logLevel: 'error' },
  });
  return folder;
}
