import type { BucketDeps } from '../../client/owner/read-bucket.ts';

/** A bucket in memory, in order of the keys' bytes. */
export class MemoryBucket {
  readonly objects = new Map<string, Uint8Array>();

  readonly list: BucketDeps['bucket']['list'] = async function* (
    this: MemoryBucket,
    prefix: string,
    _signal?: AbortSignal,
    after = '',
  ) {
    for (const key of [...this.objects.keys()].sort()) if (key.startsWith(prefix) && key > after) yield key;
  }.bind(this);

  readonly read: BucketDeps['bucket']['read'] = async (key, { start, end }) =>
    this.objects.get(key)?.slice(start, end) ?? null;
}
