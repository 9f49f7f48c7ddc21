import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodePrimitives } from '../../adapters/crypto/node-primitives.ts';
import { holdLock } from '../../adapters/sqlite/hold-lock.ts';
import { toHex, utf8 } from '../../core/bytes.ts';
import { StateError } from '../../core/errors.ts';

/**
 * Holds a folder to write to, so that no second command of this owner writes there at the same time. The lock lies in the
 * home: the folder may be full, and holds nothing but what was brought back.
 * @throws StateError when another process writes there
 */
export async function lockFolder(home: string, folder: string): Promise<() => Promise<void>> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const path = join(home, `get-${toHex(nodePrimitives.sha256(utf8(folder))).slice(0, 16)}.lock`);
  const unlock = holdLock(path);
  if (unlock === null) throw new StateError(`Another process is writing to ${folder}. Wait until it ends.`);
  return async () => {
    await rm(path, { force: true });
    unlock();
  };
}
