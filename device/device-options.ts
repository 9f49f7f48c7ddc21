import type { DatasetWriter } from '../core/batch/seal-batch.ts';
import type { SignedCharter } from '../core/charter/charter.ts';
import type { Address } from '../core/ids.ts';
import type { FinalityReader } from '../core/ports/finality.ts';
import type { Ledger, Recorder } from '../core/ports/ledger.ts';
import type { Primitives } from '../core/ports/primitives.ts';
import type { RoundReader } from '../core/ports/rounds.ts';
import type { Runtime } from '../core/ports/runtime.ts';
import type { StorageService } from '../core/ports/service.ts';
import type { Transfer } from '../core/ports/transfer.ts';
import type { DeviceClock } from './clock.ts';
import type { Report } from './events.ts';
import type { CaptureLimits } from './outbox/capture-queue.ts';
import type { Outbox } from './outbox/open-outbox.ts';
import type { BatchLimits } from './outbox/plan-batch.ts';
import type { Publication } from './publish/publish-next.ts';
import type { Source } from './sources/source.ts';
import type { Backoff } from './steps/run-step.ts';

/** Everything a device reaches the world through. */
export interface DeviceParts {
  readonly primitives: Primitives;
  /** Time, waiting and chance, of every step alike. */
  readonly runtime: Runtime;
  readonly outbox: Outbox;
  readonly writer: DatasetWriter;
  /** The account of the writer's device key. */
  readonly account: Address;
  /** The newest that names this device, as far as it knows. */
  readonly charter: SignedCharter;
  readonly source: Source;
  readonly service: StorageService;
  /** The way to the object store, by the requests that the service presigns. */
  readonly transfer: Transfer;
  readonly ledger: Ledger;
  /** What is final, asked for shortly; without it whole looks at the chain alone tell. */
  readonly finality?: FinalityReader;
  /** Rounds on the chain: given when the charter names an anchorer. */
  readonly rounds?: RoundReader;
  /** Given when the device records by itself; else a relayer does. */
  readonly recorder?: Recorder;
  /** Given when the dataset's digests are published: this device does so, and pays. */
  readonly publication?: Publication;
  readonly clock: DeviceClock;
  readonly report: Report;
}

export interface DeviceOptions {
  readonly batch: BatchLimits & {
    /** Age of the oldest unsealed block at which a batch is sealed, full or not. */
    readonly maxAgeMs: number;
  };
  readonly capture: CaptureLimits;
  readonly backoff: Backoff;
  /** How often all that the chain says of the dataset is read, also where the service tells of nothing new. */
  readonly followEveryMs: number;
  /** After how long the service is first asked what has become final; later twice as rarely each time, up to once a minute. */
  readonly askEveryMs: number;
  /** How often, in the long run, the chain is asked between those readings whether that is so: one request each. */
  readonly earlyEveryMs: number;
  /** How long a device that records by itself waits before it first looks what has become of its transaction. */
  readonly pollMs: number;
  /** How old a comparison with service and chain may be when a batch is sealed. */
  readonly compareEveryMs: number;
  readonly uploadsAtOnce: number;
  /** How long an upload may stand still. */
  readonly stallMs: number;
  /** How long a batch may be stored and not recorded before the service is asked for it, and how rarely that is asked again. */
  readonly lookAfterMs: number;
  readonly lookMostMs: number;
  readonly recordEveryMs: number;
  readonly replaceAfterMs: number;
  /** End when the source has ended, or everything present is captured, and all of it is final and checked. */
  readonly untilIdle: boolean;
}

export const DEFAULT_DEVICE_OPTIONS: DeviceOptions = {
  batch: { maxBlocks: 1024, maxBytes: 8 * 2 ** 20, maxAgeMs: 10_000 },
  capture: { commitWithinMs: 100, maxPendingBytes: 4 * 2 ** 20, maxDiskBytes: 4 * 2 ** 30, whenFull: 'wait' },
  backoff: { firstMs: 500, mostMs: 30_000 },
  // Eight requests every twenty minutes, and one every two and a half: less than one a minute, however much is sealed.
  followEveryMs: 1_200_000,
  askEveryMs: 2_000,
  earlyEveryMs: 150_000,
  pollMs: 2_000,
  compareEveryMs: 10_000,
  uploadsAtOnce: 3,
  stallMs: 30_000,
  lookAfterMs: 60_000,
  lookMostMs: 600_000,
  recordEveryMs: 10_000,
  replaceAfterMs: 60_000,
  untilIdle: false,
};
