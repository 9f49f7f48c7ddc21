import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import type { DatasetWriter } from '../../../core/batch/seal-batch.ts';
import type { SignedCharter } from '../../../core/charter/charter.ts';
import type { Address } from '../../../core/ids.ts';
import type { Ledger, Recorder } from '../../../core/ports/ledger.ts';
import type { Runtime } from '../../../core/ports/runtime.ts';
import type { StorageService } from '../../../core/ports/service.ts';
import type { Transfer } from '../../../core/ports/transfer.ts';
import { createDeviceClock } from '../../../device/clock.ts';
import type { DeviceOptions } from '../../../device/device-options.ts';
import type { DeviceEvent } from '../../../device/events.ts';
import { lastCaptureTime } from '../../../device/outbox/last-capture.ts';
import { type OutboxStatus, readStatus } from '../../../device/outbox/read-status.ts';
import { runDevice } from '../../../device/run-device.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import { guardPort } from '../time/guard-port.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import { type CutOutbox, copyOutbox, openCutOutbox } from './cut-outbox.ts';
import type { Writing } from './writing.ts';

export interface DeviceWorld {
  readonly time: VirtualTime;
  readonly startMs: number;
  readonly faults: FaultWatch;
  readonly random: SeededRandom;
  readonly folder: string;
  readonly writer: DatasetWriter;
  readonly account: Address;
  readonly charter: SignedCharter;
  readonly writing: Writing;
  /** Whether faults take its power away. */
  readonly losesPower: boolean;
  readonly options: DeviceOptions;
  readonly ledger: Ledger;
  /** Given where the device records by itself. */
  readonly recorder: Recorder | null;
  readonly transfer: Transfer;
  readonly serviceFor: (runtime: Runtime) => StorageService;
  readonly onEvent: (event: DeviceEvent) => void;
  /** What it must never do. */
  readonly fail: (what: string) => void;
}

/** One device through all its lives: each begins with what the one before had on the disk. */
export interface SimulatedDevice {
  status(): OutboxStatus | null;
  readonly writing: Writing;
  /** Another device from a copy of its card, as it is now, with a writer of its own; null while this one is off. */
  clone(folder: string, writing: (kept: OutboxStatus['captured']) => Writing): SimulatedDevice | null;
  /** Turns one bit over in what is kept of captured content; false where nothing is. */
  rot(random: SeededRandom): boolean;
  /** Ends it for good. */
  stop(): void;
}

const OFF_MS = 15_000;
/** What its unit waits before it starts a program again that has ended. */
const RESTART_MS = 5_000;

