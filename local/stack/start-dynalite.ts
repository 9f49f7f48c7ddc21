import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import dynalite from 'dynalite';
import { StoreUnavailableError } from '../../core/errors.ts';

export interface RunningDynalite {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Any credentials do: it checks none, and listens on loopback only. */
export const DYNALITE_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/**
 * Starts the embedded DynamoDB in this process. `folder` keeps its data, null forgets it; `port` 0 takes a free one.
 * Its store is written through the page cache: what was answered survives this process's death, not the machine's.
 */
export async function startDynalite(options: { folder: string | null; port?: number }): Promise<RunningDynalite> {
  const { folder, port = 0 } = options;
  if (folder !== null) await mkdir(folder, { recursive: true, mode: 0o700 });
  const immediate = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const server = dynalite({ ...(folder === null ? {} : { path: folder }), ...immediate });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'EADDRINUSE' ? `port ${port} is taken; give another, or 0` : cause.message;
      reject(new StoreUnavailableError(`The table cannot be started: ${what}.`, { cause }));
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const { port: chosen } = server.address() as AddressInfo;
  let stopping: Promise<void> | null = null;
  return {
    endpoint: `http://127.0.0.1:${chosen}`,
    stop() {
      stopping ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return stopping;
    },
  };
}
