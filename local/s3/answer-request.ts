import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { S3Service } from './exchange.ts';
import { handleRequest } from './handle-request.ts';
import { errorXml, S3Error } from './s3-error.ts';
import { SigV4Refused, type SigV4Rules, verifySigV4 } from './verify-sigv4.ts';

const DRAIN_TIMEOUT_MS = 3_000;

/** Verifies one request, runs it and answers it, whatever happens; never rejects. */
export async function answerRequest(
  service: S3Service,
  rules: SigV4Rules,
  log: (line: object) => void,
  incoming: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const requestId = randomBytes(8).toString('hex').toUpperCase();
  const method = incoming.method ?? '';
  const started = performance.now();
  let asked = !expectsContinue;
  const askForBody = () => {
    if (!asked) response.writeContinue();
    asked = true;
  };
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('date', rules.now().toUTCString());
  response.on('error', () => undefined);
  incoming.on('error', () => undefined);
  let failure: unknown = null;
  try {
    const request = verifySigV4(rules, { method, target: incoming.url ?? '', rawHeaders: incoming.rawHeaders });
    await handleRequest(service, { request, incoming, response, requestId, askForBody });
  } catch (error) {
    failure = error;
    await sendError(error, requestId, incoming, response, asked).catch(() => response.destroy());
  }
  log({
    event: 's3-request',
    requestId,
    method,
    path: withoutSignature(incoming.url ?? ''),
    status: response.statusCode,
    ms: Math.round(performance.now() - started),
    ...(failure === null ? {} : isKnown(failure) ? { code: failure.code } : { error: String(failure) }),
  });
}

/** Never the query: it holds signatures. Where a question mark was lost, they follow without one. */
function withoutSignature(target: string): string {
  return target.split(/\?|x-amz-/i, 1)[0]?.slice(0, 2048) ?? '';
}

async function sendError(
  error: unknown,
  requestId: string,
  incoming: IncomingMessage,
  response: ServerResponse,
  asked: boolean,
): Promise<void> {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const known = isKnown(error)
    ? error
    : new S3Error('InternalError', 500, 'We encountered an internal error. Please try again.');
  const path = (incoming.url ?? '').split('?')[0] ?? '';
  const body = Buffer.from(errorXml(known, path, requestId));
  const unread = !incoming.complete;
  response.writeHead(known.status, {
    'content-type': 'application/xml',
    'content-length': body.length,
    ...(unread ? { connection: 'close' } : {}),
  });
  if (incoming.method === 'HEAD') {
    response.end();
    return;
  }
  if (unread && asked) {
    // The whole answer first, then the rest of the body: closing on unread bytes would reset the connection and lose both.
    response.write(body);
    await drain(incoming);
    response.end();
  } else response.end(body);
}

function isKnown(error: unknown): error is S3Error | SigV4Refused {
  return error instanceof S3Error || error instanceof SigV4Refused;
}

async function drain(incoming: IncomingMessage): Promise<void> {
  incoming.resume();
  const ended = Promise.withResolvers<void>();
  const timer = setTimeout(ended.resolve, DRAIN_TIMEOUT_MS);
  incoming.once('close', ended.resolve);
  incoming.once('end', ended.resolve);
  if (incoming.complete || incoming.destroyed) ended.resolve();
  await ended.promise;
  clearTimeout(timer);
}
