import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { type DatasetWriter, sealBatch } from '../../../core/batch/seal-batch.ts';
import { u64 } from '../../../core/bytes.ts';
import { StoreUnavailableError } from '../../../core/errors.ts';
import type { Address } from '../../../core/ids.ts';
import { EMPTY_PEAKS, type Peaks } from '../../../core/log/peaks.ts';
import type { RoundReader } from '../../../core/ports/rounds.ts';
import { DEFAULT_DEVICE_OPTIONS } from '../../../device/device-options.ts';
import { createRoundFollower, type FollowRound } from '../../../device/record/follow-round.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';
import type { Counting } from './counts.ts';
import type { FleetObjects } from './fleet-bucket.ts';
import type { FleetService } from './fleet-service.ts';
import type { Latencies } from './latencies.ts';

export interface LightDeviceParts {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly latencies: Latencies;
  readonly counting: Counting;
  readonly service: FleetService;
  readonly objects: FleetObjects;
  /** Of the device's own node. */
  readonly rounds: RoundReader;
  readonly writer: DatasetWriter;
  readonly account: Address;
  readonly anchorer: Address;
  /** A batch is sealed so often. */
  readonly everyMs: number;
}

interface SealedSegment {
  readonly first: number;
  readonly sha256: Uint8Array;
  readonly car: Uint8Array;
}

const FOLLOW_MS = 60_000;
const CONTENT_BYTES = 32;
const PARTY = 'device';

/**
 * A device of which only what the service notices is there: it seals a batch of one block so often, uploads up to three at a time,
 * tries again with the pauses of a real one, and looks once a minute which round is final while anything of its own is not.
 */
export class LightDevice {
  readonly #parts: LightDeviceParts;
  readonly #follow: FollowRound;
  readonly #sealed: SealedSegment[] = [];
  /** Sizes of heads and when they were sealed, oldest first, which no mined round is known to hold. */
  readonly #unanchored: { readonly size: number; readonly sealedAtMs: number }[] = [];
  #end: Peaks = EMPTY_PEAKS;
  #uploads = 0;
  #isFollowing = false;
  #isSealing = true;
  stored = 0;
  finalSize = 0;

  constructor(parts: LightDeviceParts) {
    this.#parts = parts;
    const { service, latencies, time, rounds, writer, anchorer, account } = parts;
    const follower = createRoundFollower({
      ...{
        primitives: nodePrimitives,
        reader: rounds,
        domain: writer.domain,
        dataset: writer.dataset,
        anchorer,
        account,
      },
      service: {
        getAnchor: async (dataset, asked) => {
          const round = asked?.round;
          await time.sleep(latencies.network);
          if (round === undefined || service.isAway() || !service.getAnchor.hasRoom()) throw this.#refused();
          return service.getAnchor.invoke({ dataset, round });
        },
      },
    });
    this.#follow = follower.follow;
  }

  get sealedSize(): number {
    return this.#end.size;
  }

  get unanchored(): readonly { readonly size: number; readonly sealedAtMs: number }[] {
    return this.#unanchored;
  }

  /** Seals its first batch after so long. */
  start(afterMs: number): void {
    const { time, everyMs } = this.#parts;
    const tick = (): void => {
      if (!this.#isSealing) return;
      time.after(everyMs, tick);
      this.#seal();
    };
    time.after(afterMs, tick);
  }

  stopSealing(): void {
    this.#isSealing = false;
  }

  /** Seals a batch and puts it where no event tells of it. Answers its key. */
  store(): string {
    const { key, car } = this.#sealNext();
    this.#parts.objects.put(key, car);
    this.stored++;
    return key;
  }

  #seal(): void {
    const { first, sha256, car } = this.#sealNext();
    this.#sealed.push({ first, sha256, car });
    this.#upload();
  }

  /** A mined round has its head of this size. */
  noteAnchored(size: number): void {
    while (this.#unanchored.length > 0 && (this.#unanchored[0]?.size ?? 0) <= size) this.#unanchored.shift();
  }

  #sealNext() {
    const { time, writer } = this.#parts;
    const sealedAtMs = Math.floor(time.nowMs());
    const content = new Uint8Array(CONTENT_BYTES);
    content.set(u64(this.#end.size));
    const blocks = [{ content, meta: { at: sealedAtMs } }];
    // Nothing is encrypted: no chance is needed.
    const { manifest, segment, end } = sealBatch(nodePrimitives, writer, this.#end, blocks, new Uint8Array(16));
    this.#end = end;
    this.#unanchored.push({ size: end.size, sealedAtMs });
    return { first: manifest.first, ...segment };
  }

  #upload(): void {
    while (this.#uploads < DEFAULT_DEVICE_OPTIONS.uploadsAtOnce) {
      const next = this.#sealed.shift();
      if (next === undefined) return;
      this.#uploads++;
      this.#uploadPatiently(next).finally(() => {
        this.#uploads--;
        this.#upload();
        this.#beginFollowing();
      });
    }
  }

  async #uploadPatiently(segment: SealedSegment): Promise<void> {
    const { time, random, counting } = this.#parts;
    const { firstMs, mostMs } = DEFAULT_DEVICE_OPTIONS.backoff;
    for (let pauseMs = firstMs; ; pauseMs = Math.min(2 * pauseMs, mostMs)) {
      try {
        await this.#uploadOnce(segment);
        this.stored++;
        return;
      } catch {
        counting.add(PARTY, 'failedCalls');
        await time.sleep(pauseMs * (0.5 + random.next()));
      }
    }
  }

  async #uploadOnce({ first, sha256, car }: SealedSegment): Promise<void> {
    const { time, random, latencies, counting, service, objects, writer, account } = this.#parts;
    await time.sleep(latencies.network);
    if (service.isAway() || !service.upload.hasRoom()) throw this.#refused();
    const nonce = `${writer.dataset} ${first} ${random.between(0, 2 ** 48)}`;
    const call = { caller: account, dataset: writer.dataset, first, sha256, sizeBytes: car.length, nonce };
    const { put } = await service.upload.invoke(call);
    if (put === null) return;
    await time.sleep(latencies.network);
    counting.add(PARTY, 'objectRequests');
    counting.add(PARTY, 'objectBytes', car.length);
    const status = objects.accept({ ...put, method: 'PUT' }, car, time.nowMs());
    if (status !== 200 && status !== 412) throw new StoreUnavailableError(`The bucket answers ${status}.`);
  }

  #beginFollowing(): void {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    const { time, random } = this.#parts;
    const look = async (): Promise<void> => {
      const held = await this.#follow(new AbortController().signal).catch(() => null);
      this.finalSize = Math.max(this.finalSize, held?.head.size ?? 0);
      if (this.finalSize < this.#end.size) time.after(FOLLOW_MS, look);
      else this.#isFollowing = false;
    };
    // Not all devices of a fleet in one step.
    time.after(random.between(0, FOLLOW_MS), look);
  }

  #refused(): StoreUnavailableError {
    return new StoreUnavailableError('The service does not answer now.');
  }
}
