import { INTERFACE_VERSION } from '../../core/wire/interface-version.ts';
import type { Caller, HttpRow } from '../row.ts';
import { httpRows, type RouteName } from '../table.ts';
import { describeProblems, PROBLEM_RESPONSES, PROBLEM_SCHEMA, responseName } from './describe-problems.ts';
import { describeQuery, isAbsent, wireSchema } from './describe-schemas.ts';
import { SECURITY_SCHEMES, securityOf } from './describe-signature.ts';
import { OPERATIONS, type OperationWords, PARAMETER_TEXTS, SERVICE_TEXT } from './operations.ts';

/** The OpenAPI 3.1 document of the service, made from the table of functions and the schemas that requests are parsed by. */
export function describeService(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, row] of Object.entries<HttpRow>(httpRows)) {
    const { path, method } = row.trigger;
    paths[path] = { ...paths[path], [method.toLowerCase()]: describeOperation(row, OPERATIONS[name as RouteName]) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Plumbline storage service',
      version: INTERFACE_VERSION,
      description: SERVICE_TEXT,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The address from which you fetched this document.' }],
    tags: [
      { name: 'datasets', description: "One device's append-only log of blocks." },
      { name: 'agreements', description: 'A sale of recorded blocks, between an owner and a consumer.' },
      { name: 'service', description: 'The service itself.' },
    ],
    paths,
    components: {
      schemas: { Problem: PROBLEM_SCHEMA },
      responses: PROBLEM_RESPONSES,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function describeOperation(row: HttpRow, words: OperationWords): object {
  const { summary, description } = words;
  const { params, query, body } = row.request;
  const parameters = [...describeQuery('path', params), ...describeQuery('query', query)].map((parameter) => ({
    ...parameter,
    description: PARAMETER_TEXTS[parameter.name] ?? '',
  }));
  return {
    operationId: row.name,
    tags: [tagOf(row)],
    summary,
    description: `${description}\n\n${callersText(row)}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(isAbsent(body)
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: wireSchema(body) } } } }),
    responses: {
      [row.response.status ?? 200]: describeAnswer(row, words),
      ...Object.fromEntries(
        describeProblems(row, words.problems).map((status) => [
          status,
          { $ref: `#/components/responses/${responseName(status)}` },
        ]),
      ),
    },
    security: row.callers === 'anyone' ? [] : securityOf(!isAbsent(body)),
    'x-plumbline-callers': row.callers,
    'x-plumbline-invoke': row.invoke,
    'x-plumbline-max-body-bytes': row.limits.bodyBytes,
  };
}

function describeAnswer(row: HttpRow, { answer, headers }: OperationWords): object {
  const content =
    'json' in row.response
      ? { 'application/json': { schema: wireSchema(row.response.json) } }
      : { [row.response.media]: {} };
  return {
    description: answer ?? 'Done.',
    ...(headers === undefined ? {} : { headers }),
    content,
  };
}

function tagOf({ trigger: { path } }: HttpRow): string {
  if (path.startsWith('/v1/datasets/')) return 'datasets';
  return path.startsWith('/v1/agreements/') ? 'agreements' : 'service';
}

const CALLER_WORDS: Readonly<Record<Caller, string>> = {
  owner: "the dataset's owner",
  device: "the dataset's device",
  agent: "the account that signs for the agreement's owner",
  signer: "the account that signs for the agreement's consumer",
};

function callersText({ callers, invoke }: HttpRow): string {
  const who =
    callers === 'anyone'
      ? 'Anyone may call this without a signature.'
      : `May be called by: ${callers.map((caller) => CALLER_WORDS[caller] ?? caller).join('; ')}.`;
  return invoke ? `${who} Lambda Invoke takes the same signed request.` : who;
}
