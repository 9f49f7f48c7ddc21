import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { replaceSecretFile } from '../adapters/keys/secret-file.ts';
import { FileError } from '../core/errors.ts';
import type { Address } from '../core/ids.ts';

const ownersFile = z.strictObject({
  owners: z.record(z.string().regex(/^0x[0-9a-f]{40}$/), z.int().min(0)),
});

/** Stored bytes an owner may have on a local stack unless said otherwise. */
export const DEFAULT_QUOTA_BYTES = 64 * 2 ** 30;

const ownersPath = (folder: string): string => join(folder, 'owners.json');

/** The owners a local stack serves and their quota of stored bytes; read again whenever the file was replaced. */
export function servedOwnersOf(folder: string): () => ReadonlyMap<Address, number> {
  let seen = '';
  let owners: ReadonlyMap<Address, number> = new Map();
  return () => {
    const stat = statSync(ownersPath(folder), { throwIfNoEntry: false });
    const now = stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    if (now !== seen) owners = readOwners(folder);
    seen = now;
    return owners;
  };
}

/** Adds an owner, or gives it another quota; a running stack sees it at the next request. */
export async function admitOwner(folder: string, owner: Address, quotaBytes: number): Promise<void> {
  const owners = new Map(readOwners(folder)).set(owner, quotaBytes);
  await replaceSecretFile(ownersPath(folder), `${JSON.stringify({ owners: Object.fromEntries(owners) }, null, 2)}\n`);
}

function readOwners(folder: string): Map<Address, number> {
  let text: string;
  try {
    text = readFileSync(ownersPath(folder), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw cause;
  }
  const parsed = ownersFile.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new FileError(`${ownersPath(folder)} is malformed. Remove it and admit the owners again.`);
  }
  return new Map(Object.entries(parsed.data.owners) as [Address, number][]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
