import type { BlockMeta } from '../../core/block/meta.ts';
import type { BlockIndex } from '../../core/ids.ts';
import type { GrowingFile } from './growing-file.ts';
import { intactLine } from './index-line.ts';
import { jsonLine } from './json-line.ts';
import type { Restoring } from './restoring.ts';
import { LINES } from './safe-path.ts';

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

interface ShownSeries {
  readonly path: string;
  readonly blocks: number;
}

const NEWLINE = Uint8Array.of(0x0a);

/** Files that grow with every block: the stream of lines, all messages of a name, and the pieces of a growing file. */
export class SeriesFiles {
  readonly #restoring: Restoring;
  /** By name; the stream of lines by null. */
  readonly #series = new Map<string | null, Series>();
  readonly #growing = new Map<string, Series[]>();

  constructor(restoring: Restoring) {
    this.#restoring = restoring;
  }

  /**
   * A block without a name.
   * @throws ArgumentError as `intactLine`; what writing to the disk throws
   */
  async writeLines(index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    await this.#append(await this.#seriesOf(null), index, meta, content);
  }

  /**
   * A message, or a version of a file, behind all others of its name.
   * @throws ArgumentError as `intactLine`; what writing to the disk throws
   */
  async writeMessage(name: string, index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    const series = await this.#seriesOf(name);
    const step = this.#restoring.parts.take(name, meta.part ?? 0, meta.parts ?? 1);
    const goesOn = step === 'next' || (meta.from ?? 0) > 0;
    if (step === 'first' && !goesOn) this.#restoring.count(name);
    // A message is a line of its own, whatever comes before it.
    if (!goesOn && !series.isEnded) await this.#end(series);
    await this.#append(series, index, meta, content);
    series.grows = meta.from !== undefined;
  }

  /**
   * A piece continues the newest version that ends where it begins, and begins one of its own where there is none.
   * @throws ArgumentError as `intactLine`; what writing to the disk throws
   */
  async writePiece(name: string, from: number, index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    const { folder, paths } = this.#restoring;
    const versions = this.#growing.get(name) ?? [];
    const found = from === 0 ? undefined : versions.findLast(({ file, begin }) => begin + file.sizeBytes === from);
    let version = found;
    if (version === undefined) {
      const earlier = folder.kept.get(index)?.place;
      const file = this.#restoring.grow(() => paths.create(name));
      if (earlier?.offset === 0) await this.#restoring.goOn(file, earlier.path, true);
      version = { file, number: this.#restoring.count(name), blocks: 0, isEnded: true, grows: true, begin: from };
      this.#growing.set(name, [...versions, version]);
    }
    await this.#append(version, index, meta, content);
  }

  /** Ends lines that nothing can go on with. */
  async endLines(): Promise<void> {
    for (const [name, one] of this.#series) {
      // A message that came whole is a line; what may go on in a later run is not ended.
      if (name !== null && !one.isEnded && !one.grows && !this.#restoring.parts.isOpen(name)) await this.#end(one);
    }
  }

  /** Makes all of them durable; the paths of those that had to begin anew, by the old one. */
  async settle(): Promise<Map<string, string>> {
    const moved = new Map<string, string>();
    for (const { file } of this.#all()) {
      await file.requireSameEnd();
      await file.sync();
      if (file.leftPath !== null) moved.set(file.leftPath, file.path as string);
    }
    for (const [name, { file }] of this.#series) this.#note(name, file);
    for (const [name, versions] of this.#growing) {
      for (const { file } of versions) {
        this.#note(name, file);
        this.#restoring.files.push(file.path as string);
      }
    }
    return moved;
  }

  /** What came is kept for the next run. */
  async flush(): Promise<void> {
    for (const { file } of this.#all()) await file.flush();
  }

  /** The stream of lines; null when there was none. */
  get lines(): ShownSeries | null {
    const stream = this.#series.get(null);
    return stream === undefined ? null : shown(stream);
  }

  get named(): ShownSeries[] {
    return [...this.#series].filter(([name]) => name !== null).map(([, one]) => shown(one));
  }

  #all(): Series[] {
    return [...this.#series.values(), ...[...this.#growing.values()].flat()];
  }

  async #append(series: Series, index: BlockIndex, meta: BlockMeta, content: Uint8Array): Promise<void> {
    const isJson = this.#restoring.folder.request.as === 'jsonl';
    const bytes = isJson ? jsonLine(index, meta, content) : content;
    const offset = await series.file.append(bytes);
    if (series.file.isEarlier) this.#restoring.kept += 1;
    series.blocks += 1;
    series.isEnded = bytes.at(-1) === NEWLINE[0];
    const place = { path: series.file.path as string, offset, sizeBytes: bytes.length };
    const counted = meta.name === undefined ? null : this.#restoring.numberOf(meta.name) || null;
    await this.#restoring.note(intactLine(index, meta, series.number ?? counted, place));
    if (series.blocks === 1) await this.#restoring.flush();
  }

  async #end(series: Series): Promise<void> {
    await series.file.append(NEWLINE);
    series.isEnded = true;
  }

  async #seriesOf(name: string | null): Promise<Series> {
    const known = this.#series.get(name);
    if (known !== undefined) return known;
    const { paths, folder, ending } = this.#restoring;
    const file = this.#restoring.grow(() =>
      name === null ? paths.createAt(LINES, ending) : paths.create(name, ending),
    );
    const earlier = folder.series.get(name);
    if (earlier !== undefined) await this.#restoring.goOn(file, earlier, true);
    const series = { file, number: null, blocks: 0, isEnded: true, grows: false, begin: 0 };
    this.#series.set(name, series);
    return series;
  }

  #note(name: string | null, file: GrowingFile): void {
    if (file.path !== null) this.#restoring.use(name, file.path);
  }
}

function shown({ file, blocks }: Series): ShownSeries {
  return { path: file.path as string, blocks };
}
