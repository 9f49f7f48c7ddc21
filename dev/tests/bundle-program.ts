import { type BuildOptions, buildSync } from 'esbuild';

// CommonJS modules among the packages ask for Node's own by `require`, which a module of ES does not have.
const REQUIRE = "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);";

/**
 * Makes a program one file, for tests that start it many times: loading one file takes a fraction of the processor's time
 * that hundreds of modules do, and the same source runs.
 * @param entry path of its source
 * @param outfile file to write, whose name ends in `.mjs`
 */
export function bundleProgram(entry: string, outfile: string): void {
  buildSync({ ...OPTIONS, entryPoints: [entry], outfile });
}

/**
 * The same with what a program loads only when it is needed kept in files of its own.
 * @param folder where the files go; the program is the one called as its source, with the ending `.mjs`
 */
export function bundleLazyProgram(entry: string, folder: string): void {
  buildSync({ ...OPTIONS, entryPoints: [entry], outdir: folder, splitting: true, outExtension: { '.js': '.mjs' } });
}

const OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  // Errors are told apart by the names of their classes.
  keepNames: true,
  sourcemap: 'inline',
  sourcesContent: false,
  banner: { js: REQUIRE },
  logLevel: 'warning',
} as const satisfies BuildOptions;
