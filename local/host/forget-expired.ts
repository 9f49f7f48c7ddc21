import type { ExpiringItem } from '../../adapters/dynamodb/expiring-items.ts';
import type { Table } from '../../core/ports/table.ts';

export interface ForgetOptions {
  readonly table: Table;
  /** What an earlier process has left. */
  readonly left: (signal: AbortSignal) => AsyncIterable<ExpiringItem>;
  readonly nowMs: () => number;
  /** Told why items stay longer than they should. */
  readonly onFailure: (error: unknown) => void;
  readonly limits?: Partial<ForgetLimits>;
}

export interface ForgetLimits {
  readonly everyMs: number;
  /** Deletions of one round. */
  readonly mostAtOnce: number;
  /** Items remembered together; what is beyond that, the next start finds. */
  readonly mostWaiting: number;
}

export interface ForgettingTable {
  /** Write through this one. */
  readonly table: Table;
  /** Items that will be deleted when their time is over. */
  readonly waiting: () => number;
  /** Deletes what is over now. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

const LIMITS: ForgetLimits = { everyMs: 10_000, mostAtOnce: 2_000, mostWaiting: 500_000 };
const DELETIONS_TOGETHER = 8;

/**
 * Forgets items whose time is over where the table does not do that itself (no TTL). What is written with an end is deleted
 * then, in proportion to what was written; what an earlier process has left is found by reading the table once, in the
 * background.
 */
export function forgetExpired({ table, left, nowMs, onFailure, limits: given }: ForgetOptions): ForgettingTable {
  const { everyMs, mostAtOnce, mostWaiting } = { ...LIMITS, ...given };
  /** By the second of their end. */
  const byEnd = new Map<number, Omit<ExpiringItem, 'expiresAtS'>[]>();
  let waiting = 0;
  const stopping = new AbortController();
  const remember = ({ pk, sk, version, expiresAtS }: ExpiringItem): void => {
    const endS = Math.ceil(expiresAtS);
    if (waiting >= mostWaiting || !Number.isFinite(endS)) return;
    waiting += 1;
    const others = byEnd.get(endS);
    if (others === undefined) byEnd.set(endS, [{ pk, sk, version }]);
    else others.push({ pk, sk, version });
  };
  const sweep = async (): Promise<void> => {
    const nowS = Math.floor(nowMs() / 1000);
    const over = [...byEnd.keys()].filter((endS) => endS < nowS).sort((a, b) => a - b);
    let most = mostAtOnce;
    for (const endS of over) {
      const list = byEnd.get(endS) ?? [];
      while (list.length > 0 && most > 0 && !stopping.signal.aborted) {
        const some = list.slice(-DELETIONS_TOGETHER);
        // Written again meanwhile, an item has another version, and was remembered with its new end.
        await Promise.all(some.map(({ pk, sk, version }) => table.delete(pk, sk, { version }, stopping.signal)));
        list.splice(list.length - some.length, some.length);
        waiting -= some.length;
        most -= some.length;
      }
      if (list.length === 0) byEnd.delete(endS);
    }
  };
  const guarded = (run: () => Promise<void>): Promise<void> =>
    run().catch((error: unknown) => {
      if (!stopping.signal.aborted) onFailure(error);
    });
  const findLeft = async (): Promise<void> => {
    for await (const item of left(stopping.signal)) remember(item);
  };

  const finding = guarded(findLeft);
  let sweeping: Promise<void> | null = null;
  const timer = setInterval(() => {
    sweeping ??= guarded(sweep).finally(() => {
      sweeping = null;
    });
  }, everyMs);
  timer.unref();
  return {
    table: {
      ...table,
      async put(item, condition, signal) {
        // Of a write under any condition the version is not known. Nothing whose time is limited is written so.
        const written = await table.put(item, condition, signal);
        if (written && item.expiresAtS !== undefined && condition !== 'any') {
          const version = condition === 'absent' ? 1 : condition.version + 1;
          remember({ pk: item.pk as string, sk: item.sk as string, version, expiresAtS: Number(item.expiresAtS) });
        }
        return written;
      },
    },
    waiting: () => waiting,
    sweep,
    async close() {
      clearInterval(timer);
      stopping.abort();
      await Promise.all([finding, sweeping]);
    },
  };
}
