import { createRequire } from 'node:module';

interface Iterators {
  readonly prototype: { return?: () => Promise<void>; close(): Promise<void> };
}

/**
 * dynalite 4.0.0 lets go of an iterator of its store by `return()`, which the iterators of abstract-level do not have: each
 * query left one behind for ever, with the store's snapshot that it holds (4 KiB of heap a query, and as much outside as
 * was written since). Given that method, they close.
 */
export function closeIteratorsOnReturn(): void {
  // The copy that dynalite's stores are made of.
  const ofDynalite = createRequire(createRequire(import.meta.url).resolve('dynalite'));
  const ofLevel = createRequire(ofDynalite.resolve('level'));
  const { AbstractKeyIterator, AbstractValueIterator } = ofLevel('abstract-level') as Record<string, Iterators>;
  for (const iterators of [AbstractKeyIterator, AbstractValueIterator]) {
    if (iterators === undefined) throw new Error('abstract-level has no iterators of keys or values any more.');
    iterators.prototype.return ??= function (this: { close(): Promise<void> }) {
      return this.close();
    };
  }
}
