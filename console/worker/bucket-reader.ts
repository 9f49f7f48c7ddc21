import type { Download } from '../../client/owner/block-source.ts';
import type { BucketDeps } from '../../client/owner/read-bucket.ts';
import { type BucketAccess, presignGet } from './presign-bucket.ts';

/** More keys than a bucket's page may hold are no page. */
const MAX_LISTING_BYTES = 4 * 2 ** 20;

/** A bucket read with rights of one's own: listing, and ranges of objects. */
export function readerOfBucket(access: BucketAccess, download: Download): BucketDeps['bucket'] {
  const get = (path: string, query: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) => ({
    ...{ method: 'GET' as const, url: presignGet(access, path, query, Date.now()), headers },
    expiresAtMs: Date.now() + 60_000,
  });
  return {
    async read(key, { start, end }, signal) {
      return download(get(key, {}, { range: `bytes=${start}-${end - 1}` }), end - start, signal);
    },
    async *list(prefix, signal, after) {
      for (let startAfter = after ?? ''; ; ) {
        const query = { 'list-type': '2', prefix, ...(startAfter === '' ? {} : { 'start-after': startAfter }) };
        const page = await download(get('', query, {}), MAX_LISTING_BYTES, signal);
        const { keys, isTruncated } = readListing(new TextDecoder().decode(page ?? new Uint8Array()));
        yield* keys;
        startAfter = keys.at(-1) ?? '';
        if (!isTruncated || keys.length === 0) return;
      }
    },
  };
}

/** Keys of a page of ListObjectsV2. Nothing that it says is believed: a segment shows itself by its manifest. */
export function readListing(xml: string): { readonly keys: readonly string[]; readonly isTruncated: boolean } {
  const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => plainOf(key));
  return { keys, isTruncated: /<IsTruncated>true<\/IsTruncated>/.test(xml) };
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function plainOf(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => NAMED[name] ?? '');
}
