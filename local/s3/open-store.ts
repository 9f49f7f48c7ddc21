import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bucketPath, metaPath, objectPath } from './object-path.ts';
import type { S3ObjectEvent } from './s3-event.ts';
import { makeDirectoryDurably, syncDirectory, writeDurably } from './sync-files.ts';

/** What is remembered of an object beside its bytes. */
export interface ObjectMeta {
  /** Hex MD5 of the bytes as they were put. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly sequencer: string;
  /** content-type, cache-control and the like, to be sent back. */
  readonly systemHeaders: Readonly<Record<string, string>>;
  /** Names without `x-amz-meta-`. */
  readonly userMetadata: Readonly<Record<string, string>>;
  /** Base64, as the writer declared them. */
  readonly checksums: { readonly sha256?: string; readonly crc32?: string };
}

/** One change, decided. Its file in the journal is the decision: from then on the change happens, whatever dies. */
export interface JournalEntry {
  readonly operation: 'put' | 'delete';
  readonly bucket: string;
  readonly key: string;
  /** Name of the upload in `tmp/`; null for a delete. */
  readonly upload: string | null;
  readonly sequencer: string;
  /** Null when nobody listens. */
  readonly event: S3ObjectEvent | null;
}

export interface PendingEvent {
  readonly journalName: string;
  readonly event: S3ObjectEvent;
}

export interface ObjectStore {
  readonly dataDir: string;
  readonly buckets: ReadonlySet<string>;
  readonly durable: Set<string>;
  /** Tail of the queue at each key: changes of a key happen one after the other. */
  readonly queues: Map<string, Promise<unknown>>;
  /** Decided changes that a failing disk left half done; they go before anything else at their key. */
  readonly unapplied: Map<string, { name: string; entry: JournalEntry }>;
  lastSequencer: bigint;
  /** Takes the event of a change that is on the disk. */
  deliver: (pending: PendingEvent) => void;
}

/**
 * Opens the folder: finishes what the journal says was decided, removes what was not, and returns the events still owed.
 *
 * Layout: `buckets/` (see {@link objectPath}), `tmp/` (uploads under way), `journal/` (changes decided whose event has not
 * been taken yet). One process at a time.
 */
