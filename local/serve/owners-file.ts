import { statSync } from 'node:fs';
import * as z from 'zod';
import { type Address, address } from '../../core/ids.ts';
import { inFile } from '../../core/parse-outside.ts';
import { readPublicFile } from './read-public-file.ts';

const ownersText = z.record(z.string().regex(/^0x[0-9a-fA-F]{40}$/), z.int().min(0));

/**
 * The owners of a file, `{"0x…": bytes}`, read again whenever it was replaced. A file that is malformed or gone meanwhile is
 * told of once, and the owners stay.
 */
export function ownersOfFile(path: string, warn: (message: string) => void): () => ReadonlyMap<Address, number> {
  let seen = stampOf(path);
  let owners = readOwnersFile(path);
  return () => {
    const now = stampOf(path);
    if (now === seen) return owners;
    seen = now;
    try {
      owners = readOwnersFile(path);
    } catch (error) {
      warn(error instanceof Error ? error.message : String(error));
    }
    return owners;
  };
}

function readOwnersFile(path: string): ReadonlyMap<Address, number> {
  const named = inFile(path, () => ownersText.parse(JSON.parse(readPublicFile(path))));
  return new Map(Object.entries(named).map(([owner, bytes]) => [address(owner), bytes]));
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
}
