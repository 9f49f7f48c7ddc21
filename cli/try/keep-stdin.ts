import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FileError } from '../../core/errors.ts';
import { showBytes } from '../device/parse-units.ts';
import type { Output } from '../output.ts';

const TELL_EVERY_BYTES = 2 ** 20;

/**
 * Keeps standard input as a file: a stream cannot be read twice, and this way its end is known, an interrupted run goes on, and
 * evidence of it can be compared with something. Interrupted, nothing of it stays.
 * @throws FileError when it ends without a byte or the disk takes no more
 */
export async function keepStdin(folder: string, output: Output, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `stdin-${(await readdir(folder)).length + 1}`);
  // A name that devices leave alone, until it is whole.
  const part = `${path}.part`;
  let bytes = 0;
  let toldBytes = 0;
  const count = async function* (stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      bytes += chunk.length;
      if (bytes - toldBytes >= TELL_EVERY_BYTES) {
        toldBytes = bytes;
        output.progress(`Reading standard input: ${showBytes(bytes)} so far …`);
      }
      yield chunk;
    }
  };
  try {
    await pipeline(process.stdin, count, createWriteStream(part, { mode: 0o600 }), { signal });
  } catch (cause) {
    await rm(part, { force: true });
    signal.throwIfAborted();
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FileError(`Standard input cannot be kept in ${path} (${code}).`, { cause });
  }
  if (bytes > 0) return rename(part, path);
  await rm(part);
  throw new FileError('Standard input ended without a byte. Check the program that writes to it, or give a PATH.');
}
