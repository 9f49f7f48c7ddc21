import { copyFileSync, existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Statement } from '../../../adapters/sqlite/prepare-statements.ts';
import { explainFault } from '../../../device/outbox/explain-fault.ts';
import { type Outbox, type OutboxOwner, openOutbox } from '../../../device/outbox/open-outbox.ts';
import type { FaultKind } from '../faults/fault.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';

/** The device has lost its power: nothing of it goes on. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/** A real outbox whose disk may fail and whose power may go, at any point at which something is to reach the disk. */
export interface CutOutbox extends Outbox {
  /** The same without any fault: what another program reads of it. */
  readonly real: Outbox;
  /** Takes the power away, and lays what had reached the disk into the next folder: there the device begins again. */
  cut(nextFolder: string): void;
}

/** Asked before and after each commit: whether the power goes there. */
export interface SyncPoints {
  /** Counts over all lives of the device. */
  passes(side: 'before' | 'after'): boolean;
  onCut(): void;
}

const FILE = 'outbox';
const WRITES = /^\s*(insert|update|delete|replace)/i;
type DiskFault = Extract<FaultKind, `disk-${string}`>;

/** SQLite's result codes and words. A disk that fails does so when it is read, too. */
const DISK_FAULTS: readonly (readonly [DiskFault, readonly [number, string]])[] = [
  ['disk-full', [13, 'database or disk is full']],
  ['disk-busy', [5, 'database is locked']],
  ['disk-error', [10, 'disk I/O error']],
  ['disk-readonly', [8, 'attempt to write a readonly database']],
];
const SYNCHRONOUS_FULL = 2;

export function openCutOutbox(
  folder: string,
  owner: OutboxOwner,
  { faults, points }: { readonly faults: FaultWatch; readonly points: SyncPoints },
): CutOutbox {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, FILE);
  const kept = join(folder, 'kept');
  const real = openOutbox(path, owner);
  const { synchronous } = real.sql('PRAGMA synchronous').get() as { synchronous: number };
  const isSynced = synchronous >= SYNCHRONOUS_FULL;
  let isCut = false;
  let depth = 0;
  let checkpointed = changedNs(path);
  // Without a sync at each commit, what is sure to be on the disk is what the last checkpoint has brought there.
  if (!isSynced) copyOutbox(path, kept);

  const requirePower = (): void => {
    if (isCut) throw new PowerCut('No power.');
  };
  const loseIf = (cut: boolean): void => {
    if (!cut) return;
    isCut = true;
    points.onCut();
    throw new PowerCut('The power is gone.');
  };
  const failAsDisk = (only?: DiskFault): void => {
    for (const [kind, [errcode, errstr]] of DISK_FAULTS) {
      if ((only ?? kind) !== kind || faults.strikes(kind) === null) continue;
      throw explainFault(path, Object.assign(new Error(errstr), { code: 'ERR_SQLITE_ERROR', errcode, errstr }));
    }
  };
  /** What is written by `work` reaches the disk as one, here or not at all. */
  const synced = <T>(work: () => T): T => {
    requirePower();
    if (depth > 0) return work();
    failAsDisk();
    loseIf(points.passes('before'));
    depth++;
    try {
      return work();
    } finally {
      depth--;
      if (!isSynced && changedNs(path) !== checkpointed) {
        copyOutbox(path, kept);
        checkpointed = changedNs(path);
      }
      loseIf(points.passes('after'));
    }
  };
  const statements = new Map<string, Statement>();
  const wrap = (text: string): Statement => {
    const statement = real.sql(text);
    const isWrite = WRITES.test(text);
    return new Proxy(statement, {
      get(target, name) {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          requirePower();
          const run = (): unknown => value.apply(target, given);
          if (isWrite && name === 'run') return synced(run);
          if (depth === 0) failAsDisk('disk-error');
          return run();
        };
      },
    });
  };
  return {
    path,
    real,
    requirePlace: () => real.requirePlace(),
    hasTrouble: () => real.hasTrouble(),
    noteTrouble(trouble) {
      requirePower();
      real.noteTrouble(trouble);
    },
    sql(text) {
      requirePower();
      const known = statements.get(text) ?? wrap(text);
      statements.set(text, known);
      return known;
    },
    commit: (work) => synced(() => real.commit(work)),
    close() {
      real.close();
    },
    cut(nextFolder) {
      isCut = true;
      mkdirSync(nextFolder, { recursive: true });
      copyOutbox(isSynced ? path : kept, join(nextFolder, FILE));
      real.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The file and its log, as the disk has them; of shared memory nothing is left. */
export function copyOutbox(from: string, to: string): void {
  for (const ending of ['', '-wal', '-mark']) {
    rmSync(`${to}${ending}`, { force: true });
    if (existsSync(`${from}${ending}`)) copyFileSync(`${from}${ending}`, `${to}${ending}`);
  }
}

function changedNs(path: string): bigint {
  return statSync(path, { bigint: true }).mtimeNs;
}
