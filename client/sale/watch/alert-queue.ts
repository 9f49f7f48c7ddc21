import * as z from 'zod';
import type { Runtime } from '../../../core/ports/runtime.ts';
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

/** So many causes are remembered; the oldest that were sent go first. */
const MAX_NOTED = 1_000;
const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 300_000;

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
 * Tells each cause once, over restarts, in the order in which they arose. A cause is kept before it is told, and that it was
 * told afterwards: who is killed between the two tells it again, under the same name. One that cannot be told is tried eight
 * times within some ten minutes, then given up.
 */
export class AlertQueue {
  readonly #parts: AlertQueueParts;
  #alerts: NotedAlert[];
  #saving: Promise<void> = Promise.resolve();
  #sending: Promise<void> | null = null;
  #signal: AbortSignal;
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
    if (this.#alerts.some((one) => one.cause === cause)) return;
    const atMs = Math.floor(this.#parts.runtime.nowMs());
    this.#alerts.push({ ...alert, cause, text: text.slice(0, 1_000), atMs, sent: null });
    while (this.#alerts.length > MAX_NOTED) {
      const oldest = this.#alerts.findIndex(({ sent }) => sent !== null);
      this.#alerts.splice(Math.max(oldest, 0), 1);
    }
    this.#save();
    this.#send();
  }

  /** That a cause is over: when it arises again, it is told again. */
  settle(cause: string): void {
    const left = this.#alerts.filter((one) => one.cause !== cause || one.sent === null);
    if (left.length === this.#alerts.length) return;
    this.#alerts = left;
    this.#save();
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
    for (;;) {
      await this.#saving;
      const next = this.#alerts.find(({ sent }) => sent === null);
      if (next === undefined || this.#signal.aborted) return;
      const sent = await this.#tell(next);
      if (this.#signal.aborted && !sent) return;
      this.#alerts = this.#alerts.map((one) => (one.cause === next.cause ? { ...one, sent } : one));
      this.#save();
    }
  }

  async #tell(alert: NotedAlert): Promise<boolean> {
    const { runtime, send, onGivenUp } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      try {
        await send(alert, this.#signal);
        return true;
      } catch (error) {
        if (this.#signal.aborted) return false;
        if (attempt === ATTEMPTS) {
          this.givenUp++;
          onGivenUp(alert, error instanceof Error ? error.message : String(error));
          return false;
        }
        const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 3 ** (attempt - 1));
        await runtime.sleep(pauseMs, this.#signal).catch(() => {});
      }
    }
  }
}
