import type { SealedBatch } from '../core/batch/seal-batch.ts';
import { to0x } from '../core/bytes.ts';
import { InvalidInputError } from '../core/errors.ts';
import { proveStored } from './check/prove-stored.ts';
import type { DeviceOptions, DeviceParts } from './device-options.ts';
import { type Comparison, compareLog } from './log/compare-log.ts';
import { findInLog } from './log/find-in-log.ts';
import { sealPlanned } from './log/seal-planned.ts';
import { batchesIn, countUnchecked, isSealed, lastBatch, moveBatch, type SealedRow } from './outbox/batch-rows.ts';
import { createCaptureQueue } from './outbox/capture-queue.ts';
import { planBatch } from './outbox/plan-batch.ts';
import { nextSeq, readUnsealed } from './outbox/read-backlog.ts';
import { releaseBatch } from './outbox/release-blocks.ts';
import { followHeads } from './record/follow-heads.ts';
import { createDirectRecorder } from './record/record-directly.ts';
import type { SourceParts } from './sources/source.ts';
import { createStep, runStep, type Step } from './steps/run-step.ts';
import { uploadBatch } from './upload/upload-batch.ts';

/** How long a source may take to hand over what it has read, once told to stop. */
const SOURCE_GRACE_MS = 1500;
/** How long a source waits for the first comparison with service and chain. */
const FIRST_COMPARE_MS = 5000;
/** An idle device looks at the chain this much more rarely. */
const IDLE_FACTOR = 15;

/**
 * Runs a device: captures, seals, uploads, follows the chain (or records by itself) and checks, each step on its own, until
 * aborted; then keeps what was read and ends. It may be killed at any instant and started again: all it knows is in the
 * outbox, and every step does the same once more.
 * @returns whether everything captured was final and checked, and the source had ended where that was waited for
 * @throws OutboxDamagedError | InvalidInputError what cannot mend itself; every other failure is retried
 */
export async function runDevice(parts: DeviceParts, options: DeviceOptions, signal: AbortSignal): Promise<boolean> {
  return new Device(parts, options).run(signal);
}

class Device {
  readonly #parts: DeviceParts;
  readonly #options: DeviceOptions;
  readonly #steps: Record<'source' | 'compare' | 'seal' | 'record' | 'follow' | 'check', Step>;
  readonly #uploads: Step[];
  readonly #stop = new AbortController();
  readonly #uploading = new Set<number>();
  readonly #sourceParts: SourceParts;
  readonly #bornEmpty: boolean;
  /** What is captured and in no batch: counted along, as summing it up takes long when much is waiting. */
  #unsealed: { blocks: number; bytes: number };
  #oldestMs = Number.NEGATIVE_INFINITY;
  #comparedMs = Number.NEGATIVE_INFINITY;
  #comparing = false;
  /** Comparing may change the log's end, on which a batch that is being sealed rests: neither begins during the other. */
  #sealing: Promise<{ row: SealedRow; sealed: SealedBatch }> | null = null;
  #held: string | null = null;
  /** The batch sealed last, while nothing else waits to be uploaded: saves making it again. */
  #fresh: { position: number; sealed: SealedBatch } | null = null;
  readonly #firstCompared = Promise.withResolvers<void>();
  #sourceEnded = false;
  #failure: unknown = null;

