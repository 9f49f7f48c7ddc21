import type { ServerResponse } from 'node:http';
import { refusal } from '../host/host-answer.ts';

export interface PassedRequest {
  /** For errors. */
  readonly what: string;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly maxAnswerBytes: number;
  readonly timeoutMs: number;
  /** Headers of the answer that go back. */
  readonly answerHeaders: readonly string[];
}

/**
 * Asks a part in the page's place and gives back what it says, piece by piece. A part that does not answer is a 503; an answer
 * that ends early, or is too long, ends the connection, so that nobody takes it for whole.
 */
export async function passThrough(request: PassedRequest, response: ServerResponse): Promise<void> {
  const { what, url, method, headers, body, maxAnswerBytes, timeoutMs, answerHeaders } = request;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const answer = await fetch(url, {
      ...{ method, headers: { ...headers }, body, redirect: 'error' },
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(timeoutMs)]),
    });
    const kept = answerHeaders.flatMap((name) => {
      const value = answer.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    });
    response.writeHead(answer.status, {
      ...Object.fromEntries(kept),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    let sizeBytes = 0;
    for await (const part of answer.body ?? []) {
      sizeBytes += part.length;
      if (sizeBytes > maxAnswerBytes) throw new Error(`${what} answered with more than ${maxAnswerBytes} bytes.`);
      if (!response.write(part)) await drained(response);
    }
    response.end();
  } catch {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { statusCode, headers: said, body: text } = refusal('/problems/unavailable', `${what} did not answer.`);
    response.writeHead(statusCode, { ...said, connection: 'close' }).end(text);
  }
}

function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  response.once('drain', resolve);
  response.once('close', () => reject(new Error('The client has gone away.')));
  return promise;
}
