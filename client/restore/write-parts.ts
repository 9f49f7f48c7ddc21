import type { BlockMeta } from '../../core/block/meta.ts';
import type { BlockIndex } from '../../core/ids.ts';
import { isStaged } from './folder-paths.ts';
import type { GrowingFile } from './growing-file.ts';
import { intactLine, type Place } from './index-line.ts';
import type { Restoring } from './restoring.ts';
import type { IndexWriter } from './write-index.ts';

/** A file whose parts are still coming, with the places of those that came. */
interface Item {
  readonly name: string;
  readonly file: GrowingFile;
  readonly blocks: { readonly index: BlockIndex; readonly meta: BlockMeta; readonly place: Omit<Place, 'path'> }[];
  readonly number: number;
}

const NOT_WHOLE = 'Other parts of its file are missing.';

/** Files that are joined from their parts: each appears under its name when it is whole. */
export class PartFiles {
  readonly #restoring: Restoring;
  readonly #items = new Map<string, Item>();

  constructor(restoring: Restoring) {
    this.#restoring = restoring;
  }

  /** @throws ArgumentError as `intactLine`; what writing to the disk throws */
  async write(name: string, index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    const parts = meta.parts ?? 1;
    const before = this.#items.get(name);
    const step = this.#restoring.parts.take(name, meta.part ?? 0, parts);
    if (step !== 'next' && before !== undefined) await this.#drop(before);
    if (step === 'lost') return this.#restoring.note({ ...intactLine(index, meta, null, null), reason: NOT_WHOLE });
    const item = step === 'first' ? await this.#begin(name, index) : (before as Item);
    const offset = await item.file.append(content);
    if (item.file.isEarlier) this.#restoring.kept += 1;
    item.blocks.push({ index, meta, place: { offset, sizeBytes: content.length } });
    if (item.blocks.length === parts) await this.#complete(item);
  }

  /**
   * What is not whole now is not written.
   * @throws ArgumentError as `intactLine`; what writing to the disk throws
   */
  async end(): Promise<void> {
    for (const item of [...this.#items.values()]) await this.#drop(item);
  }

  /**
   * Keeps what came of files that are not whole, for the next run.
   * @throws ArgumentError as `intactLine`; what writing to the disk throws
   */
  async keep(index: IndexWriter): Promise<void> {
    for (const { file, blocks, number } of this.#items.values()) {
      await file.flush();
      const { path } = file;
      for (const { index: block, meta, place } of blocks) {
        await index.note(intactLine(block, meta, number, path === null ? null : { path, ...place }));
      }
    }
  }

  /** Where there is no room for that. */
  async discard(): Promise<void> {
    for (const { file } of this.#items.values()) {
      if (file.path !== null && isStaged(file.path)) await this.#restoring.paths.discard(file.path);
    }
  }

  async #begin(name: string, index: BlockIndex): Promise<Item> {
    const { paths, folder } = this.#restoring;
    const file = this.#restoring.grow(() => paths.stage());
    const earlier = folder.kept.get(index)?.place;
    if (earlier?.offset === 0) await this.#restoring.goOn(file, earlier.path, isStaged(earlier.path));
    const item = { name, file, blocks: [], number: this.#restoring.count(name) };
    this.#items.set(name, item);
    return item;
  }

  async #complete({ name, file, blocks, number }: Item): Promise<void> {
    const { paths, files } = this.#restoring;
    await file.requireSameEnd();
    await file.sync();
    const written = file.path as string;
    const path = isStaged(written) ? await paths.settle(written, name) : written;
    this.#items.delete(name);
    files.push(path);
    this.#restoring.use(name, path);
    for (const { index, meta, place } of blocks) {
      await this.#restoring.note(intactLine(index, meta, number, { path, ...place }));
    }
    await this.#restoring.flush();
  }

  async #drop({ name, file, blocks }: Item): Promise<void> {
    this.#items.delete(name);
    if (file.path !== null && isStaged(file.path)) await this.#restoring.paths.discard(file.path);
    for (const { index, meta } of blocks) {
      await this.#restoring.note({ ...intactLine(index, meta, null, null), reason: NOT_WHOLE });
    }
  }
}
