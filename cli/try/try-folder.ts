import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { isMissingFile, readSecretFile, replaceSecretFile } from '../../adapters/keys/secret-file.ts';
import { ArgumentError } from '../../core/errors.ts';
import { inFile } from '../../core/parse-outside.ts';
import { nearPath, quoted } from './shell-words.ts';

/** What `plumb try` keeps in a folder of its own, each where the other commands look for it. */
export interface TryFolder {
  readonly path: string;
  /** PLUMB_HOME of its owner. */
  readonly home: string;
  readonly passwordFile: string;
  /** Of the embedded stack. */
  readonly stackFolder: string;
  readonly stackFile: string;
  /** What the stack's process says. */
  readonly stackLog: string;
  /** Where what came by standard input is kept. */
  readonly inputFolder: string;
  /** Exports for a shell: home, stack and password file. */
  readonly environmentFile: string;
}

const source = z.strictObject({
  /** Name of its dataset. */
  name: z.string().min(1).max(32),
  kind: z.enum(['folder', 'file', 'stdin']),
  path: z.string().min(1),
});

/** Something that was given to `plumb try`. */
export type TrySource = z.infer<typeof source>;

const tryFile = z.strictObject({
  version: z.literal(1),
  /** The one that was given last is the last. */
  sources: z.array(source).max(1_000),
});

export function tryFolder(path: string): TryFolder {
  return {
    path,
    home: join(path, 'owner'),
    passwordFile: join(path, 'password'),
    stackFolder: join(path, 'stack'),
    stackFile: join(path, 'stack', 'stack.json'),
    stackLog: join(path, 'stack-process.log'),
    inputFolder: join(path, 'stdin'),
    environmentFile: join(path, 'env'),
  };
}

/** Files of one source's device. */
export function deviceFiles({ path }: TryFolder, name: string): { provision: string; outbox: string } {
  return { provision: join(path, `${name}.device.json`), outbox: join(path, `${name}.device.outbox`) };
}

const filePath = (folder: TryFolder): string => join(folder.path, 'try.json');

/** What was tried in a folder so far; null when it is not a folder of `plumb try`. */
export async function readTried(folder: TryFolder): Promise<readonly TrySource[] | null> {
  let text: string;
  try {
    text = await readSecretFile(filePath(folder));
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (isMissingFile(error) || code === 'ENOTDIR') return null;
    throw error;
  }
  return inFile(filePath(folder), () => tryFile.parse(JSON.parse(text)).sources, 'Give another --folder.');
}

/** Notes what is tried, before anything of it is done: an interrupted run is gone on with. */
export async function writeTried(folder: TryFolder, sources: readonly TrySource[]): Promise<void> {
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  await replaceSecretFile(filePath(folder), `${JSON.stringify({ version: 1, sources }, null, 2)}\n`);
}

/** @throws ArgumentError when the folder holds other things: nothing of a user's is mixed with keys and a stack */
export async function requireUnused({ path }: TryFolder): Promise<void> {
  const entries = await readdir(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    if (cause.code === 'ENOTDIR') throw new ArgumentError(`${path} is not a folder. Give another --folder.`);
    throw new ArgumentError(`${path} cannot be read (${cause.code ?? cause.message}). Give another --folder.`);
  });
  if (entries.length === 0) return;
  throw new ArgumentError(
    `${path} holds other files, such as ${entries[0]}. plumb try needs a folder of its own. Give another: --folder ./another`,
  );
}

/** A name for a source's dataset: that of its file or folder, as far as all commands take it unquoted. */
export function nameFor(base: string, taken: ReadonlySet<string>): string {
  const plain = base.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
  const name = plain.slice(0, 26) || 'data';
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}

/** `--folder` where it is not the default. */
export function folderOption({ path }: TryFolder): string {
  return nearPath(path) === 'plumb-try' ? '' : ` --folder ${quoted(nearPath(path))}`;
}
