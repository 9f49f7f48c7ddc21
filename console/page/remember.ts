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

/** What was kept under this key; null where nothing was, or it is not what this page keeps. */
export async function recall(key: string): Promise<Remembered | null> {
  const database = await open();
  if (database === null) return null;
  try {
    const kept = (await done(database.transaction(STORE).objectStore(STORE).get(key))) as Remembered | undefined;
    const isWhole = kept?.map?.states instanceof Uint8Array && kept.map.checkedAt instanceof Uint32Array;
    return isWhole ? kept : null;
  } catch {
    return null;
  } finally {
    database.close();
  }
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
