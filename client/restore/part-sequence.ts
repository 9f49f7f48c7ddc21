import { safePath } from './safe-path.ts';

/** A file of which parts are damaged, missing or outside the range. */
export interface IncompleteFile {
  readonly name: string;
  /** Parts that were verified. */
  readonly got: number;
  readonly parts: number;
}

interface Unfinished {
  readonly parts: number;
  next: number;
}

/** Follows the parts of files, which may come interleaved, and names those that do not come whole. */
export class PartSequence {
  readonly incomplete: IncompleteFile[] = [];
  readonly #open = new Map<string, Unfinished>();
  readonly #broken = new Map<string, { name: string; got: number; parts: number }>();

  /** `first` begins its file anew; `lost` follows on nothing, and what was begun of its file is given up. */
  take(name: string, part: number, parts: number): 'first' | 'next' | 'lost' {
    if (part === 0) {
      this.giveUp(name);
      this.#broken.delete(name);
      if (parts > 1) this.#open.set(name, { parts, next: 1 });
      return 'first';
    }
    const file = this.#open.get(name);
    if (file === undefined || file.next !== part || file.parts !== parts) {
      this.#lose(name, parts, (file?.next ?? 0) + 1);
      return 'lost';
    }
    file.next += 1;
    if (file.next === parts) this.#open.delete(name);
    return 'next';
  }

  /** Whether more parts of its newest file are to come. */
  isOpen(name: string): boolean {
    return this.#open.has(name);
  }

  /** No more parts come. */
  end(): void {
    for (const name of [...this.#open.keys()]) this.giveUp(name);
  }

  giveUp(name: string): void {
    const file = this.#open.get(name);
    if (file !== undefined) this.#lose(name, file.parts, file.next);
  }

  #lose(name: string, parts: number, got: number): void {
    this.#open.delete(name);
    const broken = this.#broken.get(name);
    if (broken !== undefined) {
      broken.got += got;
      return;
    }
    const entry = { name: safePath(name), got, parts };
    this.#broken.set(name, entry);
    this.incomplete.push(entry);
  }
}
