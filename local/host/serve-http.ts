import type { IncomingMessage, ServerResponse } from 'node:http';
import { gatewayEventFromRequest } from '../../adapters/http-signature/gateway-event.ts';
import { ArgumentError } from '../../core/errors.ts';
import { type HttpAnswer, problemAnswer, problemOf } from '../../functions/answer/problem.ts';
import { matchPath } from '../../functions/http/match-path.ts';
import type { Observer } from '../../functions/observe/observer.ts';
import { checkHandlerAnswer, refusal, sendAnswer } from './host-answer.ts';
import type { LocalFunction } from './invoke-function.ts';
import { readBody } from './read-body.ts';

const MAX_TARGET_CHARS = 8_000;

/** Serves the functions with a route as API Gateway would: one event a request, byte for byte what was sent. */
export function createHttpServer(
  functions: readonly LocalFunction[],
  observer: Observer,
): (incoming: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (incoming, response) => {
    // Who has gone away waits for no turn.
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    sendAnswer(incoming, response, await answerRequest(functions, observer, incoming, gone.signal));
  };
}

async function answerRequest(
  functions: readonly LocalFunction[],
  observer: Observer,
  incoming: IncomingMessage,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const target = incoming.url ?? '';
  const method = incoming.method ?? '';
  if (target.length > MAX_TARGET_CHARS) {
    return refusal(
      '/problems/uri-too-long',
      `Path and query have ${target.length} characters; at most ${MAX_TARGET_CHARS} are allowed.`,
    );
  }
  const path = target.split('?', 1)[0] as string;
  const routed = functions.filter(
    ({ row }) => row.trigger.kind === 'http' && matchPath(row.trigger.path, path) !== null,
  );
  if (routed.length === 0) return refusal('/problems/not-found', 'This path does not exist.');
  const found = routed.find(({ row }) => methodOf(row) === method);
  if (found === undefined) {
    const allowed = [...new Set(routed.map(({ row }) => methodOf(row)))].join(', ');
    return refusal('/problems/method-not-allowed', `This path allows only ${allowed}.`, { allow: allowed });
  }
  const body = await readBody(incoming, found.row.limits.bodyBytes);
  if (body === null) {
    return refusal('/problems/too-large', `The body may have at most ${found.row.limits.bodyBytes} bytes.`);
  }
  try {
    const url = `http://${incoming.headers.host ?? ''}${target}`;
    const event = gatewayEventFromRequest({ method, url, headers: headersOf(incoming), body });
    return checkHandlerAnswer(await found.invoke(event, signal));
  } catch (error) {
    if (error instanceof ArgumentError) return refusal('/problems/bad-request', error.shortMessage);
    if (!signal.aborted) observer.error('function failed', { function: found.row.name, error });
    return problemAnswer(problemOf(error));
  }
}

function methodOf(row: LocalFunction['row']): string {
  return row.trigger.kind === 'http' ? row.trigger.method : '';
}

/** Repeated headers joined by commas, as API Gateway does; node:http would drop some of them. */
function headersOf(incoming: IncomingMessage): Record<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    const name = (incoming.rawHeaders[i] as string).toLowerCase();
    const value = incoming.rawHeaders[i + 1] as string;
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(headers);
}
