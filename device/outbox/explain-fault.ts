import { FileError } from '../../core/errors.ts';
import { OutboxDamagedError, OutboxUnavailableError } from './errors.ts';

/** What may pass by itself, by SQLite's primary result codes. */
const PASSING: Readonly<Record<number, string>> = {
  5: 'Another program, perhaps a backup, holds the outbox. The device will try again.',
  6: 'Another program, perhaps a backup, holds the outbox. The device will try again.',
  7: 'There is not enough memory for the outbox. The device will try again.',
  8: 'The outbox cannot be written, because its file system is read-only. Mount it writable; the device will try again.',
  10: 'The disk fails to read or write the outbox. The device will try again. If this lasts, the disk is failing; save what is readable with plumb device salvage.',
  13: 'The disk is full. Free some space; the device will try again.',
  14: 'The outbox cannot be opened now. The device will try again.',
  15: 'Another program holds the outbox. The device will try again.',
};

/** What says that the file's content is not what SQLite wrote. No constraint is ever violated by a sound outbox. */
const DAMAGED: readonly number[] = [11, 19, 20, 24, 26];

/** What may pass by itself, by errno. */
const PASSING_ERRNO: Readonly<Record<string, string>> = {
  ...{ ENOSPC: PASSING[13], EDQUOT: PASSING[13], EROFS: PASSING[8], EIO: PASSING[10] },
  ...{ EMFILE: 'Too many files are open.', ENFILE: 'Too many files are open.', EBUSY: PASSING[5], EAGAIN: PASSING[5] },
} as Record<string, string>;

export const SALVAGE_ADVICE =
  'Stop the device, keep a copy of the outbox, and save what is readable with plumb device salvage.';

/** Makes of what SQLite or the file system throws an error that says whose turn it is; anything else stays what it is. */
export function explainFault(path: string, cause: unknown): unknown {
  const { errcode, code } = (cause ?? {}) as { errcode?: unknown; code?: unknown };
  if (typeof errcode === 'number') {
    const primary = errcode & 0xff;
    const passing = PASSING[primary];
    if (passing !== undefined)
      return new OutboxUnavailableError(`${path}: ${passing}`, { cause, details: { errcode } });
    if (DAMAGED.includes(primary)) {
      const details = { errcode };
      return new OutboxDamagedError(`The outbox ${path} is damaged. ${SALVAGE_ADVICE}`, { cause, details });
    }
  }
  // A file error of ours names its cause.
  const errno = cause instanceof FileError ? (cause.cause as { code?: unknown } | undefined)?.code : code;
  const passing = typeof errno === 'string' ? PASSING_ERRNO[errno] : undefined;
  return passing === undefined ? cause : new OutboxUnavailableError(`${path}: ${passing}`, { cause });
}
