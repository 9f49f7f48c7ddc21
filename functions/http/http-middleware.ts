import type { MiddlewareObj, Request } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type { z } from 'zod';
import { requestFromGatewayEvent } from '../../adapters/http-signature/gateway-event.ts';
import { parseRequestTarget } from '../../adapters/http-signature/parse-request-target.ts';
import type { Address, AgreementId } from '../../core/ids.ts';
import type { Agreement } from '../../core/ports/agreements.ts';
import type { Parties } from '../../core/ports/ledger.ts';
import type { ServicePorts } from '../ports.ts';
import type { Access } from '../rights/access.ts';
import { createAuthoriser, type Subject } from '../rights/authorise.ts';
import type { HttpRow } from '../table.ts';
import { matchPath } from './match-path.ts';
import { parseRequest } from './parse-request.ts';
import { PROBLEMS, Problem, problemAnswer, problemOf } from './problem.ts';
import { createCallerVerifier } from './verify-caller.ts';

/** All that an HTTP handler sees of its event, once the middleware is through. */
export interface Call<Row extends HttpRow> {
  readonly params: z.output<Row['request']['params']>;
  readonly query: z.output<Row['request']['query']>;
  readonly body: z.output<Row['request']['body']>;
  /** The account that signed the request; null where nobody needs to sign. */
  readonly caller: Address | null;
  /** Of the dataset in the path, by the chain; null where anyone may call, and of agreements. */
  readonly parties: Parties | null;
  /** The accepted agreement in the path, by the final chain; null where there is none. */
  readonly agreement: Agreement | null;
  /** What the agreement in the query lets the caller have; null without one: the owner and the device may have all. */
  readonly access: Access | null;
  /** Aborts shortly before the function's time is up. */
  readonly signal: AbortSignal;
}

// What is left for answering when the time is nearly up.
const RESERVED_MS = 500;

/**
 * What stands around every HTTP handler: logs and counts, problem documents, the deadline, the signed request, its
 * parsing and the caller's rights, in this order.
 */
export function httpMiddleware(ports: ServicePorts, row: HttpRow): MiddlewareObj[] {
  return [...ports.observer.middleware, answerProblems(ports, row), admitCall(ports, row)];
}

function answerProblems({ observer, nowMs }: ServicePorts, row: HttpRow): MiddlewareObj {
  const note = (request: Request, status: number, problem?: Problem) => {
    const startedAtMs = (request.internal as { startedAtMs?: number }).startedAtMs ?? nowMs();
    const fields = {
      function: row.name,
      status,
      ms: nowMs() - startedAtMs,
      ...(problem === undefined ? {} : { problem: problem.type, detail: problem.shortMessage }),
    };
    if (status < 500) observer.info('request', fields);
    else observer.error('request', { ...fields, error: request.error });
    observer.count(status < 400 ? 'Answered' : status < 500 ? 'Refused' : 'Failed');
  };
  return {
    before: (request) => {
      (request.internal as { startedAtMs?: number }).startedAtMs = nowMs();
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
function admitCall(ports: ServicePorts, row: HttpRow): MiddlewareObj {
  const verifyCaller = createCallerVerifier(ports, row.limits.bodyBytes);
  const authorise = createAuthoriser(ports, row);
  return {
    before: async (request) => {
      const event = request.event as APIGatewayProxyEventV2;
      const leftMs = request.context.getRemainingTimeInMillis?.() ?? row.limits.timeoutMs;
      const signal = AbortSignal.timeout(Math.max(1, Math.min(leftMs, row.limits.timeoutMs) - RESERVED_MS));

      const received = requestFromGatewayEvent(event);
      const target = parseRequestTarget(received.url);
      if (target === null) {
        throw new Problem('/problems/bad-request', 'Host, path, query or body of the request are malformed.');
      }
      if (!ports.settings().authorities.includes(target.authority.toLowerCase())) {
        throw new Problem('/problems/signature', 'The request is addressed to a host that is not this service.', {
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
      const caller = row.callers === 'anyone' ? null : await verifyCaller(received);
      const parsed = parseRequest(row.request, { path, query: target.query, body: received.body });
      const under = row.delivers === undefined ? undefined : (parsed.query as { agreement?: AgreementId }).agreement;
      const admitted = await authorise({ ...(parsed.params as Subject), under }, caller, signal);
      request.event = { ...parsed, caller, ...admitted, signal } satisfies Call<HttpRow>;
    },
  };
}
