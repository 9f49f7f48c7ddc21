import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');
const source = join(root, 'console');

/** What the console may weigh, its files compressed. */
export const MAX_CONSOLE_BYTES = 250 * 1024;

export interface ConsoleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly compressedBytes: number;
}

/** What both scripts are made with. What adapters take of Node, a browser gets by the shims. */
const SHARED: BuildOptions = {
  ...{ bundle: true, minify: true, write: false, format: 'esm', platform: 'browser', target: 'es2024' },
  ...{ legalComments: 'none', charset: 'utf8', jsx: 'automatic', jsxImportSource: 'preact' },
  alias: {
    'node:timers/promises': join(source, 'shims', 'timers-promises.ts'),
    'aes-js': join(source, 'shims', 'aes-js.ts'),
  },
};

/** The console's files: page, worker, style and icon. Nothing in them is inline, so that its policy has no exception. */
export async function buildConsole(): Promise<ConsoleFile[]> {
  const [page, worker, style] = await Promise.all([
    bundle('page/main.tsx'),
    bundle('worker/main.ts'),
    bundle('page/console.css'),
  ]);
  return [
    fileOf('index.html', readFileSync(join(source, 'page', 'index.html'))),
    fileOf('icon.svg', readFileSync(join(source, 'page', 'icon.svg'))),
    fileOf('console.js', page),
    fileOf('worker.js', worker),
    fileOf('console.css', style),
  ];
}

/** Writes the console where the local stack, the package and a deployment find it, all of it or nothing. */
export async function writeConsole(): Promise<{ readonly folder: string; readonly files: readonly ConsoleFile[] }> {
  const folder = join(root, 'build', 'console', 'app');
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
  }
  return { folder, files };
}

async function bundle(path: string): Promise<Uint8Array> {
  const { outputFiles } = await build({ ...SHARED, entryPoints: [join(source, path)] });
  const [first] = outputFiles ?? [];
  if (first === undefined) throw new Error(`esbuild made nothing of ${path}.`);
  return first.contents;
}

function fileOf(name: string, bytes: Uint8Array): ConsoleFile {
  return { name, bytes, compressedBytes: gzipSync(bytes, { level: 9 }).length };
}
