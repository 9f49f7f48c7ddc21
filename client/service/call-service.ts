import type * as z from 'zod';
import {
  createRequestSigner,
  type RequestSigner,
  type UnsignedRequest,
} from '../../adapters/http-signature/sign-request.ts';
import type { Transport, TransportResponse } from '../../adapters/service/transport.ts';
import { AnswerError, RequestRefusedError, StoreUnavailableError } from '../../core/errors.ts';
import type { AgreementId } from '../../core/ids.ts';
import { inAnswer } from '../../core/parse-outside.ts';
import type { Runtime } from '../../core/ports/runtime.ts';
import { type ProblemDocument, problemDocument } from '../../core/wire/requests.ts';
import { httpRows, type RouteName } from '../../functions/table.ts';
import { createClockOffset } from './clock-offset.ts';

/** The account that signs requests. */
export interface RequestAccount {
  readonly address: string;
  /** EIP-191 signature of a message, 0x-hex. */
  signMessage(message: Uint8Array): Promise<string>;
}

export interface ServiceTarget {
  /** Origin of the service; what is signed as the authority, also when a request travels by Lambda Invoke. */
  readonly apiUrl: string;
  readonly chainId: number;
  readonly account: RequestAccount;
  /** Under which agreement blocks are asked for, by its consumer's signer or its owner's agent. */
  readonly agreement?: AgreementId;
  readonly transport: Transport;
  /** For one request and its answer. */
  readonly timeoutMs?: number;
  readonly runtime: Pick<Runtime, 'nowMs' | 'monotonicMs' | 'timeout'>;
}

const DEFAULT_TIMEOUT_MS = 35_000;
const CLOCK_PROBLEM = '/problems/clock';
const UNAUTHORISED = 401;

type Parameters = Readonly<Record<string, string | number>>;
interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Functions of the table that answer with JSON. */
type JsonRoute = {
  [Name in RouteName]: (typeof httpRows)[Name]['response'] extends { json: z.ZodType } ? Name : never;
}[RouteName];
type JsonAnswer<Name extends JsonRoute> = z.output<(typeof httpRows)[Name]['response']['json']>;

/** The service's functions by their rows in the table: routes, schemas and who may be invoked come from there alone. */
export interface ServiceCaller {
  /** Who answers, by its address, for errors. */
  readonly service: string;
  /** @throws RequestRefusedError, AnswerError, StoreUnavailableError */
  call(route: RouteName, parameters: Parameters, options?: CallOptions): Promise<TransportResponse>;
  /** The same, its answer parsed by the row's schema. */
  callJson<Name extends JsonRoute>(
    route: Name,
    parameters: Parameters,
    options?: CallOptions,
  ): Promise<JsonAnswer<Name>>;
}

/**
 * Calls the service over signed HTTP or Lambda Invoke. When the service refuses the caller's clock it says its own time;
 * the request is then signed again with that offset, once. The offset lasts as long as this machine's clock goes on evenly.
 */
export function createServiceCaller(target: ServiceTarget): ServiceCaller {
  const { runtime, transport, timeoutMs = DEFAULT_TIMEOUT_MS } = target;
  const service = `The service at ${new URL(target.apiUrl).origin}`;
  const offset = createClockOffset(runtime);
  const signer: RequestSigner = createRequestSigner(
    (message) => target.account.signMessage(message),
    { address: target.account.address, chainId: target.chainId },
    { clockOffsetMs: offset.ms },
  );

  async function call(route: RouteName, parameters: Parameters, options: CallOptions = {}): Promise<TransportResponse> {
    const unsigned = requestFor(target.apiUrl, route, parameters, options);
    const timeout = runtime.timeout(timeoutMs);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
    try {
      const send = async () =>
        transport(httpRows[route], await signer.signRequest(unsigned, { nowMs: runtime.nowMs() }), signal);
      const offsetMs = offset.ms();
      let response = await send();
      const problem = problemOf(response);
      if (problem?.type.endsWith(CLOCK_PROBLEM) === true && problem.serverTimeMs !== undefined) {
        offset.learn(problem.serverTimeMs);
        response = await send();
      } else if (response.status === UNAUTHORISED && offsetMs !== 0) {
        // A time far off may make a signature that is refused for its form.
        offset.drop();
        response = await send();
      }
      return requireSuccess(service, route, response);
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (timeout.aborted)
        throw new StoreUnavailableError(`${service} did not answer ${route} within ${timeoutMs} ms.`, { cause });
      throw cause;
    }
  }

  return {
    service,
    call,
    async callJson(route, parameters, options) {
      const { body } = await call(route, parameters, options);
      const schema: z.ZodType = httpRows[route].response.json;
      return inAnswer(service, () => schema.parse(JSON.parse(new TextDecoder().decode(body)))) as JsonAnswer<
        typeof route
      >;
    },
  };
}

function requestFor(apiUrl: string, route: RouteName, parameters: Parameters, options: CallOptions): UnsignedRequest {
  const { method, path } = httpRows[route].trigger;
  const url = new URL(fillPath(path, parameters), apiUrl);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const request = { method, url: url.href };
  if (options.body === undefined) return request;
  return {
    ...request,
    headers: { 'content-type': 'application/json' },
    body: new TextEncoder().encode(JSON.stringify(options.body)),
  };
}

/** A route's path with its parameters filled in. They are hex or decimal, so nothing needs escaping. */
function fillPath(path: string, parameters: Parameters): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name]));
}

/** Only a problem document, or JSON of what stands before the functions, is the service's own refusal; a proxy answers pages. */
function requireSuccess(service: string, route: RouteName, response: TransportResponse): TransportResponse {
  if (isPage(response)) {
    throw new AnswerError(
      `${service} answers ${route} with a web page (status ${response.status}), not with its API. Check the address.`,
      { details: { status: response.status } },
    );
  }
  if (response.status === 200 || response.status === 202) return response;
  const problem = problemOf(response);
  if (response.status >= 400 && response.status < 500 && response.status !== 429) {
    const said = problem?.detail ?? problem?.title ?? 'no reason given';
    throw new RequestRefusedError(`${service} refuses ${route} (${response.status}): ${said}`, {
      type: problem?.type ?? 'about:blank',
      status: response.status,
    });
  }
  throw new StoreUnavailableError(`${service} answers ${route} with ${response.status}. Try again later.`, {
    details: { status: response.status },
  });
}

function isPage({ status, headers, body }: TransportResponse): boolean {
  if (status >= 500 || status === 429) return false;
  if (status >= 300 && status < 400) return true;
  if (/^text\/html\b/i.test(headers['content-type'] ?? '')) return true;
  return status >= 400 && body.length > 0 && !/^\s*\{/.test(new TextDecoder().decode(body.subarray(0, 100)));
}

function problemOf(response: TransportResponse): ProblemDocument | null {
  if (response.status < 400) return null;
  try {
    return problemDocument.parse(JSON.parse(new TextDecoder().decode(response.body)));
  } catch {
    return null;
  }
}
