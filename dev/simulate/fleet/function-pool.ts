import type { VirtualTime } from '../time/virtual-time.ts';
import type { Counting } from './counts.ts';
import type { Latencies } from './latencies.ts';
import { WHOLE_PROCESSOR_MB } from './latencies.ts';
import { Processor } from './processor.ts';

/** What a machine runs: made once for it, with what it remembers. */
export type Invocation<Event, Answer> = (event: Event) => Promise<Answer>;

/** Invocations that an account may have at once, of all functions together. */
export interface Account {
  readonly atOnce: number;
  running: number;
}

interface PoolParts<Event, Answer> {
  readonly time: VirtualTime;
  readonly name: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Machines at most; null: as many as the account has room for. */
  readonly most: number | null;
  readonly account: Account;
  readonly latencies: Latencies;
  readonly counting: Counting;
  readonly make: (processor: Processor) => Invocation<Event, Answer>;
}

interface Machine<Event, Answer> {
  readonly processor: Processor;
  readonly invoke: Invocation<Event, Answer>;
}

/** A function's machines: each runs one invocation at a time, and the one that was used last is used first. */
export class FunctionPool<Event, Answer> {
  readonly #parts: PoolParts<Event, Answer>;
  readonly #idle: Machine<Event, Answer>[] = [];
  running = 0;

  constructor(parts: PoolParts<Event, Answer>) {
    this.#parts = parts;
  }

  hasRoom(): boolean {
    const { most, account } = this.#parts;
    return account.running < account.atOnce && (most === null || this.running < most);
  }

  /** Runs one invocation. @throws DOMException TimeoutError when its time is up: the machine is thrown away then */
  async invoke(event: Event): Promise<Answer> {
    const { time, name, timeoutMs, account, latencies, counting } = this.#parts;
    this.running++;
    account.running++;
    counting.add(name, 'invocations');
    try {
      const idle = this.#idle.pop();
      if (idle === undefined) await time.sleep(latencies.cold);
      const machine = idle ?? this.#build();
      const late = Promise.withResolvers<never>();
      const timer = time.after(timeoutMs, () =>
        late.reject(new DOMException(`${name} took longer than ${timeoutMs} ms.`, 'TimeoutError')),
      );
      let isLate = false;
      try {
        return await Promise.race([machine.invoke(event), late.promise]);
      } catch (error) {
        isLate = error instanceof DOMException && error.name === 'TimeoutError';
        throw error;
      } finally {
        timer.stop();
        if (!isLate) this.#idle.push(machine);
      }
    } finally {
      this.running--;
      account.running--;
    }
  }

  #build(): Machine<Event, Answer> {
    const { time, memoryMb, make } = this.#parts;
    const processor = new Processor(time, Math.min(1, memoryMb / WHOLE_PROCESSOR_MB));
    return { processor, invoke: make(processor) };
  }
}
