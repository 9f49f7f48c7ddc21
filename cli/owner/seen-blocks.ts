import type { GotBlock } from '../../client/owner/judge-stored.ts';
import type { BlockMeta } from '../../core/block/meta.ts';
import type { DamagedBlock } from './get-report.ts';

/** Blocks as they come, in the order of the log: how many are intact, and beside which the others lie. */
export class SeenBlocks {
  intact = 0;
  readonly notIntact: DamagedBlock[] = [];
  #before: BlockMeta | null = null;
  /** Of those that are not intact, the first behind the last that is. */
  #open = 0;

  note({ verdict, upTo, meta, about }: GotBlock): void {
    if (meta === null) {
      this.notIntact.push({ verdict, upTo, about, before: this.#before, after: null });
      return;
    }
    this.intact += 1;
    this.#before = meta;
    for (; this.#open < this.notIntact.length; this.#open++) {
      this.notIntact[this.#open] = { ...(this.notIntact[this.#open] as DamagedBlock), after: meta };
    }
  }
}
