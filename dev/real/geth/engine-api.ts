import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { LedgerUnavailableError } from '../../../core/errors.ts';

/** The engine API of one node: how a beacon chain tells it what to build and what to follow. */
export interface EngineApi {
  /** @throws LedgerUnavailableError when the node does not answer in time, or answers an error */
  call(method: string, parameters: readonly unknown[]): Promise<unknown>;
}

const TIMEOUT_MS = 8_000;

const answer = z.looseObject({
  result: z.unknown().optional(),
  error: z.looseObject({ code: z.number(), message: z.string() }).optional(),
});

export function createEngineApi(url: string, secret: Uint8Array): EngineApi {
  return {
    async call(method, parameters) {
      const failed = (why: string, cause?: unknown) =>
        new LedgerUnavailableError(`${method} at ${new URL(url).host}: ${why}`, { cause });
      let text: string;
      try {
        const response = await fetch(url, {
          method: 'POST',
          // A token is good for a minute: each call has its own.
          headers: { 'content-type': 'application/json', authorization: `Bearer ${signToken(secret)}` },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: parameters }),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        text = await response.text();
      } catch (cause) {
        throw failed('the node does not answer.', cause);
      }
      let parsed: z.infer<typeof answer>;
      try {
        parsed = answer.parse(JSON.parse(text));
      } catch (cause) {
        throw failed('the answer is not JSON-RPC.', cause);
      }
      if (parsed.error !== undefined) throw failed(`${parsed.error.message} (code ${parsed.error.code}).`);
      return parsed.result;
    },
  };
}

/** A JSON web token, HS256, that says when it was made. */
function signToken(secret: Uint8Array): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat: Math.floor(Date.now() / 1000) })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
