import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { PlumblineError, StoreUnavailableError } from '../../core/errors.ts';
import { inAnswer } from '../../core/parse-outside.ts';
import { gatewayEventFromRequest } from '../http-signature/gateway-event.ts';
import { httpTransport } from './http-transport.ts';
import { MAX_RESPONSE_BYTES, type Transport } from './transport.ts';

export interface LambdaTarget {
  readonly region: string;
  /** A local endpoint instead of AWS. */
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** What stands before the function's name in this deployment. */
  readonly functionPrefix?: string;
}

const proxyResult = z.object({
  statusCode: z.int().min(100).max(599),
  headers: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  body: z.string().optional(),
  isBase64Encoded: z.boolean().optional(),
});

/**
 * Sends the same signed requests by Lambda Invoke, where the function takes it; the others go over HTTP. The invocation carries them whole: AWS credentials allow the call,
 * the Ethereum signature alone authorises it.
 */
export function createLambdaTransport(target: LambdaTarget): Transport {
  const client = new LambdaClient({
    region: target.region,
    maxAttempts: 3,
    ...(target.endpoint === undefined ? {} : { endpoint: target.endpoint }),
    ...(target.credentials === undefined ? {} : { credentials: target.credentials }),
  });
  return async (called, request, signal) => {
    if (!called.invoke) return httpTransport(called, request, signal);
    try {
      const payload = new TextEncoder().encode(JSON.stringify(gatewayEventFromRequest(request)));
      const command = new InvokeCommand({
        FunctionName: `${target.functionPrefix ?? ''}${called.name}`,
        Payload: payload,
      });
      const answer = await client.send(command, { abortSignal: signal });
      if (
        answer.FunctionError !== undefined ||
        answer.Payload === undefined ||
        answer.Payload.length > MAX_RESPONSE_BYTES
      ) {
        throw new StoreUnavailableError(
          `The function ${called.name} failed: ${answer.FunctionError ?? 'no usable answer'}.`,
        );
      }
      const payloadText = new TextDecoder().decode(answer.Payload);
      const result = inAnswer(`The function ${called.name}`, () => proxyResult.parse(JSON.parse(payloadText)));
      const headers = Object.entries(result.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
      const body = Buffer.from(result.body ?? '', result.isBase64Encoded === true ? 'base64' : 'utf8');
      return { status: result.statusCode, headers: Object.fromEntries(headers), body: new Uint8Array(body) };
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof PlumblineError) throw cause;
      throw new StoreUnavailableError(`The function ${called.name} does not answer.`, { cause });
    }
  };
}
