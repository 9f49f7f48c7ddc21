import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { equalBytes, fromHex, toHex } from '../../../core/bytes.ts';
import { StoreUnavailableError } from '../../../core/errors.ts';
import type {
  DatedLister,
  ObjectRemover,
  ObjectStore,
  ObjectWriter,
  PresignedRequest,
} from '../../../core/ports/object-store.ts';
import type { Transfer } from '../../../core/ports/transfer.ts';
import type { FaultWatch } from '../faults/fault-watch.ts';
import type { SeededRandom } from '../time/seeded-random.ts';
import type { VirtualTime } from '../time/virtual-time.ts';

/** One bucket: the service's port to it, and the way of others by presigned requests. */
export interface MemoryBucket {
  readonly objects: ObjectStore & DatedLister & ObjectWriter & ObjectRemover;
  readonly transfer: Transfer;
  /** What is truly stored. */
  readonly stored: Map<string, Uint8Array>;
}

export const BUCKET_URL = 'https://objects.simulated';
const PIECE_BYTES = 4096;

/** @param onStored told of every object that is truly stored by a PUT */
export function createMemoryBucket(
  time: VirtualTime,
  faults: FaultWatch,
  random: SeededRandom,
  onStored: (key: string, sizeBytes: number) => void,
): MemoryBucket {
  const stored = new Map<string, Uint8Array>();
  /** Of those that were put from outside. */
  const storedAtMs = new Map<string, number>();
  const reach = async (): Promise<void> => {
    await time.sleep(random.between(10, 60));
    if (faults.strikes('store-down') !== null) throw new StoreUnavailableError('The object store does not answer.');
  };
  /** What it shows: at times it says that it does not have what it has. */
  const shown = (key: string): Uint8Array | null =>
    faults.strikes('storage-omits') === null ? (stored.get(key) ?? null) : null;
  const presign = (method: 'PUT' | 'GET', key: string, expiresSeconds: number, headers: Record<string, string>) => {
    const expiresAtMs = time.nowMs() + expiresSeconds * 1000;
    return { method, url: `${BUCKET_URL}/${key}?expires=${expiresAtMs}`, headers, expiresAtMs };
  };

  const objects: MemoryBucket['objects'] = {
    async read(key, { start, end }) {
      await reach();
      return shown(key)?.slice(start, end) ?? null;
    },
    async stream(key, { start, end }) {
      await reach();
      const bytes = shown(key);
      return bytes === null ? null : inPieces(bytes.slice(start, end));
    },
    async size(key) {
      await reach();
      return shown(key)?.length ?? null;
    },
    async presignPut({ key, sizeBytes, sha256 }, expiresSeconds) {
      const bound = { 'content-length': String(sizeBytes), 'x-amz-checksum-sha256': toHex(sha256) };
      return presign('PUT', key, expiresSeconds, { ...bound, 'if-none-match': '*' });
    },
    presignGet: async (key, expiresSeconds) => presign('GET', key, expiresSeconds, {}),
    async *list(prefix, _signal, after = '') {
      await reach();
      const keys = [...stored.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
      for (const key of keys) if (faults.strikes('storage-omits') === null) yield key;
    },
    async *listDated(...asked) {
      for await (const key of this.list(...asked)) yield { key, storedAtMs: storedAtMs.get(key) ?? 0 };
    },
    async put(key, bytes) {
      await reach();
      if (stored.has(key)) return false;
      stored.set(key, bytes.slice());
      return true;
    },
    async remove(key) {
      await reach();
      stored.delete(key);
    },
  };

  const transfer: Transfer = {
    async put(put, body, _options, signal) {
      await unlessAborted(reach(), signal);
      if (faults.strikes('too-many-requests') !== null) return 429;
      const { key, isExpired } = parse(put, time);
      if (isExpired) return 403;
      // As a portal does that stands before the network: whatever is sent, all is well.
      if (faults.strikes('lying-put') !== null) return 200;
      const wanted = fromHex(put.headers['x-amz-checksum-sha256'] as string);
      if (!equalBytes(nodePrimitives.sha256(body), wanted)) return 400;
      if (stored.has(key)) return 412;
      stored.set(key, body.slice());
      storedAtMs.set(key, time.nowMs());
      onStored(key, body.length);
      return 200;
    },
    async get(get, signal) {
      await unlessAborted(reach(), signal);
      const { key, isExpired } = parse(get, time);
      const bytes = isExpired ? null : shown(key);
      return { status: isExpired ? 403 : bytes === null ? 404 : 200, body: inPieces(bytes ?? new Uint8Array(0)) };
    },
  };
  return { objects, transfer, stored };
}

function parse({ url }: PresignedRequest, time: VirtualTime): { readonly key: string; readonly isExpired: boolean } {
  const { pathname, searchParams } = new URL(url);
  return { key: decodeURIComponent(pathname.slice(1)), isExpired: Number(searchParams.get('expires')) < time.nowMs() };
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Whoever aborts waits no longer; what was under way goes on. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
