import { readFileSync, statSync } from 'node:fs';
import { FileError } from '../../core/errors.ts';

const MAX_FILE_BYTES = 4 * 2 ** 20;

/** A file without secrets, which others may read. @throws FileError when it is missing or longer than anything of ours */
export function readPublicFile(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new FileError(`${path} has ${size} bytes; at most ${MAX_FILE_BYTES} are read.`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    throw new FileError(`${path} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, { cause });
  }
}
