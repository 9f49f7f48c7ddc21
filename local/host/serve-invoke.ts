import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAnswer } from '../../functions/answer/problem.ts';
import type { Observer } from '../../functions/observe/observer.ts';
import { SigV4Refused } from '../s3/sigv4-claim.ts';
import { type SigV4Rules, verifySigV4 } from '../s3/verify-sigv4.ts';
import { MAX_PAYLOAD_BYTES, sendAnswer } from './host-answer.ts';
import type { LocalFunction } from './invoke-function.ts';
import { readBody } from './read-body.ts';

const PATH = /^\/2015-03-31\/functions\/([^/?]{1,512})\/invocations(?:\?|$)/;

export const isInvokePath = (target: string): boolean => target.startsWith('/2015-03-31/');

/** Lambda's Invoke API for the functions that may be invoked, for AWS credentials of ours alone. */
export function createInvokeServer(
  functions: readonly LocalFunction[],
  rules: SigV4Rules,
  observer: Observer,
): (incoming: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (incoming, response) => {
    sendAnswer(incoming, response, await answerInvoke(functions, rules, observer, incoming));
  };
}

async function answerInvoke(
  functions: readonly LocalFunction[],
  rules: SigV4Rules,
  observer: Observer,
  incoming: IncomingMessage,
): Promise<HttpAnswer> {
  const target = incoming.url ?? '';
  const body = await readBody(incoming, MAX_PAYLOAD_BYTES);
  if (body === null) {
    return lambdaError(413, 'RequestTooLargeException', `A payload has at most ${MAX_PAYLOAD_BYTES} bytes.`);
  }
  try {
    const bodySha256Hex = createHash('sha256').update(body).digest('hex');
    verifySigV4(rules, { method: incoming.method ?? '', target, rawHeaders: incoming.rawHeaders, bodySha256Hex });
  } catch (error) {
    if (!(error instanceof SigV4Refused)) throw error;
    return lambdaError(error.status, `${error.code}Exception`, error.message);
  }
  const name = functionName(PATH.exec(target)?.[1]);
  const found = functions.find(({ row }) => row.invoke && row.name === name);
  if (incoming.method !== 'POST' || found === undefined) {
    return lambdaError(404, 'ResourceNotFoundException', 'There is no such function, or it may not be invoked.');
  }
  const event = readPayload(body);
  if (event === undefined) return lambdaError(400, 'InvalidRequestContentException', 'The payload is not JSON.');
  const type = incoming.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (type === 'DryRun') return invokeAnswer(204, '');
  if (type === 'Event') {
    // Nobody waits for it; Lambda would try again twice, which no caller may count on.
    found.invoke(event).catch((error) => observer.error('function failed', { function: name, error }));
    return invokeAnswer(202, '');
  }
  if (type !== 'RequestResponse') {
    return lambdaError(400, 'InvalidParameterValueException', 'The invocation type is unknown.');
  }
  return runNow(found, event, observer);
}

async function runNow(found: LocalFunction, event: unknown, observer: Observer): Promise<HttpAnswer> {
  const failed = (errorType: string, errorMessage: string) =>
    invokeAnswer(200, JSON.stringify({ errorType, errorMessage }), { 'x-amz-function-error': 'Unhandled' });
  try {
    const payload = JSON.stringify((await found.invoke(event)) ?? null);
    if (Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES) return invokeAnswer(200, payload);
    return failed('Function.ResponseSizeTooLarge', `Response payload size exceeded ${MAX_PAYLOAD_BYTES} bytes.`);
  } catch (error) {
    observer.error('function failed', { function: found.row.name, error });
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    return failed(timedOut ? 'Sandbox.Timedout' : 'Error', timedOut ? 'Task timed out' : 'The function failed.');
  }
}

/** Of a name, a partial or a whole ARN, each possibly with a qualifier. */
function functionName(segment: string | undefined): string | null {
  if (segment === undefined) return null;
  try {
    const name = decodeURIComponent(segment);
    const [, named] =
      /^(?:(?:arn:[^:]*:lambda:[^:]*:)?[^:]*:function:)?([A-Za-z0-9_-]+)(?::[A-Za-z0-9_$-]+)?$/.exec(name) ?? [];
    return named ?? null;
  } catch {
    return null;
  }
}

function readPayload(body: Uint8Array): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function invokeAnswer(statusCode: number, body: string, headers: Record<string, string> = {}): HttpAnswer {
  return {
    statusCode,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': randomUUID(),
      'x-amz-executed-version': '$LATEST',
      ...headers,
    },
    body,
    isBase64Encoded: false,
  };
}

function lambdaError(statusCode: number, errorType: string, message: string): HttpAnswer {
  return invokeAnswer(statusCode, JSON.stringify({ Type: 'User', Message: message, message }), {
    'x-amzn-errortype': errorType,
  });
}
