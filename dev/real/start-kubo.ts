import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { loopbackPorts } from './loopback-ports.ts';
import { answersHttp, type Daemon, startDaemon } from './start-daemon.ts';

export interface KuboOptions {
  /** Path of the program. */
  readonly ipfs: string;
  /** Its repository; made where there is none. */
  readonly folder: string;
}

export interface RunningKubo {
  readonly apiUrl: string;
  /** What other peers reach it under. */
  address(): Promise<string>;
  /** Runs one of its commands on it. */
  run(...parameters: string[]): Promise<string>;
  /** kill -9. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

const COMMAND_TIMEOUT_MS = 60_000;

const identity = z.looseObject({ Addresses: z.array(z.string()).min(1) });

/** Starts a Kubo node on loopback, without any peer but those it is connected to. */
export async function startKubo({ ipfs, folder }: KuboOptions): Promise<RunningKubo> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const env = { IPFS_PATH: folder, IPFS_TELEMETRY: 'off' };
  const run = async (...parameters: string[]): Promise<string> => {
    const options = { env: { PATH: process.env.PATH, HOME: folder, ...env }, timeout: COMMAND_TIMEOUT_MS };
    return (await promisify(execFile)(ipfs, parameters, options)).stdout;
  };
  const [apiPort, swarmPort] = (await loopbackPorts(2)) as [number, number];
  const isNew = (await readFile(join(folder, 'config'), 'utf8').catch(() => null)) === null;
  // Neither bootstrap peers nor discovery on the local network.
  if (isNew) await run('init', '--profile', 'test');
  await run('config', 'Addresses.API', `/ip4/127.0.0.1/tcp/${apiPort}`);
  await run('config', '--json', 'Addresses.Swarm', `["/ip4/127.0.0.1/tcp/${swarmPort}"]`);
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const start = async () => {
    // Left by one that was killed.
    await rm(join(folder, 'repo.lock'), { force: true });
    return startDaemon({
      name: 'Kubo',
      command: ipfs,
      parameters: ['daemon'],
      env,
      isReady: (signal) => answersHttp(`${apiUrl}/version`, signal),
    });
  };
  let daemon: Daemon = await start();
  return {
    apiUrl,
    run,
    async address() {
      return identity.parse(JSON.parse(await run('id', '--enc=json'))).Addresses[0] as string;
    },
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
