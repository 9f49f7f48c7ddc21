import type { CaptureEntry } from '../../device/outbox/append-blocks.ts';
import type { Source, SourceParts } from '../../device/sources/source.ts';

/** A source that gives what a test says, when it says so. */
export interface PushSource extends Source {
  /** Resolves once the entry is acknowledged. */
  push(entry: CaptureEntry): Promise<void>;
  /** One nameless block. */
  line(text: string): Promise<void>;
  end(): void;
}

export function pushSource(): PushSource {
  let parts: SourceParts | null = null;
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let begin = (): void => {};
  const began = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const push = async (entry: CaptureEntry): Promise<void> => {
    await began;
    await parts?.queue.capture(entry);
  };
  return {
    description: 'push',
    async run(given, _options, signal) {
      parts = given;
      begin();
      await Promise.race([ended, new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))]);
      if (!signal.aborted) await given.queue.settled();
    },
    push,
    async line(text) {
      await began;
      const meta = parts?.clock.stamp() ?? { at: 0 };
      await push({ blocks: [{ content: new TextEncoder().encode(text), meta }], streamBytes: text.length });
    },
    end,
  };
}
