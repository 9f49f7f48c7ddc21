import { createHash, randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { type ObjectStore, temporaryPath } from './open-store.ts';
import { S3Error } from './s3-error.ts';

/** A body on the disk, synced, that nothing points at yet. */
export interface Upload {
  readonly name: string;
  readonly sizeBytes: number;
  readonly md5: Buffer;
  readonly sha256: Buffer;
  /** Big-endian, as S3 writes it. */
  readonly crc32: Buffer;
}

/**
 * Streams a body into a temporary file while hashing it.
 *
 * @throws {S3Error} IncompleteBody when the sender stops early; nothing is left behind then.
 */
export async function receiveBody(store: ObjectStore, body: Readable, sizeBytes: number): Promise<Upload> {
  const name = randomUUID();
  const handle = await open(temporaryPath(store, name), 'wx', 0o600);
  try {
    const md5 = createHash('md5');
    const sha256 = createHash('sha256');
    let crc = 0;
    let received = 0;
    try {
      for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        received += chunk.length;
        if (received > sizeBytes) break;
        md5.update(chunk);
        sha256.update(chunk);
        crc = crc32(chunk, crc);
        await handle.appendFile(chunk);
      }
    } catch (error) {
      if (received < sizeBytes && isConnectionLoss(error)) throw incomplete(received, sizeBytes);
      throw error;
    }
    if (received !== sizeBytes) throw incomplete(received, sizeBytes);
    await handle.sync();
    const crcBytes = Buffer.alloc(4);
    crcBytes.writeUInt32BE(crc);
    return { name, sizeBytes, md5: md5.digest(), sha256: sha256.digest(), crc32: crcBytes };
  } catch (error) {
    await discardUpload(store, name);
    throw error;
  } finally {
    await handle.close();
  }
}

export async function discardUpload(store: ObjectStore, name: string): Promise<void> {
  await rm(temporaryPath(store, name), { force: true });
}

function incomplete(received: number, sizeBytes: number): S3Error {
  return new S3Error('IncompleteBody', 400, `The body has ${received} bytes; Content-Length says ${sizeBytes}.`);
}

function isConnectionLoss(error: unknown): boolean {
  const codes = ['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'EPIPE'];
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
