import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import dynalite from 'dynalite';
import { StoreUnavailableError } from '../../core/errors.ts';
import { closeIteratorsOnReturn } from './close-iterators.ts';
import { guardTable } from './guard-table.ts';

export interface RunningDynalite {
  readonly endpoint: string;
  /** The only ones it takes. */
  readonly credentials: TableCredentials;
  stop(): Promise<void>;
}

export interface TableCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** For tests: whoever starts a stack gives credentials that nobody else knows. */
export const DYNALITE_CREDENTIALS: TableCredentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const REGION = 'us-east-1';
/** No request takes so long here; one that its server has given up must not hold up the end. */
const STOP_TIMEOUT_MS = 5_000;

/**
 * Starts the embedded DynamoDB in this process, on loopback, for requests alone that are signed with `credentials`. `folder` keeps its data, null forgets it; `port` 0 takes a free one.
 * Its store is written through the page cache: what was answered survives this process's death, not the machine's.
 */
export async function startDynalite(options: {
  folder: string | null;
  port?: number;
  credentials?: TableCredentials;
}): Promise<RunningDynalite> {
  const { folder, port = 0, credentials = DYNALITE_CREDENTIALS } = options;
  if (folder !== null) await mkdir(folder, { recursive: true, mode: 0o700 });
  closeIteratorsOnReturn();
  const immediate = { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };
  const server = dynalite({ ...(folder === null ? {} : { path: folder }), ...immediate });
  let authority = '';
  const idle = guardTable(server, () => ({
    ...{ accessKey: credentials.accessKeyId, secretKey: credentials.secretAccessKey },
    ...{ region: REGION, service: 'dynamodb', authority, now: () => new Date() },
  }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'EADDRINUSE' ? `port ${port} is taken; give another, or 0` : cause.message;
      reject(new StoreUnavailableError(`The table cannot be started: ${what}.`, { cause }));
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const { port: chosen } = server.address() as AddressInfo;
  authority = `127.0.0.1:${chosen}`;
  let stopping: Promise<void> | null = null;
  return {
    endpoint: `http://${authority}`,
    credentials,
    stop() {
      stopping ??= closeServer(server, idle);
      return stopping;
    },
  };
}

/** dynalite closes its store when its server is closed, which the connections are kept from until nothing is under way. */
async function closeServer(server: Server, idle: () => Promise<unknown>): Promise<void> {
  const ending = new AbortController();
  await Promise.race([idle(), sleep(STOP_TIMEOUT_MS, undefined, { signal: ending.signal }).catch(() => {})]);
  ending.abort();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
