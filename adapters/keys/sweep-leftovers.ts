import { lstat, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** No process takes so long to write a file with secrets. */
const LONGEST_WRITE_MS = 600_000;
const PROCESS_ENDING = /^[1-9][0-9]{0,9}\.new$/;

/**
 * Takes away the `PATH.PID.new` of processes that were killed while they replaced a file that has just been replaced: they hold
 * a secret that nobody knows of. Only those that are older than any write takes, by the file system's own clock: what is younger
 * another process may be writing, and the number of one in another container says nothing here. A process that was halted for
 * longer is told that its file is gone, and has replaced nothing. No write fails for what cannot be taken away.
 */
export async function sweepLeftovers(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const stem = `${basename(path)}.`;
  try {
    const names = (await readdir(folder)).filter(
      (name) => name.startsWith(stem) && PROCESS_ENDING.test(name.slice(stem.length)),
    );
    if (names.length === 0) return;
    const { mtimeMs: writtenMs } = await lstat(path);
    for (const name of names) {
      const left = join(folder, name);
      const stat = await lstat(left);
      if (stat.isFile() && writtenMs - stat.mtimeMs > LONGEST_WRITE_MS) await rm(left, { force: true });
    }
  } catch {
    // Another process sweeps as well, or the folder cannot be listed: the file itself is written.
  }
}