  constructor(parts: DeviceParts, options: DeviceOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#steps = {
      source: createStep('source'),
      compare: createStep('compare'),
      seal: createStep('seal'),
      record: createStep('record'),
      follow: createStep('follow'),
      check: createStep('check'),
    };
    this.#uploads = Array.from({ length: options.uploadsAtOnce }, () => createStep('upload'));
    this.#bornEmpty = nextSeq(parts.outbox) === 0 && lastBatch(parts.outbox) === null;
    this.#unsealed = readUnsealed(parts.outbox);
    const { outbox, clock, report } = parts;
    const queue = createCaptureQueue(
      {
        ...{ outbox, report, nowMs: () => clock.nowMs() },
        onCommit: (added) => this.#captured(added),
        onFailure: (cause) => this.#fail(cause),
      },
      options.capture,
    );
    const { primitives, writer } = parts;
    const isInLog: SourceParts['isInLog'] = (file, readPart) =>
      findInLog({ primitives, outbox, writer }, file, readPart);
    this.#sourceParts = { outbox, queue, clock, report, isInLog };
  }

  async run(signal: AbortSignal): Promise<boolean> {
    const { outbox, report, recorder, writer, account } = this.#parts;
    const stop = (): void => this.#stop.abort();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    report({ event: 'started', dataset: writer.dataset, account, unsealedBlocks: this.#unsealed.blocks });
    await this.#completePlanned();
    const { compare, seal, follow, check, record } = this.#steps;
    const loops = [
      this.#loop(compare, (s) => this.#compare(s)),
      this.#loop(seal, () => this.#seal()),
      ...this.#uploads.map((step) => this.#loop(step, (s) => this.#upload(s))),
      this.#loop(follow, (s) => this.#follow(s)),
      this.#loop(check, (s) => this.#check(s)),
    ];
    if (recorder !== undefined) {
      const { recordEveryMs, replaceAfterMs, followEveryMs: pollMs } = this.#options;
      const { primitives, ledger } = this.#parts;
      const direct = createDirectRecorder(
        { primitives, outbox, writer, ledger, recorder, report },
        { recordEveryMs, replaceAfterMs, pollMs },
      );
      loops.push(this.#loop(record, direct));
    }
    const source = this.#runSource();
    await Promise.all(loops);
    await Promise.race([source, delay(SOURCE_GRACE_MS)]);
    this.#sourceParts.queue.close();
    signal.removeEventListener('abort', stop);
    const pending = { unsealedBlocks: readUnsealed(outbox).blocks, pendingBatches: countUnchecked(outbox) };
    report({ event: 'stopped', ...pending });
    if (this.#failure !== null) throw this.#failure;
    const done = pending.unsealedBlocks === 0 && pending.pendingBatches === 0;
    return done && (this.#sourceEnded || !this.#options.untilIdle);
  }

  #loop(step: Step, work: (signal: AbortSignal) => Promise<number>): Promise<void> {
    const { outbox, report } = this.#parts;
    const context = { outbox, report, backoff: this.#options.backoff };
    return runStep(context, step, work, this.#stop.signal).catch((cause) => this.#fail(cause));
  }

  #fail(cause: unknown): void {
    this.#failure ??= cause;
    this.#stop.abort();
  }

  async #runSource(): Promise<void> {
    const { source } = this.#parts;
    // A copy that was put back learns first what the log has of the source; without an answer capture begins all the same.
    await Promise.race([this.#firstCompared.promise, delay(FIRST_COMPARE_MS)]);
    await this.#loop(this.#steps.source, async (signal) => {
      try {
        await source.run(this.#sourceParts, { once: this.#options.untilIdle }, signal);
      } catch (cause) {
        // Not to be mended by trying again.
        if (cause instanceof InvalidInputError) this.#fail(cause);
        throw cause;
      }
      if (signal.aborted) return 0;
      this.#sourceEnded = true;
      this.#parts.report({ event: 'source-complete' });
      this.#steps.seal.wakeup.notify();
      return Number.POSITIVE_INFINITY;
    });
  }

  #captured(added: { blocks: number; bytes: number }): void {
    if (this.#unsealed.blocks <= 0) this.#oldestMs = performance.now();
    this.#unsealed.blocks += added.blocks;
    this.#unsealed.bytes += added.bytes;
    this.#steps.seal.wakeup.notify();
  }

  /** Finishes what a crash left between choosing a batch's nonce and noting what was made with it. */
  async #completePlanned(): Promise<void> {
    const { primitives, outbox, writer } = this.#parts;
    for (const planned of batchesIn(outbox, 'planned', Number.MAX_SAFE_INTEGER)) {
      await sealPlanned(primitives, outbox, writer, planned);
    }
  }

  async #compare(signal: AbortSignal): Promise<number> {
    const { primitives, outbox, writer, account, service, ledger, clock, report } = this.#parts;
    // What it fails with is its own step's affair.
    while (this.#sealing !== null) await this.#sealing.catch(() => undefined);
    this.#comparing = true;
    let comparison: Comparison;
    try {
      const nowMs = () => clock.nowMs();
      const bornEmpty = this.#bornEmpty;
      const compared = { primitives, outbox, writer, account, service, ledger, nowMs, report, bornEmpty };
      comparison = await compareLog(compared, signal);
    } finally {
      this.#firstCompared.resolve();
      this.#comparing = false;
      this.#unsealed = readUnsealed(outbox);
    }
    if (comparison.held !== null) {
      if (this.#held !== comparison.held) report({ event: 'held', reason: comparison.held });
      this.#held = comparison.held;
      this.#comparedMs = Number.NEGATIVE_INFINITY;
      return this.#options.followEveryMs;
    }
    this.#held = null;
    this.#comparedMs = performance.now();
    for (const step of [this.#steps.seal, this.#steps.follow, ...this.#uploads]) step.wakeup.notify();
    return Number.POSITIVE_INFINITY;
  }

  async #seal(): Promise<number> {
    const { primitives, outbox, writer, report, clock } = this.#parts;
    const { batch, compareEveryMs, untilIdle } = this.#options;
    if (this.#unsealed.blocks <= 0) {
      this.#endWhenIdle();
      return Number.POSITIVE_INFINITY;
    }
    const full = this.#unsealed.blocks >= batch.maxBlocks || this.#unsealed.bytes >= batch.maxBytes;
    const dueMs = this.#oldestMs + batch.maxAgeMs - performance.now();
    if (!full && dueMs > 0 && !(untilIdle && this.#sourceEnded)) return dueMs;
    if (this.#comparing) return Number.POSITIVE_INFINITY;
    if (this.#comparedMs + compareEveryMs < performance.now()) {
      this.#steps.compare.wakeup.notify();
      return Number.POSITIVE_INFINITY;
    }
    const planned = planBatch(primitives, outbox, batch, { published: writer.published, nowMs: clock.nowMs() });
    if (planned === null) {
      this.#unsealed = { blocks: 0, bytes: 0 };
      return 0;
    }
    this.#sealing = sealPlanned(primitives, outbox, writer, planned.planned).finally(() => {
      this.#sealing = null;
    });
    const { row, sealed } = await this.#sealing;
    this.#unsealed.blocks -= planned.planned.blocks;
    this.#unsealed.bytes -= planned.bytes;
    this.#oldestMs = performance.now();
    const { position, first, blocks, segmentBytes, root } = row;
    report({ event: 'sealed', position, first, blocks, bytes: segmentBytes, root: to0x(root) });
    if (this.#uploading.size < this.#uploads.length) this.#fresh = { position, sealed };
    for (const upload of this.#uploads) upload.wakeup.notify();
    // Lets other loops have their turn between two batches of a backlog.
    await delay(0);
    return 0;
  }

  async #upload(signal: AbortSignal): Promise<number> {
    const { primitives, outbox, writer, service, clock, report } = this.#parts;
    const candidates = batchesIn(outbox, 'sealed', this.#uploads.length + 1);
    const row = candidates.find((one) => !this.#uploading.has(one.position));
    if (row === undefined || !isSealed(row)) return Number.POSITIVE_INFINITY;
    const { position, first, blocks, segmentBytes } = row;
    this.#uploading.add(position);
    try {
      const fresh = this.#fresh?.position === position ? this.#fresh.sealed : null;
      this.#fresh = null;
      const parts = { primitives, outbox, writer, service, clock, record: this.#record };
      const { again } = await uploadBatch(parts, row, fresh, { stallMs: this.#options.stallMs }, signal);
      if (moveBatch(outbox, row, 'sealed', 'stored')) {
        report({ event: 'stored', position, first, blocks, bytes: segmentBytes, again });
        this.#steps.follow.wakeup.notify();
        this.#steps.record.wakeup.notify();
      }
    } finally {
      this.#uploading.delete(position);
    }
    return 0;
  }

  get #record(): 'relayed' | 'direct' {
    return this.#parts.recorder === undefined ? 'relayed' : 'direct';
  }

  async #follow(signal: AbortSignal): Promise<number> {
    const { outbox, ledger, writer, report } = this.#parts;
    const { followEveryMs } = this.#options;
    const followed = await followHeads({ outbox, ledger, dataset: writer.dataset, report }, signal);
    if (followed.ahead && !this.#comparing) {
      this.#comparedMs = Number.NEGATIVE_INFINITY;
      this.#steps.compare.wakeup.notify();
    }
    if (followed.final > 0) this.#steps.check.wakeup.notify();
    const stored = batchesIn(outbox, 'stored', 1).length > 0;
    // Adopted, or back from a reorganisation: nobody else tells.
    if (stored) this.#steps.record.wakeup.notify();
    return stored || batchesIn(outbox, 'recorded', 1).length > 0 ? followEveryMs : followEveryMs * IDLE_FACTOR;
  }

  async #check(signal: AbortSignal): Promise<number> {
    const { outbox, report } = this.#parts;
    const proven = { ...this.#parts, record: this.#record };
    let failure: unknown = null;
    for (const row of batchesIn(outbox, 'final', Number.MAX_SAFE_INTEGER)) {
      if (signal.aborted) return 0;
      if (!isSealed(row)) continue;
      try {
        // Adopted without any block of ours: no bytes here depend on it.
        if (row.toSeq > row.fromSeq) await proveStored(proven, row, this.#options, signal);
      } catch (cause) {
        failure ??= cause;
        continue;
      }
      releaseBatch(outbox, row);
      report({ event: 'checked', position: row.position, first: row.first, blocks: row.blocks });
      this.#sourceParts.queue.retry();
      this.#parts.source.released?.(this.#sourceParts);
    }
    this.#steps.seal.wakeup.notify();
    if (failure !== null) throw failure;
    return Number.POSITIVE_INFINITY;
  }

  #endWhenIdle(): void {
    const { outbox } = this.#parts;
    if (!this.#options.untilIdle || !this.#sourceEnded || this.#comparedMs === Number.NEGATIVE_INFINITY) return;
    if (readUnsealed(outbox).blocks === 0 && countUnchecked(outbox) === 0) this.#stop.abort();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
