import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAMS = join(ROOT, 'build', 'tests', 'programs');
// CommonJS modules among the packages ask for Node's own by `require`, which a module of ES does not have.
const REQUIRE = "import{createRequire as makeRequire}from'node:module';const require=makeRequire(import.meta.url);";
/** What no bundle of today needs is kept for programs that still run. */
const KEPT_MS = 24 * 3_600_000;

/** What a bundle was made of, and which file of it starts the program. */
interface Made {
  readonly program: string;
  /** When each source was changed last, and its size, by path from the root. */
  readonly sources: Readonly<Record<string, readonly [changedMs: number, sizeBytes: number]>>;
}

/**
 * Makes a program few files, for tests that start it many times: loading them takes a fraction of the processor's time that
 * hundreds of modules do, and the same source runs. What the program loads only when it is needed is in files of its own. It is
 * made once for all processes and runs, and anew when a source of it has changed; files are called by what they hold, so
 * that none is ever replaced under a program that runs, and what Node has compiled of them is found again.
 * @param entry path of its source
 * @returns path of the file to start
 */
export function bundleProgram(entry: string): string {
  const folder = join(PROGRAMS, basename(entry, '.ts'));
  const known = readMade(folder);
  if (known !== null) return join(folder, known.program);
  const beganMs = Date.now();
  const { metafile, outputFiles } = buildSync({
    ...OPTIONS,
    entryPoints: [entry],
    outdir: folder,
    absWorkingDir: ROOT,
  });
  const sources = [...Object.keys(metafile.inputs), relative(ROOT, import.meta.filename)];
  mkdirSync(folder, { recursive: true });
  for (const { path, contents } of outputFiles) writeWhole(path, contents);
  const [program] = Object.entries(metafile.outputs)
    .filter(([, { entryPoint }]) => entryPoint === relative(ROOT, entry))
    .map(([path]) => basename(path));
  if (program === undefined) throw new Error(`esbuild made no program of ${entry}.`);
  const made: Made = { program, sources: Object.fromEntries(sources.map((path) => [path, stateOf(path)])) };
  // A source that changed meanwhile may be in it as it was before.
  const settled = Object.values(made.sources).every(([changedMs]) => changedMs < beganMs);
  if (settled) writeWhole(join(folder, 'made.json'), JSON.stringify(made));
  const needed = new Set(['made.json', ...outputFiles.map(({ path }) => basename(path))]);
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const changedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (!needed.has(name) && Date.now() - changedMs > KEPT_MS) rmSync(path, { force: true });
  }
  return join(folder, program);
}

const OPTIONS = {
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  // Errors are told apart by the names of their classes.
  keepNames: true,
  // Beside it: inside it is read, and looked through, at each start.
  sourcemap: 'linked',
  sourcesContent: false,
  entryNames: '[name]-[hash]',
  outExtension: { '.js': '.mjs' },
  banner: { js: REQUIRE },
  // Loads parts of itself by names that it makes.
  external: ['dynalite'],
  alias: { 'node:http': join(import.meta.dirname, 'node-http.cjs') },
  logLevel: 'warning',
  write: false,
  metafile: true,
} as const satisfies BuildOptions;

/** What was made before, if it was made of what is there now. */
function readMade(folder: string): Made | null {
  try {
    const made = JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8')) as Made;
    const same = Object.entries(made.sources).every(([path, state]) => String(stateOf(path)) === String(state));
    return same ? made : null;
  } catch {
    // There is none yet, or a source of it has gone.
    return null;
  }
}

function stateOf(path: string): [number, number] {
  const { mtimeMs, size } = statSync(join(ROOT, path));
  return [mtimeMs, size];
}

/** Another process that makes the same at the same time never sees a part. */
function writeWhole(path: string, content: string | Uint8Array): void {
  const part = join(dirname(path), `.${process.pid}-${basename(path)}`);
  writeFileSync(part, content);
  renameSync(part, path);
}
