import { createHash } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { readBody } from '../host/read-body.ts';
import { SigV4Refused } from '../s3/sigv4-claim.ts';
import { type SigV4Rules, verifySigV4 } from '../s3/verify-sigv4.ts';

/** dynalite's own bound. */
const MAX_BODY_BYTES = 16 * 2 ** 20;

/**
 * Puts a door before a server that checks no credentials: what is not signed with ours (AWS Signature Version 4) for this very
 * Host, or comes from a page, never reaches it.
 * @returns what ends when nothing is under way behind the door: a request goes on there although its caller has gone, and throws where
 *   nobody catches it when the store is closed meanwhile
 */
export function guardTable(server: Server, rulesOf: () => SigV4Rules): () => Promise<unknown> {
  const underWay = new Set<Promise<void>>();
  const inside = server.listeners('request') as ((incoming: unknown, response: ServerResponse) => void)[];
  server.removeAllListeners('request');
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    incoming.on('error', () => undefined);
    response.on('error', () => undefined);
    const handled = admit(incoming, rulesOf())
      .then(
        (body) => {
          const { method, url, headers } = incoming;
          const again = Object.assign(Readable.from([body], { objectMode: false }), { method, url, headers });
          const answered = whenAnswered(response);
          for (const listener of inside) listener(again, response);
          return answered;
        },
        (error: unknown) => refuse(incoming, response, error),
      )
      .finally(() => void underWay.delete(handled));
    underWay.add(handled);
  });
  return async () => {
    while (underWay.size > 0) await Promise.all(underWay);
  };
}

/** That there is an answer, whether somebody is still there to take it or not: only `end` tells. */
function whenAnswered(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = response.end.bind(response) as (...given: unknown[]) => ServerResponse;
    response.end = (...given: unknown[]) => {
      resolve();
      return end(...given);
    };
  });
}

/** The body of a request that is signed as it must be. */
async function admit(incoming: IncomingMessage, rules: SigV4Rules): Promise<Uint8Array> {
  const { method = '', url: target = '', rawHeaders } = incoming;
  const body = await readBody(incoming, MAX_BODY_BYTES);
  if (body === null) throw new SigV4Refused('RequestTooLarge', 413, `A request has at most ${MAX_BODY_BYTES} bytes.`);
  const bodySha256Hex = createHash('sha256').update(body).digest('hex');
  verifySigV4(rules, { method, target, rawHeaders, bodySha256Hex });
  return body;
}

function refuse(incoming: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const [status, code] = error instanceof SigV4Refused ? [error.status, error.code] : [400, 'InvalidRequest'];
  const body = JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message: 'The request is refused.' });
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', connection: 'close' });
  response.end(body, () => incoming.destroy());
}
