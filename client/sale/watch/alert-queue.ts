import * as z from 'zod';
import type { Runtime } from '../../../core/ports/runtime.ts';
import { printable } from '../../printable.ts';
import type { Alert } from './alert-of.ts';

const noted = z.strictObject({
  cause: z.string().min(1).max(300),
  alert: z.string().max(40),
  severity: z.enum(['info', 'warning', 'critical']),
  agreement: z.string().max(66).nullable(),
  text: z.string().max(1_000),
  atMs: z.int().min(0),
  /** Null while it waits; false when it was given up. */
  sent: z.boolean().nullable(),
});
export type NotedAlert = z.output<typeof noted>;

/** What is kept of alerts: those told, so that none is told again, and those that wait. */
export const notedAlerts = z.strictObject({ v: z.literal(1), alerts: z.array(noted).max(2_000) });

/** So many causes are remembered; of more, those that were told go first, then what matters least. */
const MAX_NOTED = 1_000;
const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 300_000;
const WEIGHT: Readonly<Record<NotedAlert['severity'], number>> = { info: 1, warning: 2, critical: 3 };

export interface AlertQueueParts {
  readonly runtime: Runtime;
  /** As it was kept. */
  readonly known: readonly NotedAlert[];
  /** Durable when it returns. */
  save(alerts: readonly NotedAlert[]): Promise<void>;
  /** Tells somebody. @throws when that did not work */
  send(alert: NotedAlert, signal: AbortSignal): Promise<void>;
  /** That one could not be told, and is given up. */
  onGivenUp(alert: NotedAlert, reason: string): void;
}

/**
 * Tells each cause once, over restarts: what matters most first, and of that the oldest, so that no number of small things
 * keeps a large one waiting. A cause is kept before it is told, and that it was told afterwards: who is killed between the
 * two tells it again, under the same name. One that cannot be told is tried eight times within some ten minutes, then given
 * up.
 *
 * @example
 * const told: string[] = [];
 * const send = async ({ text }) => void told.push(text);
 * const parts = { runtime, known: [], save: async () => {}, send, onGivenUp: () => {} };
 * const queue = new AlertQueue(parts, new AbortController().signal);
 * queue.raise({ cause: 'low-funds', alert: 'low-funds', severity: 'critical', agreement: null, text: 'Send gas.' });
 * await queue.idle();
 * console.log(told.join()); // Send gas.
 */
export class AlertQueue {
  readonly #parts: AlertQueueParts;
  #alerts: NotedAlert[];
  readonly #failures = new Map<string, number>();
  #saving: Promise<void> = Promise.resolve();
  #sending: Promise<void> | null = null;
  #signal: AbortSignal;
  #woken = new AbortController();
  givenUp = 0;

  constructor(parts: AlertQueueParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#alerts = [...parts.known];
    this.#signal = signal;
    this.#send();
  }

  get pending(): number {
    return this.#alerts.filter(({ sent }) => sent === null).length;
  }

  /** Notes a cause, unless it was noted before. */
  raise({ cause, text, ...alert }: Alert): void {
    if (this.isNoted(cause)) return;
    const atMs = Math.floor(this.#parts.runtime.nowMs());
    this.#alerts.push({ ...alert, cause, text: printable(text).slice(0, 1_000), atMs, sent: null });
    while (this.#alerts.length > MAX_NOTED) this.#alerts.splice(this.#leastIndex(), 1);
    this.#save();
    // A pause because of a smaller one is no reason to wait.
    if (alert.severity !== 'info') this.#woken.abort();
    this.#send();
  }

  /** That a cause is over: when it arises again, it is told again. */
  settle(cause: string): void {
    const left = this.#alerts.filter((one) => one.cause !== cause || one.sent === null);
    if (left.length === this.#alerts.length) return;
    this.#alerts = left;
    this.#save();
  }

  /** Whether a cause was told, or waits to be. */
  isNoted(cause: string): boolean {
    return this.#alerts.some((one) => one.cause === cause);
  }

  /** Returns when all that was raised until now is on the disk, as far as it can be written. */
  async kept(): Promise<void> {
    await this.#saving;
  }

  /** Returns when all that can be told was told, or the signal has ended it. */
  async idle(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
    await this.#saving;
  }

  #save(): void {
    const snapshot = [...this.#alerts];
    // What cannot be kept is told all the same, and perhaps once more after a restart.
    this.#saving = this.#saving.then(() => this.#parts.save(snapshot)).catch(() => {});
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
  }

  async #sendAll(): Promise<void> {
    const { runtime, onGivenUp } = this.#parts;
    for (;;) {
      await this.#saving;
      const next = this.#mostPressing();
      if (next === null || this.#signal.aborted) return;
      this.#woken = new AbortController();
      const problem = await this.#tell(next);
      if (problem === null) {
        this.#note(next, true);
        continue;
      }
      if (this.#signal.aborted) return;
      const failures = (this.#failures.get(next.cause) ?? 0) + 1;
      this.#failures.set(next.cause, failures);
      if (failures === ATTEMPTS) {
        this.givenUp++;
        onGivenUp(next, problem);
        this.#note(next, false);
        continue;
      }
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 3 ** (failures - 1));
      await runtime.sleep(pauseMs, AbortSignal.any([this.#signal, this.#woken.signal])).catch(() => {});
    }
  }

  /** @returns what went wrong, or null */
  async #tell(alert: NotedAlert): Promise<string | null> {
    try {
      await this.#parts.send(alert, this.#signal);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #note({ cause }: NotedAlert, sent: boolean): void {
    this.#failures.delete(cause);
    this.#alerts = this.#alerts.map((one) => (one.cause === cause ? { ...one, sent } : one));
    this.#save();
  }

  #mostPressing(): NotedAlert | null {
    const weights = this.#alerts.map(({ sent, severity }) => (sent === null ? WEIGHT[severity] : 0));
    const most = Math.max(0, ...weights);
    return most === 0 ? null : (this.#alerts[weights.indexOf(most)] ?? null);
  }

  #leastIndex(): number {
    const weights = this.#alerts.map(({ sent, severity }) => (sent === null ? WEIGHT[severity] : 0));
    return weights.indexOf(Math.min(...weights));
  }
}
