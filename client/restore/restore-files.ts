import { join } from 'node:path';
import type { BlockMeta } from '../../core/block/meta.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { VerdictKind } from '../../core/verdict.ts';
import { folderError } from './folder-error.ts';
import { FolderPaths, isStaged } from './folder-paths.ts';
import { GrowingFile } from './growing-file.ts';
import { intactLine, lostLine, type Place } from './index-line.ts';
import { jsonLine } from './json-line.ts';
import { type IncompleteFile, PartSequence } from './part-sequence.ts';
import { claimFolder, type RestoredFolder } from './restored-folder.ts';
import { INDEX_TEXT_FILE, LINES } from './safe-path.ts';
import { IndexWriter } from './write-index.ts';

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

/** A file whose parts are still coming, with the places of those that came. */
interface Item {
  readonly name: string;
  readonly file: GrowingFile;
  readonly blocks: { readonly index: BlockIndex; readonly meta: BlockMeta; readonly place: Omit<Place, 'path'> }[];
  readonly number: number;
}

/** A file that blocks are appended to as they come. */
interface Series {
  readonly file: GrowingFile;
  readonly number: number | null;
  blocks: number;
  /** Whether its last line has its end. */
  isEnded: boolean;
  /** Whether its last block was a piece of a growing file, which may go on. */
  grows: boolean;
  /** At which byte of a growing file it begins. */
  readonly begin: number;
}

const NEWLINE = Uint8Array.of(0x0a);

class FolderWriter {
  readonly #folder: RestoredFolder;
  readonly #paths: FolderPaths;
  readonly #parts = new PartSequence();
  readonly #items = new Map<string, Item>();
  /** By name; the stream of lines by null. */
  readonly #series = new Map<string | null, Series>();
  readonly #growing = new Map<string, Series[]>();
  readonly #numbers = new Map<string, number>();
  readonly #files: string[] = [];
  readonly #renamed: { name: string; path: string }[] = [];
  readonly #used = new Set<string>();
  #index: IndexWriter | null = null;
  #kept = 0;

  constructor(folder: RestoredFolder) {
    this.#folder = folder;
    this.#paths = new FolderPaths(folder);
  }

