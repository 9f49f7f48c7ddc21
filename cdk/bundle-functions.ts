import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { type FunctionRow, functionRows } from '../functions/table.ts';

export interface Bundle {
  readonly folder: string;
  /** Modules that are not in it: Node's own. */
  readonly outside: readonly string[];
}

const root = join(import.meta.dirname, '..');
// CommonJS modules among the dependencies ask for Node's own by `require`, which a module of ES does not have.
const REQUIRE = "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);";

/**
 * All functions for Lambda's Node 24, in one folder: an entry each, and what they share in pieces that are loaded when
 * needed. Nothing is left out, not even the SDK, so that what runs is what was locked here.
 */
export function bundleFunctions(folder: string, rows: readonly FunctionRow[] = functionRows): Bundle {
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(rows.map(({ name, module }) => [name, join('functions', module)])),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minify: true,
    // Errors are told apart by the names of their classes.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    banner: { js: REQUIRE },
    logLevel: 'error',
    metafile: true,
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return { folder, outside: [...new Set(imports.filter(({ external }) => external).map(({ path }) => path))] };
}
