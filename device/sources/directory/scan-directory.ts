import type { Directories } from '../../../core/ports/directories.ts';
import type { SourceParts } from '../source.ts';
import { captureFile, isNameable } from './capture-file.ts';
import { listFiles, type SeenFile } from './list-files.ts';

export interface ScanOptions {
  /** Content bytes of one block; larger files become several. */
  readonly blockBytes: number;
  /** How long a file must stay as it is before it counts as complete. */
  readonly settleMs: number;
}

// A file this old when it is first seen, by the time of its last change, is complete.
const LONG_MS = 60_000;
const MAX_REMEMBERED_FILES = 50_000;

/** Looks at a directory again and again. One look captures what is complete, and answers how many files are not captured yet. */
export function createScan(
  directories: Directories,
  directory: string,
  options: ScanOptions,
  parts: SourceParts,
): (signal: AbortSignal) => Promise<number> {
  const { runtime } = parts;
  const unsettled = new Map<string, { identity: string; sinceMs: number }>();
  const skipped = new Map<string, string>();

  const skip = (path: string, identity: string, reason: string): void => {
    if (skipped.get(path) === identity) return;
    skipped.set(path, identity);
    parts.report({ event: 'skipped', what: path, reason });
  };

  /** Whether nobody has written to it since it was first seen so, or for so long that it need not be watched. */
  const isSettled = (file: SeenFile): boolean => {
    const seen = unsettled.get(file.path);
    const nowMs = runtime.monotonicMs();
    if (seen?.identity !== file.identity) unsettled.set(file.path, { identity: file.identity, sinceMs: nowMs });
    const unchangedMs = runtime.nowMs() - Number(file.changedNs / 1_000_000n);
    if (unchangedMs > Math.max(LONG_MS, options.settleMs)) return true;
    return seen?.identity === file.identity && nowMs - seen.sinceMs >= options.settleMs;
  };

  /** Whether all of it was given to the queue, or never can be. */
  const capture = async (file: SeenFile, fromPart: number, signal: AbortSignal): Promise<boolean> => {
    const { blockBytes } = options;
    if (!isNameable(parts, file, blockBytes)) {
      skip(file.path, file.identity, 'Its name is too long for a block.');
      return true;
    }
    const opened = await directories.open(`${directory}/${file.path}`);
    try {
      return await captureFile(parts, file, opened, { blockBytes, fromPart }, signal);
    } finally {
      await opened.close();
    }
  };

  return async (signal) => {
    const files = await listFiles(directories, directory, (what, reason) => skip(what, reason, reason));
    const present = new Set(files.map((file) => file.path));
    for (const path of unsettled.keys()) if (!present.has(path)) unsettled.delete(path);
    forgetGone(parts, present);
    let open = 0;
    for (const file of files) {
      if (signal.aborted) return open;
      const known = parts.outbox.sql('SELECT * FROM files WHERE path = ?').get(file.path);
      const same = known?.identity === file.identity;
      if (same && known.captured_parts === known.parts) continue;
      if (file.sizeBytes === 0) {
        skip(file.path, file.identity, 'It is empty; a block holds at least one byte.');
        continue;
      }
      open++;
      const settled = isSettled(file);
      // What was partly captured had been complete.
      if (!same && !settled) continue;
      if (await capture(file, same ? (known.captured_parts as number) : 0, signal)) open--;
    }
    return open;
  };
}

/** Files that are gone are remembered all the same, as a disk may come back, but not without bound. */
function forgetGone({ outbox }: Pick<SourceParts, 'outbox'>, present: ReadonlySet<string>): void {
  const count = outbox.sql('SELECT count(*) AS n FROM files').get()?.n as number;
  if (count <= MAX_REMEMBERED_FILES) return;
  const rows = outbox.sql('SELECT path FROM files').all();
  const gone = rows.map((row) => row.path as string).filter((path) => !present.has(path));
  outbox.commit(() => {
    for (const path of gone) outbox.sql('DELETE FROM files WHERE path = ?').run(path);
  });
}
