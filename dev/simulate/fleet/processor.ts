import type { VirtualTime } from '../time/virtual-time.ts';

/** The processor of one machine of the fleet's world: work is done one after the other, while answers are waited for together. */
export class Processor {
  readonly #time: VirtualTime;
  readonly #share: number;
  #freeAtMs = 0;

  /** @param share of a whole processor */
  constructor(time: VirtualTime, share: number) {
    this.#time = time;
    this.#share = share;
  }

  /** Works so long, then waits so long. */
  spend({ cpuMs, waitMs }: { readonly cpuMs: number; readonly waitMs: number }): Promise<void> {
    const now = this.#time.nowMs();
    this.#freeAtMs = Math.max(now, this.#freeAtMs) + cpuMs / this.#share;
    return this.#time.sleep(this.#freeAtMs + waitMs - now);
  }
}
