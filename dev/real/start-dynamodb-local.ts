import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loopbackPorts } from './loopback-ports.ts';
import { answersHttp, type Daemon, startDaemon } from './start-daemon.ts';

export interface DynamoDbLocalOptions {
  /** Folder of its jars. */
  readonly lib: string;
  /** Keeps its data, also over kill -9; null holds it in memory. */
  readonly folder: string | null;
}

export interface RunningDynamoDbLocal {
  readonly endpoint: string;
  /** kill -9. Nobody listens at the endpoint then. */
  kill(): Promise<void>;
  /** Starts it again at the same endpoint. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Any do: it checks none. Letters and digits only. */
export const DYNAMODB_LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

const INSIDE_PORT = 8000;
const RELAY = fileURLToPath(import.meta.resolve('./namespace-relay.ts'));

/**
 * Starts DynamoDB Local, which listens on all interfaces, in a network namespace that has none but loopback; its endpoint is
 * on this machine's loopback alone.
 */
export async function startDynamoDbLocal({ lib, folder }: DynamoDbLocalOptions): Promise<RunningDynamoDbLocal> {
  const sockets = await mkdtemp(join(tmpdir(), 'plumbline-dynamodb-'));
  const socketPath = join(sockets, 'relay');
  if (folder !== null) await mkdir(folder, { recursive: true, mode: 0o700 });
  const [port] = (await loopbackPorts(1)) as [number];
  const endpoint = `http://127.0.0.1:${port}`;
  const server = [
    ...['java', '-cp', join(lib, '*'), `-Djava.library.path=${lib}`],
    ...['com.amazonaws.services.dynamodbv2.local.main.ServerRunner', '-disableTelemetry'],
    ...(folder === null ? ['-inMemory'] : ['-sharedDb', '-dbPath', folder]),
    ...['-port', String(INSIDE_PORT)],
  ];
  const start = async (): Promise<{ daemon: Daemon; end(signal?: 'SIGKILL'): Promise<void> }> => {
    const door = await openDoor(port, socketPath);
    try {
      const daemon: Daemon = await startDaemon({
        name: 'DynamoDB Local',
        command: 'unshare',
        parameters: [
          ...['--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'],
          ...[process.execPath, RELAY, socketPath, String(INSIDE_PORT), ...server],
        ],
        ...(folder === null ? {} : { folder }),
        // Unsigned, it says 400.
        isReady: (signal) => answersHttp(endpoint, signal),
      });
      return {
        daemon,
        async end(signal) {
          await Promise.all([daemon.stop(signal), door.close()]);
        },
      };
    } catch (error) {
      await door.close();
      throw error;
    }
  };
  let running = await start();
  return {
    endpoint,
    kill: () => running.end('SIGKILL'),
    async restart() {
      await running.end('SIGKILL');
      running = await start();
    },
    freeze: () => running.daemon.freeze(),
    thaw: () => running.daemon.thaw(),
    async stop() {
      await running.end();
      await rm(sockets, { recursive: true, force: true });
    },
  };
}

/** Lets connections of this machine's loopback into the namespace. */
async function openDoor(port: number, socketPath: string): Promise<{ close(): Promise<void> }> {
  const open = new Set<Socket>();
  const door = createServer((outside) => {
    const inside = connect(socketPath);
    for (const [from, to] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve, reject) => {
    door.once('error', reject);
    door.listen(port, '127.0.0.1', () => resolve());
  });
  door.unref();
  let closed: Promise<void> | null = null;
  return {
    close() {
      closed ??= new Promise((resolve) => {
        door.close(() => resolve());
        for (const socket of open) socket.destroy();
      });
      return closed;
    },
  };
}
