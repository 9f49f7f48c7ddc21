const MOST_KEYS = 10_000;

/** Keys that this process has dealt with lately, the newest 10,000: a hint and never a fact, as other processes have others. */
export class RecentKeys {
  readonly #keys = new Set<string>();

  add(key: string): void {
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST_KEYS && oldest !== undefined) this.#keys.delete(oldest);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }
}