export function runLives(world: DeviceWorld): SimulatedDevice {
  const { time, faults, startMs } = world;
  let number = 0;
  const acknowledged = { blocks: 0, streamBytes: 0 };
  let outbox: CutOutbox | null = null;
  let endLife = (): void => undefined;
  let commits = 0;
  const cuts = faults.all
    .filter(({ kind }) => kind === 'power-cut' && world.losesPower)
    .map((fault) => ({ fault, beginsAt: -1, isDone: false }));
  const offsetMs = (): number => faults.under('clock-jump')?.size ?? 0;
  const folderOf = (life: number): string => join(world.folder, `life-${life}`);

  const passes = (side: 'before' | 'after'): boolean => {
    if (side === 'before') commits++;
    for (const cut of cuts) {
      const { fault } = cut;
      if (cut.isDone || time.nowMs() - startMs < fault.fromMs) continue;
      if (cut.beginsAt < 0) cut.beginsAt = commits;
      if (commits - cut.beginsAt < fault.size || fault.where !== side) continue;
      cut.isDone = true;
      faults.count('power-cut');
      return true;
    }
    return false;
  };

  const begin = (): void => {
    const life = { isAlive: true };
    const folder = folderOf(number);
    const next = folderOf(++number);
    const stop = new AbortController();
    const isAlive = (): boolean => life.isAlive;
    const runtime = time.runtimeOf({ isAlive, offsetMs, random: world.random.fork(`life ${number}`).next });
    /** Ends this life; the next begins with what was on the disk. */
    const end = (pauseMs: number): void => {
      if (!life.isAlive) return;
      life.isAlive = false;
      // Not within the call that noticed it: SQLite is still at work.
      queueMicrotask(() => {
        opened.cut(next);
        outbox = null;
        time.after(pauseMs, begin);
      });
    };
    const points = { passes, onCut: () => end(OFF_MS) };
    const opened = openCutOutbox(
      folder,
      { dataset: world.writer.dataset, account: world.account, kind: world.writer.kind },
      { faults, points },
    );
    outbox = opened;
    const { captured: kept } = readStatus(opened.real, runtime.nowMs());
    for (const what of ['blocks', 'streamBytes'] as const) {
      if (kept[what] < acknowledged[what])
        world.fail(`${acknowledged[what]} ${what} were acknowledged, and ${kept[what]} are left after a restart`);
    }
    endLife = () => {
      life.isAlive = false;
      opened.close();
      outbox = null;
    };
    const report = (event: DeviceEvent): void => {
      if (!life.isAlive) return;
      // Blocks of another device that has this one's key move the stream's position, until it is known for one.
      if (event.event === 'second-writer') acknowledged.streamBytes = 0;
      if (event.event === 'captured') {
        acknowledged.blocks = event.totalBlocks;
        acknowledged.streamBytes = event.streamBytes;
      }
      world.onEvent(event);
    };
    const bytes = world.random.fork(`bytes of ${number}`);
    const parts = {
      ...{ primitives: { ...nodePrimitives, randomBytes: (size: number) => bytes.bytes(size) }, runtime, report },
      ...{ outbox: opened, writer: world.writer, account: world.account, charter: world.charter },
      source: world.writing.connect(kept, isAlive),
      service: guardPort(world.serviceFor(runtime), isAlive),
      transfer: guardPort(world.transfer, isAlive),
      ledger: guardPort(world.ledger, isAlive),
      ...(world.recorder === null ? {} : { recorder: guardPort(world.recorder, isAlive) }),
      clock: createDeviceClock(runtime, lastCaptureTime(opened.real)),
    };
    runDevice(parts, world.options, stop.signal).then(
      () => end(RESTART_MS),
      (cause) => {
        if (!life.isAlive) return;
        world.fail(`the device ended by itself: ${cause instanceof Error ? `${cause.name}: ${cause.message}` : cause}`);
        end(RESTART_MS);
      },
    );
  };
  begin();
  return {
    status: () => (outbox === null ? null : readStatus(outbox.real, time.nowMs() + offsetMs())),
    writing: world.writing,
    clone(cloneFolder, writing) {
      if (outbox === null) return null;
      const first = join(cloneFolder, 'life-0');
      mkdirSync(first, { recursive: true });
      const { captured } = readStatus(outbox.real, time.nowMs());
      copyOutbox(outbox.path, join(first, 'outbox'));
      const random = world.random.fork('clone');
      return runLives({ ...world, folder: cloneFolder, writing: writing(captured), random, losesPower: false });
    },
    rot(random) {
      const pieces = outbox?.real.sql('SELECT seq FROM pieces WHERE gap = 0 ORDER BY seq').all() ?? [];
      if (outbox === null || pieces.length === 0) return false;
      const { seq } = random.pick(pieces) as { seq: number };
      const column = random.pick(['content', 'content', 'lines']);
      const row = outbox.real.sql(`SELECT ${column} AS bytes FROM pieces WHERE seq = ?`).get(seq);
      const bytes = Buffer.from(row?.bytes as Uint8Array);
      const at = random.between(0, bytes.length - 1);
      bytes[at] = (bytes[at] as number) ^ (1 << random.between(0, 7));
      outbox.real.sql(`UPDATE pieces SET ${column} = ? WHERE seq = ?`).run(bytes, seq);
      return true;
    },
    stop: () => endLife(),
  };
}
