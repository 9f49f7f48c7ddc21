import { FileError, PlumblineError } from '../../core/errors.ts';

const ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** What the system says of a folder that is written to, as a person needs it. Anything else stays what it is. */
export function folderError(folder: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (cause instanceof PlumblineError || !(cause instanceof Error) || typeof code !== 'string') return cause;
  if (ROOM.includes(code)) {
    return new FileError(
      `No room is left for ${folder} (${code}). Complete files stay there. Make room, or move the folder to a larger disk, and run the same command again to continue.`,
      { cause },
    );
  }
  return code.startsWith('E') && 'syscall' in cause
    ? new FileError(
        `${folder} cannot be written to: ${cause.message}. Give another folder, or make this one writable.`,
        {
          cause,
        },
      )
    : cause;
}

export function isCode(cause: unknown, ...codes: string[]): boolean {
  return codes.includes((cause as NodeJS.ErrnoException).code ?? '');
}
