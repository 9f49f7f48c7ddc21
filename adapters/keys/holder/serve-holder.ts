import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, type Stats, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { FileError, StateError } from '../../../core/errors.ts';
import type { Runtime, Timer } from '../../../core/ports/runtime.ts';
import type { HeldKey } from './held-key.ts';
import {
  ANSWER_TIMEOUT_MS,
  type HeldState,
  type HolderAnswer,
  type HolderQuestion,
  holderQuestion,
  MAX_CONNECTIONS,
  MAX_QUESTION_BYTES,
} from './holder-protocol.ts';
import { requireShort, type SocketPlace, statPrivateFolder, statPrivateSocket } from './socket-place.ts';

/** How often the holder looks at the clocks, the keystore and its own socket. */
export const LOOK_MS = 1_000;

/** Which keystore the key opens. */
export interface HeldFor {
  readonly account: string;
  readonly keystore: string;
  /** SHA-256 of the file that the key was derived from, hex: of another content it gives nothing. */
  readonly keystoreSha256: string;
}

/** Why a key is held no longer. */
export type EndedBecause = 'asked' | 'time is over' | 'keystore changed' | 'socket gone' | 'signal';

export interface Holder {
  /** Resolves when the key is wiped and nothing listens any more. */
  readonly ended: Promise<EndedBecause>;
  end(because: EndedBecause): void;
}

/**
 * Answers commands of this user on a socket, until the time is over, somebody asks to lock, the keystore is not that file any
 * more, or the socket is not this one any more: who cannot be reached cannot be told to forget.
 * @throws FileError when the place is not this user's alone
 */
export async function serveHolder(
  place: SocketPlace,
  held: HeldKey,
  heldFor: HeldFor,
  parts: { readonly runtime: Runtime; readonly pid: number },
): Promise<Holder> {
  const { runtime, pid } = parts;
  const { promise: ended, resolve } = Promise.withResolvers<EndedBecause>();
  const server = createServer((socket) => answer(socket, runtime, reply));
  server.maxConnections = MAX_CONNECTIONS;
  const mine = await listen(server, place, pid);
  let known = statOrNull(heldFor.keystore);
  let timer: Timer | null = null;
  let over: EndedBecause | null = null;

  const end = (because: EndedBecause): void => {
    held.wipe();
    if (over !== null) return;
    over = because;
    timer?.stop();
    if (isSame(statOrNull(place.socket, lstatSync), mine)) rmSync(place.socket, { force: true });
    server.close(() => resolve(because));
  };

  const look = (): EndedBecause | null => {
    if (over !== null) return over;
    const wrong = whatIsWrong();
    if (wrong !== null) end(wrong);
    return wrong;
  };

  const whatIsWrong = (): EndedBecause | null => {
    if (held.remainingMs() === 0) return 'time is over';
    if (!isSame(statOrNull(place.socket, lstatSync), mine)) return 'socket gone';
    const now = statOrNull(heldFor.keystore);
    if (now === null) return 'keystore changed';
    if (isUnchanged(now, known)) return null;
    // Touched, or copied back: only what it holds counts.
    if (hashOf(heldFor.keystore) !== heldFor.keystoreSha256) return 'keystore changed';
    known = now;
    return null;
  };

  const watch = (): void => {
    if (look() === null) timer = runtime.after(Math.min(LOOK_MS, held.remainingMs()), watch);
  };

  const reply = (question: HolderQuestion): { answer: HolderAnswer; key: Uint8Array | null } => {
    const wrong = look();
    if (wrong !== null) return { answer: { state: 'locked', because: wrong }, key: null };
    if (question.ask === 'lock') {
      const answer = { state: 'locked', because: 'asked' } as const;
      end('asked');
      return { answer, key: null };
    }
    const answer = { state: 'held', ...stateOf() } as const;
    if (question.ask === 'status') return { answer, key: null };
    if (question.keystoreSha256 !== heldFor.keystoreSha256) {
      return { answer: { state: 'refused', because: 'This is the key of another keystore.' }, key: null };
    }
    return { answer, key: held.read() };
  };

  const stateOf = (): HeldState => {
    const remainingMs = Math.floor(held.remainingMs());
    const { account, keystore } = heldFor;
    return { account, keystore, pid, untilMs: runtime.nowMs() + remainingMs, remainingMs };
  };

  watch();
  return { ended, end };
}

