import { nodePrimitives } from '../../../adapters/crypto/node-primitives.ts';
import { equalBytes, fromHex, toHex } from '../../../core/bytes.ts';
import type {
  DatedLister,
  ObjectRemover,
  ObjectStore,
  ObjectWriter,
  PresignedRequest,
} from '../../../core/ports/object-store.ts';
import type { CountName } from './counts.ts';

/** How one party reaches the bucket. */
export interface BucketWay {
  /** One request to S3. @throws StoreUnavailableError while it is away */
  readonly request: () => Promise<void>;
  readonly count: (name: CountName, count: number) => void;
  readonly nowMs: () => number;
}

const KEYS_PER_PAGE = 1_000;

/** Objects in memory, found by their prefix up to the first slash. */
export class FleetObjects {
  readonly #byPrefix = new Map<string, Map<string, Uint8Array>>();
  readonly #onStored: (key: string) => void;
  /** When they were put from outside. */
  readonly storedAtMs = new Map<string, number>();

  /** @param onStored told of every object that was put from outside */
  constructor(onStored: (key: string) => void) {
    this.#onStored = onStored;
  }

  get(key: string): Uint8Array | null {
    return this.#byPrefix.get(prefixOf(key))?.get(key) ?? null;
  }

  put(key: string, bytes: Uint8Array): boolean {
    const objects = this.#byPrefix.get(prefixOf(key)) ?? new Map<string, Uint8Array>();
    this.#byPrefix.set(prefixOf(key), objects);
    if (objects.has(key)) return false;
    objects.set(key, bytes);
    return true;
  }

  remove(key: string): void {
    this.#byPrefix.get(prefixOf(key))?.delete(key);
  }

  /** Keys behind `after` that begin so, in order. */
  *list(prefix: string, after: string): Generator<string> {
    for (const folder of [...this.#byPrefix.keys()].sort()) {
      if (folder < prefixOf(after) || !(folder.startsWith(prefix) || prefix.startsWith(folder))) continue;
      const keys = [...(this.#byPrefix.get(folder)?.keys() ?? [])].sort();
      for (const key of keys) if (key > after && key.startsWith(prefix)) yield key;
    }
  }

  /** What a device does with a presigned request: write-once, bound to length and hash. */
  accept({ url, headers }: PresignedRequest, bytes: Uint8Array, nowMs: number): number {
    const { pathname, searchParams } = new URL(url);
    const key = decodeURIComponent(pathname.slice(1));
    if (Number(searchParams.get('expires')) < nowMs) return 403;
    const wanted = fromHex(headers['x-amz-checksum-sha256'] as string);
    if (!equalBytes(nodePrimitives.sha256(bytes), wanted)) return 400;
    if (!this.put(key, bytes)) return 412;
    this.storedAtMs.set(key, nowMs);
    this.#onStored(key);
    return 200;
  }
}

/** The ports of the bucket on objects in memory, with the requests that the adapter would make (adapters/s3/s3-object-store.ts). */
export function createFleetBucket(
  objects: FleetObjects,
  { request, count, nowMs }: BucketWay,
): ObjectStore & DatedLister & ObjectWriter & ObjectRemover {
  const asked = async (bytes: () => number): Promise<void> => {
    count('objectRequests', 1);
    await request();
    count('objectBytes', bytes());
  };
  const presign = (method: 'PUT' | 'GET', key: string, seconds: number, headers: Record<string, string>) => {
    const expiresAtMs = nowMs() + seconds * 1000;
    return { method, url: `https://objects.simulated/${key}?expires=${expiresAtMs}`, headers, expiresAtMs };
  };
  const part = (key: string, { start, end }: { start: number; end: number }) =>
    objects.get(key)?.slice(start, end) ?? null;
  return {
    async read(key, range) {
      await asked(() => part(key, range)?.length ?? 0);
      return part(key, range);
    },
    async stream(key, range) {
      await asked(() => part(key, range)?.length ?? 0);
      const bytes = part(key, range);
      return bytes === null ? null : inOnePiece(bytes);
    },
    async size(key) {
      await asked(() => 0);
      return objects.get(key)?.length ?? null;
    },
    // Signing reaches nobody.
    presignPut: async ({ key, sizeBytes, sha256 }, seconds) =>
      presign('PUT', key, seconds, { 'content-length': String(sizeBytes), 'x-amz-checksum-sha256': toHex(sha256) }),
    presignGet: async (key, seconds) => presign('GET', key, seconds, {}),
    async *list(prefix, _signal, after = '') {
      let taken = 0;
      await asked(() => 0);
      for (const key of objects.list(prefix, after)) {
        if (taken > 0 && taken % KEYS_PER_PAGE === 0) await asked(() => 0);
        taken++;
        yield key;
      }
    },
    async *listDated(...listed) {
      for await (const key of this.list(...listed)) yield { key, storedAtMs: objects.storedAtMs.get(key) ?? 0 };
    },
    async put(key, bytes) {
      await asked(() => bytes.length);
      return objects.put(key, bytes.slice());
    },
    async remove(key) {
      await asked(() => 0);
      objects.remove(key);
    },
  };
}

function prefixOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? key : key.slice(0, slash);
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
