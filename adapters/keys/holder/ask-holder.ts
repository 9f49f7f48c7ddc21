import { connect } from 'node:net';
import { AnswerError } from '../../../core/errors.ts';
import { KEYSTORE_KEY_BYTES } from './held-key.ts';
import {
  ANSWER_TIMEOUT_MS,
  type HolderAnswer,
  type HolderQuestion,
  holderAnswer,
  MAX_ANSWER_BYTES,
} from './holder-protocol.ts';
import { type SocketPlace, statPrivateFolder, statPrivateSocket } from './socket-place.ts';

export interface HolderSaid {
  readonly answer: HolderAnswer;
  /** Behind the answer to `key`; whoever asked wipes it. */
  readonly key: Uint8Array | null;
}

/**
 * Asks the holder that listens at a place. Nothing secret is asked, and whether a key is the right one is for the keystore to say.
 * @returns null when nobody listens there: there is no socket, or one that a killed holder left
 * @throws FileError when folder or socket are not this user's alone; AnswerError when it does not answer as a holder does
 */
export async function askHolder(
  place: SocketPlace,
  question: HolderQuestion,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<HolderSaid | null> {
  if (statPrivateFolder(place.folder) === null || statPrivateSocket(place.socket) === null) return null;
  const said = await exchange(place.socket, `${JSON.stringify(question)}\n`, timeoutMs);
  return said === null ? null : parseSaid(place.socket, said);
}

function exchange(path: string, line: string, timeoutMs: number): Promise<Buffer | null> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>();
  const chunks: Buffer[] = [];
  let length = 0;
  const socket = connect(path, () => socket.write(line));
  const fail = (says: string, cause?: unknown): void => {
    for (const chunk of chunks) chunk.fill(0);
    reject(new AnswerError(`${saidOf(path)} ${says}`, { cause }));
    socket.destroy();
  };
  const late = setTimeout(() => fail(`did not answer within ${timeoutMs} ms.`), timeoutMs);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES + KEYSTORE_KEY_BYTES) fail(`sent more than ${MAX_ANSWER_BYTES} bytes.`);
  });
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    // Refused: the socket of a process that is gone. Missing: it has gone this moment.
    if (cause.code === 'ECONNREFUSED' || cause.code === 'ENOENT') resolve(null);
    else fail(`broke off (${cause.code ?? 'unknown error'}).`, cause);
  });
  socket.on('close', () => {
    clearTimeout(late);
    const whole = Buffer.concat(chunks);
    for (const chunk of chunks) chunk.fill(0);
    resolve(whole);
  });
  return promise;
}

function parseSaid(path: string, said: Buffer): HolderSaid {
  const end = said.indexOf('\n');
  const rest = said.subarray(end + 1);
  if (end < 0) throw new AnswerError(`${saidOf(path)} hung up without an answer.`);
  try {
    const answer = holderAnswer.parse(JSON.parse(said.subarray(0, end).toString('utf8')));
    if (rest.length === 0) return { answer, key: null };
    if (rest.length === KEYSTORE_KEY_BYTES && answer.state === 'held') return { answer, key: rest };
  } catch {
    // What it said instead may be anything: it is not repeated.
  }
  rest.fill(0);
  throw new AnswerError(`${saidOf(path)} gave an answer that is none. Lock it, and unlock again.`);
}

const saidOf = (path: string): string => `The key holder at ${path}`;