  async write(block: BlockToRestore): Promise<void> {
    const { index, upTo, verdict, reason, meta, content } = block;
    this.#index ??= await this.#begin();
    if (content === null || meta === null) {
      return this.#index.note(lostLine({ from: index, to: upTo }, verdict, reason, meta));
    }
    if (meta.name === undefined) return this.#append(await this.#seriesOf(null), index, meta, content);
    if (this.#folder.request.as !== 'files') return this.#writeSeries(meta.name, index, meta, content);
    if (meta.from !== undefined) return this.#writePiece(meta.name, meta.from, index, meta, content);
    return this.#writePart(meta.name, index, meta, content);
  }

  async finish(): Promise<Restored> {
    for (const item of [...this.#items.values()]) await this.#drop(item);
    for (const [name, one] of this.#series) {
      // A message that came whole is a line; what may go on in a later run is not ended.
      if (name !== null && !one.isEnded && !one.grows && !this.#parts.isOpen(name)) await this.#end(one);
    }
    this.#parts.end();
    const moved = new Map<string, string>();
    for (const { file } of [...this.#series.values(), ...[...this.#growing.values()].flat()]) {
      await file.requireSameEnd();
      await file.sync();
      if (file.leftPath !== null) moved.set(file.leftPath, file.path as string);
    }
    for (const [name, one] of this.#series) this.#noteName(name, one.file);
    for (const [name, versions] of this.#growing) {
      for (const one of versions) {
        this.#noteName(name, one.file);
        this.#files.push(one.file.path as string);
      }
    }
    await this.#paths.clear();
    await this.#index?.finish(this.#folder.request.title, moved);
    const stream = this.#series.get(null);
    const kept = [...this.#folder.kept.values()].map(({ place }) => place.path);
    return {
      files: this.#files,
      lines: stream === undefined ? null : shown(stream),
      series: [...this.#series].filter(([name]) => name !== null).map(([, one]) => shown(one)),
      incomplete: this.#parts.incomplete,
      renamed: this.#renamed,
      kept: this.#kept,
      left: [...new Set(kept)].filter((path) => !isStaged(path) && !this.#used.has(path)),
      index: this.#index === null ? null : join(this.#folder.path, INDEX_TEXT_FILE),
    };
  }

  /** Keeps what came, for the next run: parts of files that are not whole as well, unless the disk has no room for that. */
  async abandon(): Promise<void> {
    if (this.#index === null) return;
    try {
      await this.#keepAll(this.#index);
    } catch {
      for (const { file } of this.#items.values()) {
        if (file.path !== null && isStaged(file.path)) await this.#paths.discard(file.path);
      }
    }
    await this.#index.abandon();
  }

  async #keepAll(index: IndexWriter): Promise<void> {
    for (const one of [...this.#series.values(), ...[...this.#growing.values()].flat()]) await one.file.flush();
    for (const { file, blocks, number } of this.#items.values()) {
      await file.flush();
      const { path } = file;
      for (const { index: block, meta, place } of blocks) {
        await index.note(intactLine(block, meta, number, path === null ? null : { path, ...place }));
      }
    }
    await index.flush();
  }

  async #begin(): Promise<IndexWriter> {
    await claimFolder(this.#folder);
    return IndexWriter.begin(this.#folder.path, this.#folder.isContinued);
  }

  async #writeSeries(name: string, index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    const series = await this.#seriesOf(name);
    const step = this.#parts.take(name, meta.part ?? 0, meta.parts ?? 1);
    const goesOn = step === 'next' || (meta.from ?? 0) > 0;
    if (step === 'first' && !goesOn) this.#count(name);
    // A message is a line of its own, whatever comes before it.
    if (!goesOn && !series.isEnded) await this.#end(series);
    await this.#append(series, index, meta, content);
    series.grows = meta.from !== undefined;
  }

  async #append(series: Series, index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    const isJson = this.#folder.request.as === 'jsonl';
    const bytes = isJson ? jsonLine(index, meta, content) : content;
    const offset = await series.file.append(bytes);
    if (series.file.isEarlier) this.#kept += 1;
    series.blocks += 1;
    series.isEnded = bytes.at(-1) === NEWLINE[0];
    const place = { path: series.file.path as string, offset, sizeBytes: bytes.length };
    const number = series.number ?? (meta.name === undefined ? null : (this.#numbers.get(meta.name) ?? null));
    await this.#index?.note(intactLine(index, meta, number, place));
    if (series.blocks === 1) await this.#index?.flush();
  }

  async #end(series: Series): Promise<void> {
    await series.file.append(NEWLINE);
    series.isEnded = true;
  }

  /** A piece continues the newest version that ends where it begins, and begins one of its own where there is none. */
  async #writePiece(
    name: string,
    from: number,
    index: BlockIndex,
    meta: BlockMeta,
    content: Uint8Array,
  ): Promise<void> {
    const versions = this.#growing.get(name) ?? [];
    const found = from === 0 ? undefined : versions.findLast(({ file, begin }) => begin + file.sizeBytes === from);
    let version = found;
    if (version === undefined) {
      const earlier = this.#folder.kept.get(index)?.place;
      const file = this.#grow(() => this.#paths.create(name));
      if (earlier?.offset === 0) await this.#goOn(file, earlier.path, true);
      version = { file, number: this.#count(name), blocks: 0, isEnded: true, grows: true, begin: from };
      this.#growing.set(name, [...versions, version]);
    }
    await this.#append(version, index, meta, content);
  }

  async #writePart(name: string, index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    const parts = meta.parts ?? 1;
    const before = this.#items.get(name);
    const step = this.#parts.take(name, meta.part ?? 0, parts);
    if (step !== 'next' && before !== undefined) await this.#drop(before);
    if (step === 'lost') return this.#index?.note({ ...intactLine(index, meta, null, null), reason: NOT_WHOLE });
    const item = step === 'first' ? await this.#beginItem(name, index) : (before as Item);
    const offset = await item.file.append(content);
    if (item.file.isEarlier) this.#kept += 1;
    item.blocks.push({ index, meta, place: { offset, sizeBytes: content.length } });
    if (item.blocks.length === parts) await this.#complete(item);
  }

  async #beginItem(name: string, index: BlockIndex): Promise<Item> {
    const file = this.#grow(() => this.#paths.stage());
    const earlier = this.#folder.kept.get(index)?.place;
    if (earlier?.offset === 0) await this.#goOn(file, earlier.path, isStaged(earlier.path));
    const item = { name, file, blocks: [], number: this.#count(name) };
    this.#items.set(name, item);
    return item;
  }

  async #complete(item: Item): Promise<void> {
    const { name, file, blocks, number } = item;
    await file.requireSameEnd();
    await file.sync();
    const written = file.path as string;
    const path = isStaged(written) ? await this.#paths.settle(written, name) : written;
    this.#items.delete(name);
    this.#files.push(path);
    this.#use(name, path);
    for (const { index, meta, place } of blocks) {
      await this.#index?.note(intactLine(index, meta, number, { path, ...place }));
    }
    await this.#index?.flush();
  }

  async #drop({ name, file, blocks }: Item): Promise<void> {
    this.#items.delete(name);
    if (file.path !== null && isStaged(file.path)) await this.#paths.discard(file.path);
    for (const { index, meta } of blocks) {
      await this.#index?.note({ ...intactLine(index, meta, null, null), reason: NOT_WHOLE });
    }
  }

  async #seriesOf(name: string | null): Promise<Series> {
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    const file = this.#grow(() =>
      name === null ? this.#paths.createAt(LINES, this.#ending) : this.#paths.create(name, this.#ending),
    );
    const earlier = this.#folder.series.get(name);
    if (earlier !== undefined) await this.#goOn(file, earlier, true);
    const series = { file, number: null, blocks: 0, isEnded: true, grows: false, begin: 0 };
    this.#series.set(name, series);
    return series;
  }

  /** Of the files of a series. */
  get #ending(): string {
    return this.#folder.request.as === 'jsonl' ? '.jsonl' : '';
  }

  #grow(make: () => Promise<string>): GrowingFile {
    return new GrowingFile(this.#folder.path, make);
  }

  async #goOn(file: GrowingFile, path: string, mayGrow: boolean): Promise<void> {
    if (!(await file.goOnFrom({ path, mayGrow }))) this.#paths.release(path);
  }

  #noteName(name: string | null, file: GrowingFile): void {
    if (file.path !== null) this.#use(name, file.path);
  }

  #use(name: string | null, path: string): void {
    this.#used.add(path);
    if (name !== null && path !== name + this.#ending) this.#renamed.push({ name, path });
  }

  #count(name: string): number {
    const number = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, number);
    return number;
  }
}

const NOT_WHOLE = 'Other parts of its file are missing.';

function shown({ file, blocks }: Series): { path: string; blocks: number } {
  return { path: file.path as string, blocks };
}
