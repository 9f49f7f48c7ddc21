import { OutboxUnavailableError } from '../../outbox/errors.ts';
import { leftOutNow, noteLeftOut, noteMissed } from '../../outbox/left-out.ts';
import type { SourceParts } from '../source.ts';

/** Account of what a source does not capture: each thing is said once, and stands in `plumb device status` while it is so. */
export interface Account {
  leaveOut(what: string, reason: string): void;
  /** It is captured now, or is not there any more. */
  settle(what: string): void;
  /** Everything is looked at from here on: whatever is left out still is said again, by `leaveOut` or `repeat`. */
  beginRound(): void;
  /** It is left out still, if it was. */
  repeat(what: string): void;
  /** Settles what was not said again in this round. */
  endRound(): void;
  /** It is gone, and never was captured. */
  miss(what: string, reason: string): void;
  /** Brings it to the outbox. */
  write(): void;
}

// A folder of caches must not fill the memory of a small device.
const MAX_ITEMS = 50_000;
const REST = '…';

export function createAccount({
  outbox,
  runtime,
  report,
}: Pick<SourceParts, 'outbox' | 'runtime' | 'report'>): Account {
  /** What the outbox says; a former run may have left it. */
  const written = leftOutNow(outbox);
  const now = new Map<string, string>();
  const said = new Set<string>();
  let changes = new Map<string, string | null>([...written.keys()].map((what) => [what, null]));
  let missed: { what: string; reason: string }[] = [];

  const put = (what: string, reason: string | null): void => {
    if (written.get(what) === (reason ?? undefined)) changes.delete(what);
    else changes.set(what, reason);
  };

  return {
    leaveOut(what, reason) {
      const isKnown = now.has(what);
      if (!isKnown && now.size >= MAX_ITEMS) {
        put(REST, `More than ${MAX_ITEMS} items are left out; the rest are not listed.`);
        return;
      }
      said.add(what);
      if (now.get(what) === reason) return;
      now.set(what, reason);
      put(what, reason);
      report({ event: 'skipped', what, reason });
    },
    settle(what) {
      if (!now.delete(what) && !written.has(what)) return;
      put(what, null);
    },
    beginRound: () => said.clear(),
    repeat: (what) => void said.add(what),
    endRound() {
      for (const what of now.keys()) {
        if (said.has(what)) continue;
        now.delete(what);
        put(what, null);
      }
    },
    miss(what, reason) {
      missed.push({ what, reason });
      report({ event: 'skipped', what, reason });
    },
    write() {
      if (changes.size === 0 && missed.length === 0) return;
      const [toWrite, toCount] = [changes, missed];
      try {
        outbox.commit(() => {
          noteLeftOut(outbox, toWrite, runtime.nowMs());
          for (const { what, reason } of toCount) noteMissed(outbox, what, reason, runtime.nowMs());
        });
      } catch (cause) {
        // The disk does not take it now: the next look brings it.
        if (cause instanceof OutboxUnavailableError) return;
        throw cause;
      }
      for (const [what, reason] of toWrite) {
        if (reason === null) written.delete(what);
        else written.set(what, reason);
      }
      changes = new Map();
      missed = [];
    },
  };
}
