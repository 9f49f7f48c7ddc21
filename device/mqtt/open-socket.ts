import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Runtime } from '../../core/ports/runtime.ts';
import { BrokerError } from './broker-error.ts';
import type { Broker } from './parse-broker.ts';
import type { BrokerSecrets } from './read-secrets.ts';

const TIMEOUT_MS = 15_000;

/** A connection to the broker, its certificate verified where it has one. @throws BrokerError */
export function openSocket(
  runtime: Pick<Runtime, 'after'>,
  broker: Broker,
  secrets: BrokerSecrets,
  signal: AbortSignal,
): Promise<Socket> {
  const { host, port, tls } = broker;
  const { ca, cert, key } = secrets;
  const socket = tls
    ? connectTls({
        ...{ host, port, minVersion: 'TLSv1.2' as const },
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      })
    : connectTcp({ host, port });
  socket.setNoDelay(true);
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      timer.stop();
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
    };
    const fail = (reason: string, cause?: unknown): void => {
      settle();
      // Whatever it still says is of no interest.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(
        new BrokerError(`The MQTT broker ${host}:${port} cannot be reached: ${reason}.`, 'unavailable', { cause }),
      );
    };
    const onError = (cause: NodeJS.ErrnoException): void => fail(cause.code ?? cause.message, cause);
    const onAbort = (): void => fail('stopped');
    const timer = runtime.after(TIMEOUT_MS, () => fail(`no answer within ${TIMEOUT_MS} ms`));
    socket.on('error', onError);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      settle();
      resolve(socket);
    });
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}
