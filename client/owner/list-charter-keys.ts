import { charterKey, parseCharterKey } from '../../core/charter/charter-file.ts';
import type { ObjectLister } from '../../core/ports/object-store.ts';

/** As many keys as S3 gives with one request. */
const PAGE_KEYS = 1000;
/** Sorts behind every key of a folder: '/' is the character before. */
const BEHIND_FOLDER = '0';

/**
 * Keys of charters below a prefix. A dataset has as many segments as its device has sealed batches, all in front of its
 * charters: behind a page of them the listing goes on at the charters, and behind a page of anything else with the next
 * folder. So a whole bucket takes some requests a dataset, whatever lies in it.
 */
export async function* listCharterKeys(
  bucket: ObjectLister,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  for (let after: string | null | undefined; after !== null; ) {
    const listing = bucket.list(prefix, signal, after);
    after = null;
    let folder = '';
    let keys = 0;
    for await (const key of listing) {
      const inFolder = key.slice(0, key.indexOf('/') + 1);
      keys = inFolder === folder ? keys + 1 : 1;
      folder = inFolder;
      const place = parseCharterKey(key);
      if (place !== null && charterKey(place.dataset, place.serial) === key) yield key;
      else if (keys > PAGE_KEYS && folder !== '') {
        const charters = `${folder}charter-`;
        after = key < charters ? charters : `${folder.slice(0, -1)}${BEHIND_FOLDER}`;
        break;
      }
    }
  }
}
