import type { BigIntStats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, realpath, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { CapturedBlock } from '../../core/batch/seal-batch.ts';
import { encodeMeta } from '../../core/block/meta.ts';
import { InvalidInputError } from '../../core/errors.ts';
import type { CaptureEntry } from '../outbox/append-blocks.ts';
import { noteStep } from '../outbox/note-step.ts';
import { createWakeup } from '../steps/wakeup.ts';
import { mediaType } from './media-type.ts';
import type { Source, SourceParts } from './source.ts';

export interface DirectoryOptions {
  /** Content bytes of one block; larger files become several. */
  readonly blockBytes: number;
  /** How often the directory is looked at. */
  readonly scanEveryMs: number;
  /** How long a file must stay as it is before it counts as complete. */
  readonly settleMs: number;
  /** Remove a file once the storage has proven every block of it. */
  readonly deleteAfterChecked: boolean;
  /** Paths that must not be captured, as they hold the device's secrets. */
  readonly keepOut: readonly string[];
}

/** A file as it was seen: unchanged while all of these are. */
interface SeenFile {
  readonly path: string;
  readonly identity: string;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
}

// Files up to this size are kept in one commit: whole or not at all.
const ONE_COMMIT_BYTES = 8 * 2 ** 20;
// A file this old when it is first seen, by the time of its last change, is complete.
const LONG_MS = 60_000;
const MAX_REMEMBERED_FILES = 50_000;

/**
 * A watched directory with everything below it. A file is captured when it is complete: unchanged for `settleMs`. It keeps
 * its path from the directory, with slashes, as its name. Names that begin with a dot or look temporary are left alone,
 * links are not followed. A file that changes later is captured again, whole.
 *
 * That a file was captured is noted in the same commit as its content, by path, inode, size and time of change.
 */
export function watchDirectory(directory: string, options: DirectoryOptions): Source {
  return {
    description: `dir:${directory}`,
    async run(parts, { once }, signal) {
      await requireDirectory(directory);
      await refuseSecrets(directory, options.keepOut);
      const watch = createWatch(directory, options, parts);
      const wakeup = createWakeup(parts.runtime);
      let works = false;
      while (!signal.aborted) {
        const open = await watch.scan(signal);
        // It runs on for ever, so it says itself that it works again.
        if (!works) noteStep(parts, 'source', null);
        works = true;
        // The next look must find every file of this one in the outbox.
        await parts.queue.settled();
        if (once && open === 0) return;
        await wakeup.wait(once ? Math.min(options.scanEveryMs, options.settleMs) : options.scanEveryMs, signal);
      }
    },
    released(parts) {
      if (options.deleteAfterChecked) void deleteChecked(directory, parts);
    },
  };
}

function createWatch(directory: string, options: DirectoryOptions, parts: SourceParts) {
  const unsettled = new Map<string, { identity: string; sinceMs: number }>();
  const skipped = new Map<string, string>();

  const skip = (file: SeenFile, reason: string): void => {
    if (skipped.get(file.path) === file.identity) return;
    skipped.set(file.path, file.identity);
    parts.report({ event: 'skipped', what: file.path, reason });
  };

  return {
    /** Captures what is complete; answers how many files are not captured yet. */
    async scan(signal: AbortSignal): Promise<number> {
      const files = await listFiles(directory, (what, reason) =>
        skip({ path: what, identity: reason, sizeBytes: 0, mtimeNs: 0n }, reason),
      );
      forgetGone(parts, files, unsettled);
      let open = 0;
      for (const file of files) {
        if (signal.aborted) return open;
        const known = parts.outbox.sql('SELECT * FROM files WHERE path = ?').get(file.path);
        const same = known?.identity === file.identity;
        if (same && known.captured_parts === known.parts) continue;
        if (file.sizeBytes === 0) {
          skip(file, 'It is empty; a block holds at least one byte.');
          continue;
        }
        const seen = unsettled.get(file.path);
        const nowMs = parts.runtime.monotonicMs();
        if (seen?.identity !== file.identity) unsettled.set(file.path, { identity: file.identity, sinceMs: nowMs });
        open++;
        // What was partly captured had been complete.
        const settled =
          same ||
          isLongUnchanged(file, parts.runtime.nowMs(), options.settleMs) ||
          (seen?.identity === file.identity && nowMs - seen.sinceMs >= options.settleMs);
        if (!settled) continue;
        const fromPart = same ? (known.captured_parts as number) : 0;
        const captured = await captureFile(file, fromPart, signal);
        if (captured) open--;
      }
      return open;
    },
  };

  /** Whether all of it was given to the queue. */
  async function captureFile(file: SeenFile, fromPart: number, signal: AbortSignal): Promise<boolean> {
    const type = mediaType(file.path);
    const partCount = Math.ceil(file.sizeBytes / options.blockBytes);
    const metaOf = (part: number) => ({
      ...parts.clock.stamp(),
      name: file.path,
      ...(type === null ? {} : { type }),
      ...(partCount === 1 ? {} : { part, parts: partCount }),
    });
    try {
      encodeMeta(metaOf(partCount - 1));
    } catch {
      skip(file, 'Its name is too long for a block.');
      return true;
    }
    const handle = await open(join(directory, file.path), 'r');
    try {
      const read = (part: number) => readPart(handle, part, file.sizeBytes, options.blockBytes);
      const note = (capturedParts: number) => ({
        ...{ path: file.path, identity: file.identity, parts: partCount, capturedParts },
      });
      if (await parts.isInLog({ name: file.path, parts: partCount, fromPart }, read)) {
        await parts.queue.capture({ blocks: [], file: note(partCount) });
        return true;
      }
      for (let part = fromPart; part < partCount; ) {
        if (signal.aborted) return false;
        const blocks: CapturedBlock[] = [];
        let bytes = 0;
        while (part < partCount && bytes < ONE_COMMIT_BYTES) {
          const content = await read(part);
          if (content === null) return false;
          blocks.push({ content, meta: metaOf(part++) });
          bytes += content.length;
        }
        // Had it changed while it was read, the parts would not belong together.
        if (identityOf(await handle.stat({ bigint: true })) !== file.identity) return false;
        const entry: CaptureEntry = { blocks, file: note(part) };
        const durable = parts.queue.capture(entry);
        // A large file would fill the memory; small ones may share a commit.
        if (partCount > blocks.length) await durable;
        else durable.catch(() => {});
        await parts.queue.room();
      }
    } finally {
      await handle.close();
    }
    return true;
  }
}

/** Files below a directory, oldest first. */
async function listFiles(root: string, skip: (what: string, reason: string) => void): Promise<SeenFile[]> {
  const found: SeenFile[] = [];
  const visit = async (below: string): Promise<void> => {
    const entries = await readdir(join(root, below), { withFileTypes: true, encoding: 'buffer' });
    for (const entry of entries) {
      const name = Buffer.from(entry.name).toString('utf8');
      const path = below === '' ? name : `${below}/${name}`;
      if (isTemporary(name)) continue;
      if (Buffer.compare(Buffer.from(name), Buffer.from(entry.name)) !== 0) {
        skip(path, 'Its name is not UTF-8.');
      } else if (entry.isDirectory()) {
        await visit(path).catch(ignoreGone);
      } else if (entry.isFile()) {
        const stat = await lstat(join(root, path), { bigint: true }).catch(ignoreGone);
        if (stat === undefined) continue;
        const { size, mtimeNs } = stat;
        found.push({ path, identity: identityOf(stat), sizeBytes: Number(size), mtimeNs });
      }
    }
  };
  await visit('');
  return found.sort((a, b) => (a.mtimeNs === b.mtimeNs ? (a.path < b.path ? -1 : 1) : a.mtimeNs < b.mtimeNs ? -1 : 1));
}

/** Whether nobody has written to it for so long that it need not be watched first. */
function isLongUnchanged(file: SeenFile, nowMs: number, settleMs: number): boolean {
  return nowMs - Number(file.mtimeNs / 1_000_000n) > Math.max(LONG_MS, settleMs);
}

function identityOf(stat: BigIntStats): string {
  return `${stat.ino}/${stat.size}/${stat.mtimeNs}`;
}

function isTemporary(name: string): boolean {
  return name.startsWith('.') || name.endsWith('~') || /\.(tmp|temp|part|partial|crdownload|swp|lock)$/i.test(name);
}

function ignoreGone(cause: NodeJS.ErrnoException): undefined {
  if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') throw cause;
  return undefined;
}

/** Part of a file, or null when the file ends before. */
async function readPart(
  handle: FileHandle,
  part: number,
  sizeBytes: number,
  blockBytes: number,
): Promise<Uint8Array | null> {
  const from = part * blockBytes;
  const content = new Uint8Array(Math.min(blockBytes, sizeBytes - from));
  for (let at = 0; at < content.length; ) {
    const { bytesRead } = await handle.read(content, at, content.length - at, from + at);
    if (bytesRead === 0) return null;
    at += bytesRead;
  }
  return content;
}

/** Files that are gone are remembered all the same, as a disk may come back, but not without bound. */
function forgetGone(parts: SourceParts, files: readonly SeenFile[], unsettled: Map<string, unknown>): void {
  const present = new Set(files.map((file) => file.path));
  for (const path of unsettled.keys()) if (!present.has(path)) unsettled.delete(path);
  const count = parts.outbox.sql('SELECT count(*) AS n FROM files').get()?.n as number;
  if (count <= MAX_REMEMBERED_FILES) return;
  const rows = parts.outbox.sql('SELECT path FROM files').all();
  const gone = rows.map((row) => row.path as string).filter((path) => !present.has(path));
  parts.outbox.commit(() => {
    for (const path of gone) parts.outbox.sql('DELETE FROM files WHERE path = ?').run(path);
  });
}

async function deleteChecked(directory: string, { outbox, report }: SourceParts): Promise<void> {
  const rows = outbox
    .sql(`SELECT path, identity FROM files WHERE captured_parts = parts AND end_seq > 0 AND end_seq <= coalesce(
        (SELECT min(from_seq) FROM batches WHERE state < 5), (SELECT max(to_seq) FROM batches))`)
    .all() as { path: string; identity: string }[];
  for (const row of rows) {
    const path = join(directory, row.path);
    try {
      // Only the very file that was captured: one that was written since then is captured first.
      if (identityOf(await lstat(path, { bigint: true })) === row.identity) await unlink(path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') continue;
      report({ event: 'skipped', what: row.path, reason: 'It is checked, but cannot be deleted.' });
    }
  }
}

/** @throws InvalidInputError when it is not there, or no directory */
async function requireDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch(ignoreGone);
  if (found === undefined)
    throw new InvalidInputError(`There is no directory ${directory} yet. It is waited for: create it.`);
  if (!found.isDirectory()) throw new InvalidInputError(`${directory} is no directory. Name the directory to watch.`);
}

/** @throws InvalidInputError when the directory holds what must never be captured */
async function refuseSecrets(directory: string, keepOut: readonly string[]): Promise<void> {
  const root = `${await realpath(directory)}/`;
  for (const path of keepOut) {
    if (!(await realpath(path)).startsWith(root)) continue;
    throw new InvalidInputError(
      `The directory ${directory} holds the device's own ${path}, which is secret. Watch another directory.`,
    );
  }
}
