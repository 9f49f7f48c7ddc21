import { PlumblineError } from '../../core/errors.ts';
import type { Failure, FromWorker, Place, Question, Questions, ToWorker } from '../engine/questions.ts';
import { makeFileEvidence } from './make-file-evidence.ts';
import { type Engine, openEngine } from './open-engine.ts';
import { readAgreements } from './read-agreements.ts';
import { readBlock } from './read-block.ts';
import { readContents, readFileOf } from './read-contents.ts';
import { readOverview, readStandingsOf } from './read-overview.ts';
import { readRounds } from './read-rounds.ts';
import { keysOfNobody, openReaderKeys, type ReaderKeys } from './reader-keys.ts';
import { verifyBlocks } from './verify-blocks.ts';

/*
 * The worker of the console: core, client and the reader's keys, away from the page, so that neither a password's scrypt nor a
 * million hashes stop it. Keys come in as the texts of files and never go out.
 */

type Answering = {
  readonly [Name in Question]: (
    ask: Questions[Name]['ask'],
    tell: (told: Questions[Name]['told']) => void,
    signal: AbortSignal,
  ) => Promise<Questions[Name]['answer']>;
};

let engine: Engine | null = null;
let keys: ReaderKeys = keysOfNobody();

const answering: Answering = {
  async connect({ origin, rpcUrl }) {
    engine = await openEngine(origin, rpcUrl);
    return placeOf(engine);
  },
  async signIn({ files, password }) {
    keys = await openReaderKeys(files, password, connected().ledger.domain);
    return keys.reader;
  },
  async signOut() {
    keys = keysOfNobody();
    return keys.reader;
  },
  overview: (_, __, signal) => readOverview(connected(), keys, signal),
  standings: ({ datasets }, _, signal) => readStandingsOf(connected(), keys, datasets, signal),
  verify: (ask, tell, signal) => verifyBlocks(connected(), keys, ask, tell, signal),
  block: (ask, _, signal) => readBlock(connected(), keys, ask, signal),
  evidence: (ask, tell, signal) => makeFileEvidence(connected(), keys, ask, tell, signal),
  contents: (ask, tell, signal) => readContents(connected(), keys, ask, tell, signal),
  file: (ask, tell, signal) => readFileOf(connected(), keys, ask, tell, signal),
  rounds: (_, __, signal) => readRounds(connected(), keys, signal),
  agreements: (_, __, signal) => readAgreements(connected(), keys, signal),
};

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

function connected(): Engine {
  if (engine === null) throw new Error('The console is not connected yet.');
  return engine;
}

function placeOf({ file, rpcUrl, origin }: Engine): Place {
  const { host, origin: chainOrigin } = new URL(rpcUrl);
  return {
    ...{ chainId: file.chainId, dissc: file.dissc, chainHost: host, isThroughServer: chainOrigin === origin },
    hasAgreements: file.ocasc !== null,
  };
}

function failureOf(cause: unknown): Failure {
  if (cause instanceof PlumblineError) return { name: cause.name, message: cause.shortMessage };
  if (cause instanceof DOMException) return { name: cause.name, message: cause.message };
  if (cause instanceof TypeError && /fetch/i.test(cause.message)) {
    return {
      name: 'StoreUnavailableError',
      message: 'The server that this page is from does not answer. Is it running?',
    };
  }
  return { name: 'Error', message: `This page failed: ${cause instanceof Error ? cause.message : String(cause)}` };
}
