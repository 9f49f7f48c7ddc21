import { connect } from 'node:net';
import { LedgerUnavailableError } from '../../core/errors.ts';

const TIMEOUT_MS = 60_000;
/** A chain's whole state is one answer. */
const MAX_ANSWER_BYTES = 2 ** 30;

/** Asks JSON-RPC of a chain at its socket in the file system: one line there, one line back. */
export function askIpc(path: string, body: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (what: string, cause?: unknown): void => {
      socket.destroy();
      reject(new LedgerUnavailableError(`The local chain ${what}.`, { cause }));
    };
    const socket = connect(path);
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    const gone = (): void => fail('is not asked any more', signal.reason);
    signal.addEventListener('abort', gone, { once: true });
    socket.setTimeout(TIMEOUT_MS, () => fail(`did not answer within ${TIMEOUT_MS} ms`));
    socket.once('error', (cause) => fail('does not answer', cause));
    socket.once('close', () => {
      signal.removeEventListener('abort', gone);
      fail('ended before it answered');
    });
    socket.on('data', (part) => {
      sizeBytes += part.length;
      if (sizeBytes > MAX_ANSWER_BYTES) fail(`answered more than ${MAX_ANSWER_BYTES} bytes`);
      parts.push(part);
      if (part.at(-1) !== 0x0a) return;
      resolve(Buffer.concat(parts).toString('utf8'));
      socket.destroy();
    });
    // A line break inside would end the question.
    socket.write(`${body.replaceAll(/[\r\n]/g, ' ')}\n`);
  });
}
