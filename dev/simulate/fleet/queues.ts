import type { VirtualTime } from '../time/virtual-time.ts';
import type { Counting } from './counts.ts';
import type { FunctionPool } from './function-pool.ts';

interface Message {
  readonly id: string;
  readonly body: string;
  readonly received: number;
}

interface QueueEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** How a queue hands its messages on, as the deployment has it (cdk/event-queue.ts). */
export interface QueueRules {
  readonly name: string;
  readonly batch: number;
  readonly receives: number;
  /** How long a message that failed stays away. */
  readonly hiddenMs: number;
}

/** A queue of events of stored objects before the function that takes them. */
export class EventQueue {
  readonly #time: VirtualTime;
  readonly #rules: QueueRules;
  readonly #pool: FunctionPool<unknown, unknown>;
  readonly #counting: Counting;
  readonly #waiting: Message[] = [];
  #isShut = () => false;
  failures = 0;
  deadLetters = 0;

  constructor(time: VirtualTime, rules: QueueRules, pool: FunctionPool<unknown, unknown>, counting: Counting) {
    this.#time = time;
    this.#rules = rules;
    this.#pool = pool;
    this.#counting = counting;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Whether nothing waits and nothing is under way. */
  isIdle(): boolean {
    return this.#waiting.length === 0 && this.#pool.running === 0;
  }

  /** While this says so, nothing is handed on. */
  shutWhile(isShut: () => boolean): void {
    this.#isShut = isShut;
  }

  add(id: string, body: string, received = 1): void {
    this.#waiting.push({ id, body, received });
    this.pump();
  }

  pump(): void {
    while (this.#waiting.length > 0 && this.#pool.hasRoom() && !this.#isShut()) {
      this.#hand(this.#waiting.splice(0, this.#rules.batch));
    }
  }

  #hand(messages: readonly Message[]): void {
    const { name, receives, hiddenMs } = this.#rules;
    // Received together, and taken away together.
    this.#counting.add(name, 'queueRequests', 2);
    const event: QueueEvent = { Records: messages.map(({ id, body }) => ({ messageId: id, body })) };
    const again = (failed: readonly Message[]): void => {
      for (const { id, body, received } of failed) {
        this.failures++;
        if (received < receives) this.#time.after(hiddenMs, () => this.add(id, body, received + 1));
        else this.deadLetters++;
      }
    };
    this.#pool
      .invoke(event)
      .then((answer) => {
        const failed = new Set((answer as BatchAnswer).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        again(messages.filter(({ id }) => failed.has(id)));
      })
      .catch(() => again(messages))
      .finally(() => this.pump());
  }
}

/** SQS drops what repeats, by its slot of time (adapters/sqs/sqs-anchor-queue.ts). */
const COALESCE_MS = 1_000;

export const slotOf = (nowMs: number): number => Math.floor(nowMs / COALESCE_MS) + 1;

/** A FIFO queue of one group: wake-ups that come together make one run, and one run follows on the other. */
export class WakeQueue {
  readonly #time: VirtualTime;
  readonly #rules: QueueRules;
  readonly #pool: FunctionPool<unknown, unknown>;
  readonly #counting: Counting;
  #isBusy = false;
  readonly #wanted = new Set<string>();
  readonly #lastSlots = new Map<string, number>();
  #isShut = () => false;
  failures = 0;

  constructor(time: VirtualTime, rules: QueueRules, pool: FunctionPool<unknown, unknown>, counting: Counting) {
    this.#time = time;
    this.#rules = rules;
    this.#pool = pool;
    this.#counting = counting;
  }

  shutWhile(isShut: () => boolean): void {
    this.#isShut = isShut;
  }

  startSchedule(everyMs: number): void {
    const tick = (): void => {
      this.wake();
      this.#time.after(everyMs, tick);
    };
    this.#time.after(everyMs, tick);
  }

  wake(reason = 'time'): void {
    const slot = slotOf(this.#time.nowMs());
    if (slot === this.#lastSlots.get(reason)) return;
    this.#lastSlots.set(reason, slot);
    this.#wanted.add(reason);
    this.#next();
  }

  #next(): void {
    if (this.#isBusy || this.#wanted.size === 0 || this.#isShut()) return;
    if (!this.#pool.hasRoom()) {
      this.#time.after(COALESCE_MS, () => this.#next());
      return;
    }
    this.#isBusy = true;
    const reasons = [...this.#wanted];
    this.#wanted.clear();
    this.#counting.add(this.#rules.name, 'queueRequests', 2);
    const free = (): void => {
      this.#isBusy = false;
      this.#next();
    };
    const Records = reasons.map((reason) => ({ messageId: reason, body: JSON.stringify({ reason }) }));
    this.#pool.invoke({ Records }).then(free, () => {
      this.failures++;
      // Nothing of the group is handed on before that.
      for (const reason of reasons) this.#wanted.add(reason);
      this.#time.after(this.#rules.hiddenMs, free);
    });
  }
}
