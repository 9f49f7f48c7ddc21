import { fstatSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { ArgumentError } from '../../core/errors.ts';
import { kindOfPath } from './survey-source.ts';
import { nameFor, type TryFolder, type TrySource } from './try-folder.ts';

/** What is tried now, and the list with it as the last. */
export interface Chosen {
  readonly source: TrySource;
  readonly sources: readonly TrySource[];
}

/**
 * Which data is meant: a path, `-` for standard input, or nothing where it is piped in or the last run is gone on with.
 * @param tried what the folder has already; null when it is new
 * @throws ArgumentError when none is named, or another one than before without --continue
 */
export async function chooseSource(
  folder: TryFolder,
  given: string | undefined,
  tried: readonly TrySource[] | null,
  goesOn: boolean,
): Promise<Chosen> {
  if (goesOn && tried === null) {
    throw new ArgumentError(`There is nothing to continue in ${folder.path}. Start with: plumb try PATH`);
  }
  const last = tried?.at(-1);
  if (given === undefined && goesOn && last !== undefined) return { source: last, sources: tried ?? [] };
  const wanted = await wantedSource(folder, given);
  const known = tried?.find(({ kind, path }) => kind === wanted.kind && path === wanted.path);
  if (known === undefined && last !== undefined && !goesOn) {
    throw new ArgumentError(
      `${folder.path} was made from ${last.path}. To add ${wanted.path} to it, give --continue; or give another folder: --folder ./another`,
    );
  }
  const taken = new Set((tried ?? []).map(({ name }) => name));
  const source = known ?? { ...wanted, name: nameFor(wanted.base, taken) };
  const { kind, path, name } = source;
  const entered = { kind, path, name };
  return { source: entered, sources: [...(tried ?? []).filter((one) => one !== known), entered] };
}

async function wantedSource(
  folder: TryFolder,
  given: string | undefined,
): Promise<Pick<TrySource, 'kind' | 'path'> & { readonly base: string }> {
  if (given === '-' || (given === undefined && isPipedIn())) {
    if (process.stdin.isTTY === true) {
      throw new ArgumentError('Standard input is a terminal. Pipe data in, or give the PATH of a folder or a file.');
    }
    return { kind: 'stdin', path: folder.inputFolder, base: 'stdin' };
  }
  if (given === undefined)
    throw new ArgumentError('Nothing says which data. Give a folder or a file: plumb try PATH. Or pipe data in.');
  const { kind, path } = await kindOfPath(resolve(given));
  return { kind, path, base: basename(path) };
}

/** Whether somebody means it: a service's standard input is often /dev/null. */
function isPipedIn(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}
