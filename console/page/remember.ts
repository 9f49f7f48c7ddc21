import type { BlockMap } from '../engine/block-map.ts';
import type { VerifyResult } from '../engine/questions.ts';

/*
 * What this browser has verified, kept for the next visit: states and times of blocks, and the last result of each dataset. No
 * key and no content. Whoever may change this browser's storage may change it, so it is a notebook, not evidence.
 */

export interface Remembered {
  readonly map: BlockMap;
  readonly last: VerifyResult | null;
}

const NAME = 'plumbline-console';
const STORE = 'verified';
/** Maps of more datasets are not held at once. */
const MOST_RECALLED = 200;

/** Null where the browser keeps nothing, as in a private window. */
async function open(): Promise<IDBDatabase | null> {
  try {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return await done(request);
  } catch {
    return null;
  }
}

/** What was kept under these keys, as far as it is what this page keeps. */
export async function recall(keys: readonly string[]): Promise<ReadonlyMap<string, Remembered>> {
  const found = new Map<string, Remembered>();
  const database = await open();
  if (database === null) return found;
  try {
    const store = database.transaction(STORE).objectStore(STORE);
    const kept = new Set(await done(store.getAllKeys()));
    for (const key of keys.filter((one) => kept.has(one)).slice(0, MOST_RECALLED)) {
      const one = (await done(store.get(key))) as Remembered | undefined;
      if (one?.map?.states instanceof Uint8Array && one.map.checkedAt instanceof Uint32Array) found.set(key, one);
    }
  } catch {
    // A notebook that cannot be read is an empty one.
  } finally {
    database.close();
  }
  return found;
}

export async function keep(key: string, remembered: Remembered): Promise<void> {
  const database = await open();
  if (database === null) return;
  try {
    await done(database.transaction(STORE, 'readwrite').objectStore(STORE).put(remembered, key));
  } catch {
    // A full disk takes the memory of a visit, and nothing else.
  } finally {
    database.close();
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
