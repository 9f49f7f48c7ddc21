import { closeSync, fsync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { createPrivateFile } from './create-private-file.ts';
import { explainFault } from './explain-fault.ts';

/** How far an outbox had come when it last answered for a commit. */
export interface HighMark {
  readonly outboxId: Uint8Array;
  readonly commits: number;
  /** Captured, ever, as its counters said. */
  readonly blocks: number;
  readonly bytes: number;
  readonly streamBytes: number;
}

/** Why the outbox itself cannot say what is wrong with it: its disk takes no more. */
export interface Trouble {
  readonly step: string;
  readonly sinceMs: number;
  readonly atMs: number;
  readonly reason: string;
}

/**
 * A small file beside the outbox. SQLite takes a write-ahead log that was cut or damaged for one that ended there, and opens
 * without a word; with the mark that is noticed. It is written behind every commit and synchronised with every 32nd, so that
 * it costs no disk anything: a killed process leaves it exact, and after a power cut it is behind by what the kernel had not
 * written, some 30 s. It is never ahead of the outbox. It has its full size from the beginning, as a full disk must not stop it.
 */
export interface HighMarkFile {
  write(mark: HighMark): void;
  /** Whether the outbox could not be written when that was last noted, by this process or a former one. */
  hasTrouble(): boolean;
  /** Keeps what `plumb device status` is to say while the outbox cannot be written, since when included; null when it can. */
  noteTrouble(trouble: Omit<Trouble, 'sinceMs'> | null): void;
  close(): void;
}

const SIZE = 4096;
/** Two places in turn: one that was torn leaves the other. */
const PLACES = [0, 512] as const;
const MARK_BYTES = 4 + 16 + 4 * 8 + 4;
const TROUBLE_AT = 1024;
const SYNC_EVERY = 32;

export function markPathOf(outboxPath: string): string {
  return `${outboxPath}-mark`;
}

/** The newest mark and the last trouble; null where there is none that can be read. */
export function readHighMark(outboxPath: string): { readonly mark: HighMark | null; readonly trouble: Trouble | null } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(markPathOf(outboxPath));
  } catch {
    return { mark: null, trouble: null };
  }
  const marks = PLACES.flatMap((at) => decodeMark(bytes.subarray(at, at + MARK_BYTES)) ?? []);
  const mark = marks.reduce<HighMark | null>(
    (best, one) => (best !== null && best.commits >= one.commits ? best : one),
    null,
  );
  return { mark, trouble: decodeTrouble(bytes.subarray(TROUBLE_AT)) };
}

/** Opens the mark's file for writing, or makes it. @throws FileError when it cannot be made, or others can use it */
export function openHighMark(outboxPath: string): HighMarkFile {
  const path = markPathOf(outboxPath);
  const isNew = createPrivateFile(path);
  const file = openSync(path, 'r+');
  if (isNew) writeSync(file, Buffer.alloc(SIZE), 0, SIZE, 0);
  let place = 0;
  const former = readHighMark(outboxPath);
  let highest = former.mark?.commits ?? 0;
  let standing = former.trouble;
  let unsynced = 0;
  let open = true;
  let syncing = false;
  /** The outbox has what was acknowledged: a mark that cannot be written now is written with the next commit. */
  const put = (bytes: Uint8Array, at: number): void => {
    try {
      writeSync(file, bytes, 0, bytes.length, at);
    } catch (cause) {
      if ((explainFault(path, cause) as { kind?: unknown }).kind !== 'unavailable') throw cause;
    }
  };
  return {
    write(mark) {
      const encoded = encodeMark(mark);
      // An outbox that is shorter than it was, or another one, is where it is: the older mark counts no more.
      const isBehind = mark.commits <= highest;
      for (const at of isBehind ? PLACES : [PLACES[place] as number]) put(encoded, at);
      place = 1 - place;
      highest = mark.commits;
      if (++unsynced < SYNC_EVERY || syncing) return;
      unsynced = 0;
      syncing = true;
      fsync(file, () => {
        syncing = false;
        if (!open) closeSync(file);
      });
    },
    hasTrouble: () => standing !== null,
    noteTrouble(trouble) {
      if (trouble === null && standing === null) return;
      standing = trouble === null ? null : { ...trouble, sinceMs: standing?.sinceMs ?? trouble.atMs };
      put(encodeTrouble(standing), TROUBLE_AT);
    },
    close() {
      open = false;
      if (!syncing) closeSync(file);
    },
  };
}

/** "plOM" ‖ outboxId16 ‖ u64 commits ‖ u64 blocks ‖ u64 bytes ‖ u64 streamBytes ‖ u32 CRC of all that. */
function encodeMark({ outboxId, commits, blocks, bytes, streamBytes }: HighMark): Uint8Array {
  const encoded = Buffer.alloc(MARK_BYTES);
  encoded.write('plOM', 'latin1');
  encoded.set(outboxId, 4);
  for (const [at, value] of [commits, blocks, bytes, streamBytes].entries()) {
    encoded.writeBigUInt64BE(BigInt(value), 20 + 8 * at);
  }
  encoded.writeUInt32BE(crc32(encoded.subarray(0, MARK_BYTES - 4)), MARK_BYTES - 4);
  return encoded;
}

function decodeMark(bytes: Buffer): HighMark | null {
  if (bytes.length < MARK_BYTES || bytes.toString('latin1', 0, 4) !== 'plOM') return null;
  if (crc32(bytes.subarray(0, MARK_BYTES - 4)) !== bytes.readUInt32BE(MARK_BYTES - 4)) return null;
  const number = (at: number): number => Number(bytes.readBigUInt64BE(20 + 8 * at));
  const outboxId = new Uint8Array(bytes.subarray(4, 20));
  return { outboxId, commits: number(0), blocks: number(1), bytes: number(2), streamBytes: number(3) };
}

function encodeTrouble(trouble: Trouble | null): Uint8Array {
  const text = Buffer.from(
    trouble === null ? '' : JSON.stringify({ ...trouble, reason: trouble.reason.slice(0, 500) }),
  );
  const encoded = Buffer.alloc(6 + text.length);
  encoded.writeUInt16BE(text.length);
  encoded.writeUInt32BE(crc32(text), 2);
  text.copy(encoded, 6);
  return encoded;
}

function decodeTrouble(bytes: Buffer): Trouble | null {
  if (bytes.length < 6) return null;
  const text = bytes.subarray(6, 6 + bytes.readUInt16BE());
  if (text.length === 0 || crc32(text) !== bytes.readUInt32BE(2)) return null;
  return JSON.parse(text.toString('utf8')) as Trouble;
}
