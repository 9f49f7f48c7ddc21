import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { type HttpAnswer, Problem, type ProblemType, problemAnswer } from '../../functions/answer/problem.ts';

/** Lambda lets nothing larger out. */
export const MAX_PAYLOAD_BYTES = 6 * 2 ** 20;
const LINGER_MS = 2_000;

const handlerAnswer = z.object({
  statusCode: z.int().min(200).max(599),
  headers: z.record(z.string(), z.string()),
  body: z.string().max(MAX_PAYLOAD_BYTES, 'is larger than Lambda lets out'),
  isBase64Encoded: z.boolean(),
});

/** What a handler answered, if it is something that API Gateway would pass on. @throws ZodError */
export function checkHandlerAnswer(value: unknown): HttpAnswer {
  return handlerAnswer.parse(value);
}

export function refusal(type: ProblemType, detail: string, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  const answer = problemAnswer(new Problem(type, detail));
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** Sends an answer. A body that was not read is let in for a moment, or the reset would swallow the answer; then cut off. */
export function sendAnswer(incoming: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(answer.body, answer.isBase64Encoded ? 'base64' : 'utf8');
  const unread = !incoming.complete;
  response.writeHead(answer.statusCode, {
    ...answer.headers,
    'content-length': body.length,
    ...(unread ? { connection: 'close' } : {}),
  });
  response.end(incoming.method === 'HEAD' ? undefined : body);
  if (!unread) return;
  incoming.resume();
  const timer = setTimeout(() => incoming.destroy(), LINGER_MS);
  incoming.once('close', () => clearTimeout(timer));
}
