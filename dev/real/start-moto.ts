import { loopbackPorts } from './loopback-ports.ts';
import { answersHttp, type Daemon, startDaemon } from './start-daemon.ts';

export interface RunningMoto {
  readonly endpoint: string;
  /** kill -9. It keeps everything in memory. */
  kill(): Promise<void>;
  /** Starts it again at the same endpoint, with nothing in it. */
  restart(): Promise<void>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** Any do: it checks none. */
export const MOTO_CREDENTIALS = { accessKeyId: 'moto', secretAccessKey: 'moto' };

/**
 * Starts moto's server on loopback. `python` is that of its environment; `script` is run in place of moto as it comes, and
 * takes the same parameters.
 */
export async function startMoto({ python, script }: { python: string; script?: string }): Promise<RunningMoto> {
  const [port] = await loopbackPorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const program = script === undefined ? ['-m', 'moto.server'] : [script];
  const start = () =>
    startDaemon({
      name: 'moto',
      command: python,
      parameters: ['-u', ...program, '-H', '127.0.0.1', '-p', String(port)],
      isReady: (signal) => answersHttp(`${endpoint}/moto-api/`, signal),
    });
  let daemon: Daemon = await start();
  return {
    endpoint,
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
