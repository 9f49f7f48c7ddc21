import { PlumblineError } from '../../core/errors.ts';
import type { Failure, FromWorker, Place, Question, ToWorker } from '../engine/questions.ts';
import type { Answering } from './answering.ts';
import { type Connection, openConnection } from './connection.ts';
import { type KnownReader, NOBODY } from './known-reader.ts';
import type { Later } from './later.ts';
import { readOverview } from './read-overview.ts';
import { sayPlainly } from './say-plainly.ts';

/*
 * The worker of the console: core, client and the reader's keys, away from the page, so that neither a password's scrypt nor a
 * million hashes stop it. Keys come in as the texts of files and never go out. What the list of datasets needs is here; the
 * rest is loaded once that list is shown, or at the first question for it.
 */

let connection: Connection | null = null;
let known: KnownReader = NOBODY;
let later: Promise<Later> | null = null;

const answering: Answering = {
  async connect({ origin, placeText, rpcUrl }) {
    connection = openConnection(origin, placeText, rpcUrl);
    later = null;
    return placeOf(connection);
  },
  async signIn({ files, password }) {
    known = await (await loadLater()).signIn(files, password);
    return known.reader;
  },
  async signOut() {
    (await loadLater()).signOut();
    known = NOBODY;
    return known.reader;
  },
  async overview(_, tell, signal) {
    const overview = await readOverview(connected(), known, tell, signal);
    // Once it is answered: the list comes first.
    setTimeout(() => void loadLater().catch(() => {}));
    return overview;
  },
  standings: async (...asked) => (await loadLater()).standings(...asked),
  verify: async (...asked) => (await loadLater()).verify(...asked),
  block: async (...asked) => (await loadLater()).block(...asked),
  evidence: async (...asked) => (await loadLater()).evidence(...asked),
  contents: async (...asked) => (await loadLater()).contents(...asked),
  file: async (...asked) => (await loadLater()).file(...asked),
  rounds: async (...asked) => (await loadLater()).rounds(...asked),
  agreements: async (...asked) => (await loadLater()).agreements(...asked),
};

/** Once for a connection; what could not be loaded is tried again. */
function loadLater(): Promise<Later> {
  const to = connected();
  const loading = later ?? import('./later.ts').then(({ openLater }) => openLater(to));
  later = loading;
  loading.catch(() => {
    if (later === loading) later = null;
  });
  return loading;
}

const running = new Map<number, AbortController>();

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.question === 'abort') running.get(data.id)?.abort();
  else void answer(data.id, data.question, data.ask);
});

async function answer(id: number, question: Question, ask: unknown): Promise<void> {
  const ended = new AbortController();
  running.set(id, ended);
  const send = (message: FromWorker): void => self.postMessage(message);
  try {
    const run = answering[question] as (ask: unknown, tell: (told: unknown) => void, signal: AbortSignal) => unknown;
    send({ id, answer: await run(ask, (told) => send({ id, told }), ended.signal) });
  } catch (cause) {
    send({ id, failure: failureOf(cause) });
  } finally {
    running.delete(id);
  }
}

function connected(): Connection {
  if (connection === null) throw new Error('The console is not connected yet.');
  return connection;
}

function placeOf({ file, rpcUrl, origin }: Connection): Place {
  const { host, origin: chainOrigin } = new URL(rpcUrl);
  return {
    ...{ chainId: file.chainId, dissc: file.dissc, chainHost: host, isThroughServer: chainOrigin === origin },
    hasAgreements: file.ocasc !== null,
  };
}

function failureOf(cause: unknown): Failure {
  // It may hold what a server or a file said.
  if (cause instanceof PlumblineError) return { name: cause.name, message: sayPlainly(cause.shortMessage) };
  if (cause instanceof DOMException) return { name: cause.name, message: cause.message };
  if (cause instanceof TypeError && /fetch|dynamically imported/i.test(cause.message)) {
    return {
      name: 'StoreUnavailableError',
      message: 'The server that this page is from does not answer. Is it running?',
    };
  }
  return { name: 'Error', message: `This page failed: ${cause instanceof Error ? cause.message : String(cause)}` };
}
