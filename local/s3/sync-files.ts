import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes renames and creations in a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a file that must not exist, with its content on the disk when this returns. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const MAX_REMEMBERED = 10_000;

/** Makes a folder below `root` and its way down to it durable; `durable` remembers what needs no second sync. */
export async function makeDirectoryDurably(path: string, root: string, durable: Set<string>): Promise<void> {
  if (path === root || durable.has(path)) return;
  await makeDirectoryDurably(dirname(path), root, durable);
  await mkdir(path, { recursive: true, mode: 0o700 });
  await syncDirectory(dirname(path));
  if (durable.size >= MAX_REMEMBERED) durable.clear();
  durable.add(path);
}
