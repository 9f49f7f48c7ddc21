import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';
import type { FunctionRow } from '../functions/row.ts';

export interface Bundle {
  /** The function's own folder. */
  readonly folder: string;
  /** Modules that are not in it: Node's own. */
  readonly outside: readonly string[];
  /** Files of this project and of packages that are in it, from the project's root. */
  readonly inside: readonly string[];
}

/** What Lambda calls: the file in a function's folder, without its ending. */
export const ENTRY = 'index';

const root = join(import.meta.dirname, '..');
// CommonJS modules among the dependencies ask for Node's own by `require`, which a module of ES does not have.
const REQUIRE = "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);";

/**
 * One function for Lambda's Node 24, in a folder of its own: its entry, and what is loaded only when needed in pieces
 * beside it. Nothing is left out, not even the SDK, so that what runs is what was locked here; and what another function
 * needs is not in it, so that the change of one function is the deployment of one function.
 */
export function bundleFunction({ name }: Pick<FunctionRow, 'name'>, folder: string): Bundle {
  const { metafile, outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: { [ENTRY]: join('lambda', `${name}.ts`) },
    // Names and maps depend on this place: the same wherever the files are put.
    outdir: join('build', 'lambda', name),
    write: false,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Packages' ES modules first: what is not used of them is left out, and what they load when needed stays beside.
    mainFields: ['module', 'main'],
    minify: true,
    // Errors are told apart by the names of their classes.
    keepNames: true,
    sourcemap: true,
    sourcesContent: false,
    banner: { js: REQUIRE },
    logLevel: 'error',
    metafile: true,
  });
  mkdirSync(folder, { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(join(folder, basename(path)), contents);
  return { folder, outside: outsideOf(metafile), inside: insideOf(metafile) };
}

function outsideOf({ outputs }: Metafile): string[] {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  return [...new Set(imports.filter(({ external }) => external).map(({ path }) => path))];
}

/** Files of which something is left after what is not used was dropped. */
function insideOf({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  return [...new Set(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path))].sort();
}