/**
 * Listens under a name of its own, and takes the place's name in one step: whoever had it notices, and ends. So no two holders of
 * a keystore last, and what a killed one left behind is in nobody's way.
 */
async function listen(server: Server, place: SocketPlace, pid: number): Promise<Stats> {
  requireShort(place);
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  const folder = statPrivateFolder(place.folder);
  const own = `${place.socket}.${pid}`;
  rmSync(own, { force: true });
  let mine: Stats | null = null;
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.on('error', reject).listen(own, resolve);
    await promise;
    chmodSync(own, 0o600);
    mine = lstatSync(own);
    renameSync(own, place.socket);
    // Who could move the folder away between two looks must have put it back for both: then the socket is not in it.
    const [after, found] = [statPrivateFolder(place.folder), statPrivateSocket(place.socket)];
    if (folder === null || !isSame(after, folder) || !isSame(found, mine)) {
      throw new StateError(`${place.folder} was replaced meanwhile. Try again.`);
    }
    return mine;
  } catch (cause) {
    server.close();
    if (isSame(statOrNull(place.socket, lstatSync), mine)) rmSync(place.socket, { force: true });
    if (cause instanceof FileError || cause instanceof StateError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new FileError(`${place.socket} cannot be listened on (${code ?? 'unknown error'}).`, { cause });
  }
}

/** Reads one line, answers it, and hangs up; a line that is too long, too late or not a question gets no key. */
function answer(
  socket: Socket,
  runtime: Runtime,
  reply: (question: HolderQuestion) => { answer: HolderAnswer; key: Uint8Array | null },
): void {
  let read = '';
  // Counted from the start: who sends a byte now and then gains nothing.
  const late = runtime.after(ANSWER_TIMEOUT_MS, () => socket.destroy());
  const say = (said: HolderAnswer, key: Uint8Array | null = null): void => {
    socket.removeAllListeners('data').resume();
    socket.write(`${JSON.stringify(said)}\n`);
    if (key === null) socket.end();
    else socket.end(key);
  };
  socket.on('error', () => socket.destroy());
  socket.on('close', () => late.stop());
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    read += text;
    const end = read.indexOf('\n');
    if (end > MAX_QUESTION_BYTES || (end < 0 && read.length > MAX_QUESTION_BYTES)) {
      say({ state: 'refused', because: `A question has at most ${MAX_QUESTION_BYTES} bytes.` });
    } else if (end >= 0) {
      const question = parseQuestion(read.slice(0, end));
      if (question === null) return say({ state: 'refused', because: 'This is not a question of this version.' });
      const { answer: said, key } = reply(question);
      say(said, key);
    }
  });
}

function parseQuestion(line: string): HolderQuestion | null {
  try {
    return holderQuestion.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

function statOrNull(path: string, stat: (path: string) => Stats = statSync): Stats | null {
  try {
    return stat(path);
  } catch {
    return null;
  }
}

function isSame(a: Stats | null, b: Stats | null): boolean {
  return a !== null && b !== null && a.ino === b.ino && a.dev === b.dev;
}

function isUnchanged(now: Stats, before: Stats | null): boolean {
  return (
    isSame(now, before) && now.size === before?.size && now.mtimeMs === before.mtimeMs && now.ctimeMs === before.ctimeMs
  );
}

/** Null where it cannot be read; what grew past all bounds is not the file that was opened either. */
function hashOf(path: string): string | null {
  try {
    if (statSync(path).size > 2 ** 20) return null;
    return createHash('sha256').update(readFileSync(path)).digest('hex');
  } catch {
    return null;
  }
}
