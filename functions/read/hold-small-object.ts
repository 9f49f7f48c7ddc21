import type { ObjectReader } from '../ports.ts';

/** An object up to this size is read at once: its front and its blocks apart would be two requests or more. */
const SMALL_BYTES = 256 * 1024;

/**
 * The object store, with one object of it held in memory for the time of a request when it is small. `sizeBytes` is the
 * size it was checked in with; whatever lies there now is held, unless that is large.
 */
export async function holdSmallObject(
  objects: ObjectReader,
  { key, sizeBytes }: { readonly key: string; readonly sizeBytes: number },
  signal?: AbortSignal,
): Promise<ObjectReader> {
  if (sizeBytes > SMALL_BYTES) return objects;
  const held = await objects.read(key, { start: 0, end: SMALL_BYTES + 1 }, signal);
  if (held !== null && held.length > SMALL_BYTES) return objects;
  return {
    ...objects,
    read: async (_key, { start, end }) => held?.subarray(start, end) ?? null,
    stream: async (_key, { start, end }) => (held === null ? null : oneByOne(held.subarray(start, end))),
  };
}

async function* oneByOne(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
