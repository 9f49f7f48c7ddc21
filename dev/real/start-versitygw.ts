import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loopbackPorts } from './loopback-ports.ts';
import { answersHttp, type Daemon, startDaemon } from './start-daemon.ts';

export interface VersitygwOptions {
  /** Path of the program. */
  readonly versitygw: string;
  /** Keeps the objects; on a file system with extended attributes. */
  readonly folder: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

export interface RunningVersitygw {
  readonly endpoint: string;
  /** A folder in it is a bucket. */
  readonly dataDir: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts it again on the same data and endpoint. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Starts an S3 gateway over a folder, on loopback. */
export async function startVersitygw(options: VersitygwOptions): Promise<RunningVersitygw> {
  const dataDir = join(options.folder, 'data');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const [port] = await loopbackPorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const parameters = ['--port', `127.0.0.1:${port}`, '--region', options.region, '--quiet', '--health', '/health'];
  const start = () =>
    startDaemon({
      name: 'versitygw',
      command: options.versitygw,
      parameters: [...parameters, 'posix', dataDir],
      env: { ROOT_ACCESS_KEY: options.accessKey, ROOT_SECRET_KEY: options.secretKey },
      isReady: (signal) => answersHttp(`${endpoint}/health`, signal, 200),
    });
  let daemon: Daemon = await start();
  return {
    endpoint,
    dataDir,
    kill: () => daemon.stop('SIGKILL'),
    async restart() {
      await daemon.stop('SIGKILL');
      daemon = await start();
    },
    freeze: () => daemon.freeze(),
    thaw: () => daemon.thaw(),
    stop: () => daemon.stop(),
  };
}
