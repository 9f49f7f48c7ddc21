import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { DIRECT_ETHERS } from './direct-imports.ts';

const root = join(import.meta.dirname, '..', '..');
const source = join(root, 'console');

/** What the console may weigh, its files compressed. */
export const MAX_CONSOLE_BYTES = 250 * 1024;

export interface ConsoleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly compressedBytes: number;
}

/**
 * Zod can describe a schema as JSON Schema, and holds the code for it wherever a schema is: here nobody asks it to. Whoever
 * does is told by an error.
 */
const WITHOUT_JSON_SCHEMA: Plugin = {
  name: 'without-json-schema',
  setup({ onLoad }) {
    onLoad({ filter: /zod[\\/]v4[\\/]core[\\/](?:to-json-schema|json-schema-processors)\.js$/ }, ({ path }) => {
      const names = readFileSync(path, 'utf8').matchAll(
        /^export (?:const|function) (\w+)|^export \{ \w+ as (\w+) \}/gm,
      );
      const exported = [...names].map(([, plain, renamed]) => plain ?? renamed).map((name) => `none as ${name}`);
      const none = "const none = () => () => { throw new Error('The console makes no JSON Schema.'); };";
      return { contents: `${none}\nexport { ${exported.join(', ')} };` };
    });
  },
};

/** What both scripts are made with. What adapters take of Node, a browser gets by the shims. */
const SHARED = {
  ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', target: 'es2024' },
  ...{ legalComments: 'none', charset: 'utf8', jsx: 'automatic', jsxImportSource: 'preact' },
  alias: {
    'node:timers/promises': join(source, 'shims', 'timers-promises.ts'),
    'aes-js': join(source, 'shims', 'aes-js.ts'),
  },
  // What is imported later, and what it shares with what is there at first, are files beside it.
  ...{
    splitting: true,
    outdir: join(root, 'build', 'console', 'app'),
    metafile: true,
    plugins: [DIRECT_ETHERS, WITHOUT_JSON_SCHEMA],
  },
} satisfies BuildOptions & { write: false; metafile: true };

/** The console's files: page, worker, style and icon. Nothing in them is inline, so that its policy has no exception. */
export async function buildConsole(): Promise<ConsoleFile[]> {
  const [page, worker, style] = await Promise.all([
    bundle('page/main.tsx', 'console'),
    bundle('worker/main.ts', 'worker'),
    bundle('page/console.css', 'console'),
  ]);
  const html = readFileSync(join(source, 'page', 'index.html'), 'utf8');
  return [
    fileOf('index.html', Buffer.from(html.replace(PRELOADS, preloads(page.first)))),
    fileOf('icon.svg', readFileSync(join(source, 'page', 'icon.svg'))),
    ...[page, worker, style].flatMap(({ files }) => files),
  ];
}

/** Where index.html has what the page's script needs at once: else the browser learns of it from the script. */
const PRELOADS = '<!-- preloads -->';

function preloads(files: readonly string[]): string {
  return files.map((name) => `<link rel="modulepreload" href="${name}">`).join('\n');
}

/** Writes the console where the local stack, the package and a deployment find it, all of it or nothing. */
export async function writeConsole(): Promise<{ readonly folder: string; readonly files: readonly ConsoleFile[] }> {
  const folder = SHARED.outdir;
  const files = await buildConsole();
  const beside = `${folder}.${process.pid}`;
  mkdirSync(beside, { recursive: true });
  for (const { name, bytes } of files) writeFileSync(join(beside, name), bytes);
  try {
    renameSync(beside, folder);
  } catch {
    // An earlier one is there: its files are replaced, as a folder cannot be.
    cpSync(beside, folder, { recursive: true });
    rmSync(beside, { recursive: true, force: true });
    const names = new Set(files.map(({ name }) => name));
    for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name), { force: true });
  }
  return { folder, files };
}

interface Bundle {
  readonly files: readonly ConsoleFile[];
  /** Files that the first one imports at once. */
  readonly first: readonly string[];
}

async function bundle(path: string, name: string): Promise<Bundle> {
  const entry = join(source, path);
  const { outputFiles, metafile } = await build({
    ...SHARED,
    entryPoints: [{ in: entry, out: name }],
    // By the hash of its content: a file of another build is never taken for one of this.
    chunkNames: `${name}-[hash]`,
  });
  const imported = Object.entries(metafile.outputs).flatMap(([output, { entryPoint, imports }]) =>
    entryPoint !== undefined && basename(output).startsWith(`${name}.`) ? imports : [],
  );
  return {
    files: outputFiles.map((file) => fileOf(basename(file.path), file.contents)),
    first: imported.filter(({ kind }) => kind === 'import-statement').map((one) => basename(one.path)),
  };
}

function fileOf(name: string, bytes: Uint8Array): ConsoleFile {
  return { name, bytes, compressedBytes: gzipSync(bytes, { level: 9 }).length };
}
