import type { IncomingMessage, ServerResponse } from 'node:http';
import { nodeAddress } from '../../adapters/ethereum/node-address.ts';
import { MAX_SEGMENT_BYTES } from '../../core/limits.ts';
import type { ObjectStore } from '../../core/ports/object-store.ts';
import type { ConsoleFile } from '../../core/wire/console-file.ts';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import { createGate, type Gate } from '../host/gate.ts';
import { refusal, sendAnswer } from '../host/host-answer.ts';
import { readBody } from '../host/read-body.ts';
import { refuseChainQuestion } from './check-chain-question.ts';
import { readConsoleFiles } from './console-files.ts';
import { passThrough } from './pass-through.ts';

export interface ConsoleSiteOptions {
  /** What the page is told of this place. */
  readonly place: Omit<ConsoleFile, 'v' | 'apiUrl' | 'passesOn' | 'rpcUrl' | 'bucketOrigin'>;
  /** The node that the page's questions go to, where its reader names no other. */
  readonly rpcUrl: string;
  /** Says where presigned addresses lead: nothing else of the bucket is reached. */
  readonly objects: Pick<ObjectStore, 'presignGet'>;
}

/** The console, as part of a host's HTTP. */
export interface ConsoleSite {
  /** Whether a request is for it. */
  takes(target: string): boolean;
  serve(incoming: IncomingMessage, response: ServerResponse): Promise<void>;
}

const ROOT = '/console/';
const CHAIN = 'chain';
const BUCKET = 'bucket/';
const PLACE = 'place.json';

/** As much as the local chain takes: the heads of ten thousand datasets are asked for in 700 KiB. */
const MAX_QUESTION_BYTES = 2 * 2 ** 20;
const MAX_CHAIN_ANSWER_BYTES = 32 * 2 ** 20;
const CHAIN_TIMEOUT_MS = 30_000;
const BUCKET_TIMEOUT_MS = 120_000;

/**
 * Serves the console's files, and the two ways that its page needs beside the service: to the chain, for questions about the
 * three contracts alone, and to presigned objects of the bucket. So the page asks nobody but its own origin.
 */
export function openConsoleSite({ place, rpcUrl, objects }: ConsoleSiteOptions): ConsoleSite {
  const files = readConsoleFiles();
  const contracts = [place.dissc, place.ocasc, place.asc].flatMap((one) => one?.toLowerCase() ?? []);
  const gates: Readonly<Record<'chain' | 'bucket', Gate>> = {
    chain: createGate({ atOnce: 8, mostWaiting: 128, mostWaitMs: 20_000 }),
    bucket: createGate({ atOnce: 8, mostWaiting: 128, mostWaitMs: 20_000 }),
  };
  let origin: Promise<string> | null = null;
  const bucketOrigin = (): Promise<string> => {
    origin ??= objects.presignGet('console', 60).then(({ url }) => new URL(url).origin);
    return origin;
  };

  const tellPlace = async (): Promise<HttpAnswer> => {
    const told: ConsoleFile = {
      v: 1,
      ...place,
      ...{ apiUrl: null, passesOn: true, rpcUrl: null, bucketOrigin: await bucketOrigin() },
    };
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: JSON.stringify(told),
      isBase64Encoded: false,
    };
  };

  const askChain = async (incoming: IncomingMessage, response: ServerResponse): Promise<HttpAnswer | null> => {
    // A page of another origin cannot send this type without asking first, and is not answered then.
    if (!/^application\/json\b/i.test(incoming.headers['content-type'] ?? '')) {
      return refusal('/problems/bad-request', 'Send JSON-RPC as application/json.');
    }
    const body = await readBody(incoming, MAX_QUESTION_BYTES);
    if (body === null) return refusal('/problems/too-large', `A request may have at most ${MAX_QUESTION_BYTES} bytes.`);
    const text = Buffer.from(body).toString('utf8');
    const refused = refuseChainQuestion(text, contracts);
    if (refused !== null) return refusal('/problems/forbidden', refused);
    const { url, authorization } = nodeAddress(rpcUrl);
    const headers = {
      'content-type': 'application/json',
      ...(authorization === null ? {} : { authorization }),
    };
    await passThrough(
      {
        ...{ what: 'The chain node', url: url.href, method: 'POST', headers, body: text },
        ...{ maxAnswerBytes: MAX_CHAIN_ANSWER_BYTES, timeoutMs: CHAIN_TIMEOUT_MS },
        answerHeaders: ['content-type', 'retry-after'],
      },
      response,
    );
    return null;
  };

  const fetchObject = async (
    behind: string,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<HttpAnswer | null> => {
    const wanted = new URL(`/${behind}`, await bucketOrigin());
    if (wanted.origin !== (await bucketOrigin()) || !wanted.searchParams.has('X-Amz-Signature')) {
      return refusal('/problems/forbidden', "Only the bucket's presigned addresses are allowed.");
    }
    const { range } = incoming.headers;
    await passThrough(
      {
        ...{ what: 'The bucket', url: wanted.href, method: 'GET', body: null },
        headers: range === undefined ? {} : { range },
        ...{ maxAnswerBytes: MAX_SEGMENT_BYTES, timeoutMs: BUCKET_TIMEOUT_MS },
        answerHeaders: ['content-type', 'content-length', 'content-range', 'etag'],
      },
      response,
    );
    return null;
  };

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<HttpAnswer | null> => {
    const { method, url: target = '' } = incoming;
    const path = pathOf(target);
    const isChain = path === ROOT + CHAIN;
    if (method !== (isChain ? 'POST' : 'GET')) {
      const allow = isChain ? 'POST' : 'GET';
      return refusal('/problems/method-not-allowed', `This path allows only ${allow}.`, { allow });
    }
    if (isChain) return gates.chain.pass(() => askChain(incoming, response));
    if (!path.startsWith(ROOT)) return redirect(target);
    const name = path.slice(ROOT.length);
    if (name === PLACE) return tellPlace();
    if (name.startsWith(BUCKET)) {
      const behind = target.slice(ROOT.length + BUCKET.length);
      return gates.bucket.pass(() => fetchObject(behind, incoming, response));
    }
    return files.answer(name, target) ?? refusal('/problems/not-found', 'The console does not have this file.');
  };

  return {
    takes: (target) => pathOf(target) === '/' || pathOf(target) === '/console' || target.startsWith(ROOT),
    async serve(incoming, response) {
      const answered = await answer(incoming, response);
      if (answered !== null) sendAnswer(incoming, response, answered);
    },
  };
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] as string;
}

/** `/` and `/console` lead to the page, with what they were asked with. */
function redirect(target: string): HttpAnswer {
  const query = target.includes('?') ? target.slice(target.indexOf('?')) : '';
  return {
    statusCode: 302,
    headers: { location: `${ROOT}${query}`, 'cache-control': 'no-store' },
    body: '',
    isBase64Encoded: false,
  };
}
