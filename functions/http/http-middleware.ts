import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type * as z from 'zod';
import { requestFromGatewayEvent } from '../../adapters/http-signature/gateway-event.ts';
import { parseRequestTarget } from '../../adapters/http-signature/parse-request-target.ts';
import type { Address } from '../../core/ids.ts';
import { PROBLEMS, Problem, problemAnswer, problemOf } from '../answer/problem.ts';
import type { ServicePorts, ServiceSettings } from '../ports.ts';
import type { Admission, Subject } from '../rights/admission.ts';
import type { HttpRow } from '../row.ts';
import { matchPath } from './match-path.ts';
import { parseRequest } from './parse-request.ts';

/** All that an HTTP handler sees of its event, once the middleware is through, beside what it was admitted as. */
export interface Call<Row extends HttpRow, Caller = Address> {
  readonly params: z.output<Row['request']['params']>;
  readonly query: z.output<Row['request']['query']>;
  readonly body: z.output<Row['request']['body']>;
  /** The account that signed the request; null where nobody needs to sign. */
  readonly caller: Caller;
  /** Aborts shortly before the function's time is up. */
  readonly signal: AbortSignal;
}

interface Ports extends Pick<ServicePorts, 'runtime' | 'observer'> {
  readonly settings: () => Pick<ServiceSettings, 'authorities'>;
}

// What is left for answering when the time is nearly up.
const RESERVED_MS = 500;

/**
 * What stands around every HTTP handler: logs and counts, problem documents, the deadline, the signed request, its
 * parsing and the caller's rights, in this order.
 */
export function httpMiddleware<Caller extends Address | null>(
  ports: Ports,
  row: HttpRow,
  admission: Admission<Caller, object>,
): MiddlewareObj[] {
  return [...ports.observer.middleware, answerProblems(ports, row), admitCall(ports, row, admission)];
}

function answerProblems({ observer, runtime }: Ports, row: HttpRow): MiddlewareObj {
  const note = (request: Request, status: number, problem?: Problem) => {
    const startedAtMs = (request.internal as { startedAtMs?: number }).startedAtMs ?? runtime.nowMs();
    const fields = {
      function: row.name,
      status,
      ms: runtime.nowMs() - startedAtMs,
      ...(problem === undefined ? {} : { problem: problem.type, detail: problem.shortMessage }),
    };
    if (status < 500) observer.info('request', fields);
    else observer.error('request', { ...fields, error: request.error });
    observer.count(status < 400 ? 'Answered' : status < 500 ? 'Refused' : 'Failed');
  };
  return {
    before: (request) => {
      (request.internal as { startedAtMs?: number }).startedAtMs = runtime.nowMs();
    },
    after: (request) => note(request, (request.response as { statusCode: number }).statusCode),
    onError: (request) => {
      const problem = problemOf(request.error);
      note(request, PROBLEMS[problem.type].status, problem);
      request.response = problemAnswer(problem);
    },
  };
}

/** Replaces the event by a Call, or throws the Problem that ends the request. */
function admitCall<Caller extends Address | null>(
  ports: Ports,
  row: HttpRow,
  admission: Admission<Caller, object>,
): MiddlewareObj {
  return {
    before: async (request) => {
      const event = request.event as APIGatewayProxyEventV2;
      const leftMs = request.context.getRemainingTimeInMillis?.() ?? row.limits.timeoutMs;
      const signal = ports.runtime.timeout(Math.max(1, Math.min(leftMs, row.limits.timeoutMs) - RESERVED_MS));

      const received = requestFromGatewayEvent(event);
      const target = parseRequestTarget(received.url);
      if (target === null) {
        throw new Problem('/problems/bad-request', "The request's host, path, query or body is malformed.");
      }
      if (!ports.settings().authorities.includes(target.authority.toLowerCase())) {
        throw new Problem('/problems/signature', 'This service does not answer for that host.', {
          reason: 'authority',
        });
      }
      const bodyBytes = received.body?.length ?? 0;
      if (bodyBytes > row.limits.bodyBytes) {
        throw new Problem(
          '/problems/too-large',
          `The body has ${bodyBytes} bytes; at most ${row.limits.bodyBytes} are accepted.`,
        );
      }
      // The signed path, not what a router says it found: an Invoke's event is the caller's own writing.
      const path = matchPath(row.trigger.path, target.path);
      if (path === null || received.method !== row.trigger.method) {
        throw new Problem('/problems/not-found', `This function answers ${row.trigger.method} ${row.trigger.path}.`);
      }
      const caller = await admission.identify(received);
      const parsed = parseRequest(row.request, { path, query: target.query, body: received.body });
      const under =
        row.delivers === undefined ? undefined : (parsed.query as { agreement?: Subject['under'] }).agreement;
      const admitted = await admission.admit({ ...(parsed.params as Subject), under }, caller, signal);
      request.event = { ...admitted, ...parsed, caller, signal } satisfies Call<HttpRow, Caller>;
    },
  };
}
