import { type FileHandle, open } from 'node:fs/promises';
import { FileError } from '../core/errors.ts';
import { inFile } from '../core/parse-outside.ts';
import { type DeploymentsFile, deploymentsFile } from '../core/wire/deployments-file.ts';

const MAX_FILE_BYTES = 64 * 1024;

/** Reads a `deployments/<chainId>.json`; nothing in it is secret. @throws FileError */
export async function readDeployments(path: string): Promise<DeploymentsFile> {
  const text = await readText(path);
  return inFile(path, () => deploymentsFile.parse(JSON.parse(text)));
}

async function readText(path: string): Promise<string> {
  let file: FileHandle | null = null;
  try {
    file = await open(path);
    const content = Buffer.alloc(MAX_FILE_BYTES + 1);
    const { bytesRead } = await file.read(content, 0, content.length, 0);
    if (bytesRead <= MAX_FILE_BYTES) return content.toString('utf8', 0, bytesRead);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new FileError(`${path} cannot be read (${code}). Name the file that plumb contracts deploy wrote.`, {
      cause,
    });
  } finally {
    await file?.close();
  }
  throw new FileError(`${path} has more than ${MAX_FILE_BYTES} bytes, the limit. Name the right file.`);
}
