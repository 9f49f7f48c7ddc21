import { connect, type Socket } from 'node:net';
import { LedgerUnavailableError } from '../../core/errors.ts';

const TIMEOUT_MS = 60_000;
/** A chain's whole state is one answer. */
const MAX_ANSWER_BYTES = 2 ** 30;
/** Kept for the next questions; more are opened while more are under way. */
const MOST_IDLE = 8;

export interface ChainSocket {
  /** Asks JSON-RPC: one line there, one line back. */
  ask(body: string, signal: AbortSignal): Promise<string>;
  /** Lets go of the connections that are kept. */
  close(): void;
}

/**
 * A chain at its socket in the file system. A connection carries one question at a time and is kept for the next: to connect for
 * each took a tenth of the time of whoever asks much. One whose question failed or was given up is not used again.
 */
export function openChainSocket(path: string): ChainSocket {
  const idle: Socket[] = [];
  let closed = false;

  const connected = (): Socket => {
    const socket = connect(path);
    const forget = (): void => {
      const place = idle.indexOf(socket);
      if (place >= 0) idle.splice(place, 1);
    };
    // While it is idle, nobody else listens: the chain has ended, and whoever asks next hears of it.
    socket.on('error', forget).on('close', forget);
    return socket;
  };
  const keep = (socket: Socket): void => {
    if (closed || idle.length >= MOST_IDLE || socket.destroyed) socket.destroy();
    else idle.push(socket.unref());
  };

  return {
    ask(body, signal) {
      const socket = (idle.pop() ?? connected()).ref();
      return askAt(socket, body, signal).then(
        (answer) => {
          keep(socket);
          return answer;
        },
        (error: unknown) => {
          socket.destroy();
          throw error;
        },
      );
    },
    close() {
      closed = true;
      for (const socket of idle.splice(0)) socket.destroy();
    },
  };
}

function askAt(socket: Socket, body: string, signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  return new Promise<string>((resolve, reject) => {
    const listening = new AbortController();
    const end = (settle: () => void): void => {
      listening.abort();
      socket.setTimeout(0).off('data', take).off('error', broken).off('close', ended).off('timeout', late);
      settle();
    };
    const fail = (what: string, cause?: unknown): void =>
      end(() => reject(new LedgerUnavailableError(`The local chain ${what}.`, { cause })));
    const broken = (cause: unknown): void => fail('does not answer', cause);
    const ended = (): void => fail('ended before it answered');
    const late = (): void => fail(`did not answer within ${TIMEOUT_MS} ms`);
    const take = (part: Buffer): void => {
      sizeBytes += part.length;
      parts.push(part);
      if (sizeBytes > MAX_ANSWER_BYTES) fail(`answered more than ${MAX_ANSWER_BYTES} bytes`);
      else if (part.at(-1) === 0x0a) end(() => resolve(Buffer.concat(parts).toString('utf8')));
    };
    const gone = (): void => fail('is not asked any more', signal.reason);
    signal.addEventListener('abort', gone, { once: true, signal: listening.signal });
    if (signal.aborted) return gone();
    socket.setTimeout(TIMEOUT_MS).on('data', take).once('error', broken).once('close', ended).once('timeout', late);
    // A line break inside would end the question.
    socket.write(`${body.replaceAll(/[\r\n]/g, ' ')}\n`);
  });
}
