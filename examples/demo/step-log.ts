/** One expectation of the demo and what was seen. */
export interface Step {
  readonly act: string;
  readonly step: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
  readonly ms: number;
}

/** Collects the steps; says each one as it happens, unless for machines. */
export class StepLog {
  readonly steps: Step[] = [];
  readonly #quiet: boolean;
  readonly #signal: AbortSignal | null;
  #act = '';

  /** Once `signal` is aborted, no step begins. */
  constructor(quiet: boolean, signal: AbortSignal | null = null) {
    this.#quiet = quiet;
    this.#signal = signal;
  }

  get ok(): boolean {
    return this.steps.length > 0 && this.steps.every((step) => step.ok);
  }

  act(name: string): void {
    this.#act = name;
    if (!this.#quiet) process.stdout.write(`\n${name}\n`);
  }

  /** Runs one step; it holds when what it saw is, as text, what was expected. An error is what was seen. */
  async step(step: string, expected: string, run: () => Promise<string>): Promise<void> {
    this.#signal?.throwIfAborted();
    const begin = performance.now();
    let seen: string;
    try {
      seen = await run();
    } catch (error) {
      seen = `error: ${error instanceof Error ? error.message : String(error)}`;
    }
    this.#signal?.throwIfAborted();
    const ms = Math.round(performance.now() - begin);
    const done: Step = { act: this.#act, step, expected, seen, ok: seen === expected, ms };
    this.steps.push(done);
    if (this.#quiet) return;
    const mark = done.ok ? 'ok  ' : 'FAIL';
    process.stdout.write(`  ${mark} ${step} (${(ms / 1000).toFixed(1)} s)\n       ${seen}\n`);
    if (!done.ok) process.stdout.write(`       expected: ${expected}\n`);
  }
}
