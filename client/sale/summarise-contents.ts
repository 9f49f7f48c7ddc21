import type { Manifest } from '../../core/batch/manifest-fields.ts';
import { decodeMeta } from '../../core/block/meta.ts';
import { type Description, MAX_CONTENTS, MAX_NAME_CHARACTERS } from '../../core/market/description.ts';
import { toLine } from '../../core/market/plain-text.ts';

/** What a description says of the blocks for sale. */
export type Contents = Pick<Description, 'period' | 'sizeBytes' | 'contents' | 'moreNames'>;

/** Names beyond that are counted together: a log of a million files takes no more memory. */
const MAX_COUNTED_NAMES = 100_000;

/**
 * Adds up what the manifests of a range say of its blocks, whatever their order.
 *
 * @example
 * const summary = new ContentSummary({ first: 0, count: 4 });
 * summary.add(await fetchManifest(service, dataset, 0, new AbortController().signal));
 * console.log(summary.toContents(true).sizeBytes);
 */
export class ContentSummary {
  readonly #from: number;
  readonly #end: number;
  readonly #names = new Map<string, { blocks: number; sizeBytes: number }>();
  readonly #seen = new Set<number>();
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = 0;
  #sizeBytes = 0;
  #uncountedNames = 0;

  constructor({ first, count }: { readonly first: number; readonly count: number }) {
    this.#from = first;
    this.#end = first + count;
  }

  /**
   * Takes a batch in, once.
   * @throws ProofError when a meta of it is none
   */
  add({ first, blocks }: Pick<Manifest, 'first' | 'blocks'>): void {
    if (this.#seen.has(first)) return;
    this.#seen.add(first);
    for (const [i, { size, meta }] of blocks.entries()) {
      if (first + i < this.#from || first + i >= this.#end) continue;
      const { at, name } = decodeMeta(meta);
      this.#fromMs = Math.min(this.#fromMs, at);
      this.#toMs = Math.max(this.#toMs, at);
      this.#sizeBytes += size;
      const line = name === undefined ? null : toLine(name, MAX_NAME_CHARACTERS);
      if (line !== null) this.#count(line, size);
    }
  }

  #count(name: string, sizeBytes: number): void {
    const known = this.#names.get(name);
    if (known === undefined && this.#names.size >= MAX_COUNTED_NAMES) this.#uncountedNames++;
    else {
      this.#names.set(name, { blocks: (known?.blocks ?? 0) + 1, sizeBytes: (known?.sizeBytes ?? 0) + sizeBytes });
    }
  }

  /** The largest first; without names where they are not to be told. */
  toContents(withNames: boolean): Contents {
    const byName = [...this.#names].map(([name, counted]) => ({ name, ...counted }));
    byName.sort((a, b) => b.sizeBytes - a.sizeBytes || (a.name < b.name ? -1 : 1));
    const isEmpty = this.#fromMs === Number.POSITIVE_INFINITY;
    return {
      period: isEmpty ? null : { fromMs: this.#fromMs, toMs: this.#toMs },
      sizeBytes: isEmpty ? null : this.#sizeBytes,
      contents: withNames ? byName.slice(0, MAX_CONTENTS) : [],
      moreNames: withNames ? Math.max(0, byName.length - MAX_CONTENTS) + this.#uncountedNames : 0,
    };
  }
}

/** Of blocks that nobody has looked at. */
export const UNKNOWN_CONTENTS: Contents = { period: null, sizeBytes: null, contents: [], moreNames: 0 };