export async function openStore(
  dataDir: string,
  buckets: readonly string[],
): Promise<{ store: ObjectStore; pending: PendingEvent[] }> {
  for (const folder of [
    join(dataDir, 'tmp'),
    join(dataDir, 'journal'),
    ...buckets.map((name) => bucketPath(dataDir, name)),
  ]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  await syncDirectory(join(dataDir, 'buckets'));
  await syncDirectory(dataDir);
  const store: ObjectStore = {
    dataDir,
    buckets: new Set(buckets),
    durable: new Set(),
    queues: new Map(),
    unapplied: new Map(),
    lastSequencer: 0n,
    deliver: () => undefined,
  };
  const pending: PendingEvent[] = [];
  for (const name of (await readdir(join(dataDir, 'journal'))).sort()) {
    const entry = JSON.parse(await readFile(join(dataDir, 'journal', name), 'utf8')) as JournalEntry;
    await applyEntry(store, entry);
    if (entry.event === null) await unlink(join(dataDir, 'journal', name));
    else pending.push({ journalName: name, event: entry.event });
    store.lastSequencer = BigInt(`0x${entry.sequencer}`);
  }
  for (const name of await readdir(join(dataDir, 'tmp'))) await rm(join(dataDir, 'tmp', name), { force: true });
  return { store, pending };
}

/** Runs `work` while nothing else changes the object, after whatever was left half done at it. */
export async function withObject<T>(
  store: ObjectStore,
  bucket: string,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  const id = `${bucket}/${key}`;
  const before = store.queues.get(id) ?? Promise.resolve();
  const mine = before.then(async () => {
    const unapplied = store.unapplied.get(id);
    if (unapplied !== undefined) {
      await applyEntry(store, unapplied.entry);
      store.unapplied.delete(id);
      await finishEntry(store, unapplied.name, unapplied.entry);
    }
    return work();
  });
  const tail = mine.catch(() => undefined);
  store.queues.set(id, tail);
  try {
    return await mine;
  } finally {
    if (store.queues.get(id) === tail) store.queues.delete(id);
  }
}

/** What is stored under a key, or null. The bytes are whatever the data file holds now. */
export async function openObject(
  store: ObjectStore,
  bucket: string,
  key: string,
): Promise<{ handle: FileHandle; sizeBytes: number; meta: ObjectMeta } | null> {
  const path = objectPath(store.dataDir, bucket, key);
  const meta = await readMeta(path);
  if (meta === null) return null;
  try {
    const handle = await open(path, 'r');
    const { size } = await handle.stat();
    return { handle, sizeBytes: size, meta };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The sidecar of a data file, or null when there is none that can be read. */
export async function readMeta(dataPath: string): Promise<ObjectMeta | null> {
  try {
    return JSON.parse(await readFile(metaPath(dataPath), 'utf8')) as ObjectMeta;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** A sequencer above every earlier one of this store and of this key. */
export function nextSequencer(store: ObjectStore, nowMs: number, current: string | undefined): string {
  const floor = [
    BigInt(nowMs) << 16n,
    store.lastSequencer + 1n,
    current === undefined ? 0n : BigInt(`0x${current}`) + 1n,
  ];
  store.lastSequencer = floor.reduce((a, b) => (a > b ? a : b));
  return store.lastSequencer.toString(16).toUpperCase().padStart(16, '0');
}

/**
 * Decides a change and does it; to be called inside {@link withObject}. A put's bytes must lie, synced, in `tmp/<upload>`;
 * from here on they are this function's to keep or remove. When this returns the change is on the disk. When it throws before the journal was written, nothing has happened.
 */
export async function commitEntry(store: ObjectStore, entry: JournalEntry, meta: ObjectMeta | null): Promise<void> {
  const name = `${entry.sequencer}.json`;
  await decideEntry(store, name, entry, meta);
  store.unapplied.set(`${entry.bucket}/${entry.key}`, { name, entry });
  await syncDirectory(join(store.dataDir, 'journal'));
  await applyEntry(store, entry);
  store.unapplied.delete(`${entry.bucket}/${entry.key}`);
  await finishEntry(store, name, entry);
}

/** Where uploads lie until they are decided. */
export function temporaryPath(store: ObjectStore, name: string): string {
  return join(store.dataDir, 'tmp', name);
}

async function decideEntry(
  store: ObjectStore,
  name: string,
  entry: JournalEntry,
  meta: ObjectMeta | null,
): Promise<void> {
  const draft = temporaryPath(store, randomUUID());
  const sidecar = entry.upload === null ? null : temporaryPath(store, metaUpload(entry.upload));
  try {
    if (sidecar !== null) {
      const dataPath = objectPath(store.dataDir, entry.bucket, entry.key);
      await makeDirectoryDurably(dirname(dataPath), bucketPath(store.dataDir, entry.bucket), store.durable);
      await writeDurably(sidecar, JSON.stringify(meta));
    }
    await writeDurably(draft, JSON.stringify(entry));
    await syncDirectory(join(store.dataDir, 'tmp'));
    await rename(draft, join(store.dataDir, 'journal', name));
  } catch (error) {
    await rm(draft, { force: true });
    if (sidecar !== null) await rm(sidecar, { force: true });
    if (entry.upload !== null) await rm(temporaryPath(store, entry.upload), { force: true });
    throw error;
  }
}

/** Forgets a change whose event was taken. May be lost in a crash: then the event comes again. */
export async function forgetEntry(store: ObjectStore, journalName: string): Promise<void> {
  await rm(join(store.dataDir, 'journal', journalName), { force: true });
}

async function finishEntry(store: ObjectStore, journalName: string, entry: JournalEntry): Promise<void> {
  if (entry.event !== null) store.deliver({ journalName, event: entry.event });
  else await forgetEntry(store, journalName);
}

/** Does a decided change; doing it again, or after later changes of the same key, changes nothing. */
async function applyEntry(store: ObjectStore, entry: JournalEntry): Promise<void> {
  const dataPath = objectPath(store.dataDir, entry.bucket, entry.key);
  if (entry.upload !== null) {
    await renameIfThere(join(store.dataDir, 'tmp', entry.upload), dataPath);
    await renameIfThere(join(store.dataDir, 'tmp', metaUpload(entry.upload)), metaPath(dataPath));
  } else {
    const meta = await readMeta(dataPath);
    if (meta === null || meta.sequencer > entry.sequencer) return;
    await rm(dataPath, { force: true });
    await rm(metaPath(dataPath), { force: true });
  }
  await syncDirectory(dirname(dataPath)).catch(ignoreMissing);
}

async function renameIfThere(from: string, to: string): Promise<void> {
  await rename(from, to).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

function metaUpload(upload: string): string {
  return `${upload}.meta`;
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
