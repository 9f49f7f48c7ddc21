import { join } from 'node:path';
import type { BlockMeta } from '../../core/block/meta.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { VerdictKind } from '../../core/verdict.ts';
import { folderError } from './folder-error.ts';
import { isStaged } from './folder-paths.ts';
import { lostLine } from './index-line.ts';
import type { IncompleteFile } from './part-sequence.ts';
import type { RestoredFolder } from './restored-folder.ts';
import { Restoring } from './restoring.ts';
import { INDEX_TEXT_FILE } from './safe-path.ts';
import { PartFiles } from './write-parts.ts';
import { SeriesFiles } from './write-series.ts';

/** A block of a log, verified, or with what was found instead. */
export interface BlockToRestore {
  readonly index: BlockIndex;
  /** The same holds of every block up to this one; mostly the block itself. */
  readonly upTo: BlockIndex;
  readonly verdict: VerdictKind;
  readonly reason: string | null;
  /** As recorded; of a block that is not intact, where it is proven all the same. */
  readonly meta: BlockMeta | null;
  /** Null unless the block is intact. */
  readonly content: Uint8Array | null;
}

/** What a restoration left behind. Paths lie below the folder. */
export interface Restored {
  /** Files that are whole. */
  readonly files: readonly string[];
  /** Blocks without a name, in order, in one file; null when there were none. */
  readonly lines: { readonly path: string; readonly blocks: number } | null;
  /** With `lines` and `jsonl`: one file for each name, of all its versions or messages. */
  readonly series: readonly { readonly path: string; readonly blocks: number }[];
  /** Files of which a part is damaged or outside the range: as `files`, nothing of them was written. */
  readonly incomplete: readonly IncompleteFile[];
  /** Names that are not the path they were written to, as the device recorded them. */
  readonly renamed: readonly { readonly name: string; readonly path: string }[];
  /** Blocks that an earlier run had written, and that were left as they are. */
  readonly kept: number;
  /** Files of an earlier run that were changed since, or hold something else than what is recorded now: left as they are. */
  readonly left: readonly string[];
  /** Where the index for people lies, in full; null when nothing came. */
  readonly index: string | null;
}

/**
 * Writes verified blocks as what they were, with an index that names each: its name as recorded, its times, its path. As
 * `files`, parts of a file are joined and a file appears under its name only when it is whole; pieces of a growing file
 * and blocks without a name are appended as they come. As `lines` and `jsonl`, all blocks of a name are one file. Nothing
 * that is there is replaced: a path that is taken gets `~2` behind it. What an earlier run of the same request has written
 * and nobody has changed is left as it is.
 * @throws FileError when the folder cannot be written to, or its disk is full: the same call again goes on from there
 *
 * @example
 * import { openRestoredFolder } from 'plumbline/client/restore/restored-folder';
 * const request = { as: 'files', of: { dataset: 'door' }, title: 'dataset door as files' } as const;
 * const content = new TextEncoder().encode('opened');
 * const intact = { upTo: 0, verdict: 'intact', reason: null, content } as const;
 * async function* blocks() {
 *   yield { ...intact, index: 0, meta: { at: 0, name: 'door.log' } };
 * }
 * const { files } = await restoreFiles(await openRestoredFolder(`${folder}/out`, request), blocks());
 * console.log(files.join()); // door.log
 */
export async function restoreFiles(folder: RestoredFolder, blocks: AsyncIterable<BlockToRestore>): Promise<Restored> {
  const writer = new FolderWriter(folder);
  try {
    for await (const block of blocks) await writer.write(block);
    return await writer.finish();
  } catch (cause) {
    // What failed first is what is told.
    await writer.abandon().catch(() => {});
    throw folderError(folder.path, cause);
  }
}

class FolderWriter {
  readonly #restoring: Restoring;
  readonly #parts: PartFiles;
  readonly #series: SeriesFiles;

  constructor(folder: RestoredFolder) {
    this.#restoring = new Restoring(folder);
    this.#parts = new PartFiles(this.#restoring);
    this.#series = new SeriesFiles(this.#restoring);
  }

  async write({ index, upTo, verdict, reason, meta, content }: BlockToRestore): Promise<void> {
    await this.#restoring.begin();
    if (content === null || meta === null) {
      return this.#restoring.note(lostLine({ from: index, to: upTo }, verdict, reason, meta));
    }
    if (meta.name === undefined) return this.#series.writeLines(index, meta, content);
    if (this.#restoring.folder.request.as !== 'files') {
      return this.#series.writeMessage(meta.name, index, meta, content);
    }
    if (meta.from !== undefined) return this.#series.writePiece(meta.name, meta.from, index, meta, content);
    return this.#parts.write(meta.name, index, meta, content);
  }

  async finish(): Promise<Restored> {
    const { folder, paths, parts, files, renamed, used, index } = this.#restoring;
    await this.#parts.end();
    await this.#series.endLines();
    parts.end();
    const moved = await this.#series.settle();
    await paths.clear();
    await index?.finish(folder.request.title, moved);
    const kept = [...folder.kept.values()].map(({ place }) => place.path);
    return {
      ...{ files, lines: this.#series.lines, series: this.#series.named },
      ...{ incomplete: parts.incomplete, renamed, kept: this.#restoring.kept },
      left: [...new Set(kept)].filter((path) => !isStaged(path) && !used.has(path)),
      index: index === null ? null : join(folder.path, INDEX_TEXT_FILE),
    };
  }

  /** Keeps what came, for the next run: parts of files that are not whole as well, unless the disk has no room for that. */
  async abandon(): Promise<void> {
    const { index } = this.#restoring;
    if (index === null) return;
    try {
      await this.#series.flush();
      await this.#parts.keep(index);
      await index.flush();
    } catch {
      await this.#parts.discard();
    }
    await index.abandon();
  }
}
