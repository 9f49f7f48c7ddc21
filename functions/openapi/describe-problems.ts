import { problemDocument } from '../../core/wire/requests.ts';
import { PROBLEMS, type ProblemType } from '../answer/problem.ts';
import type { HttpRow } from '../row.ts';
import { wireSchema } from './describe-schemas.ts';

/** What every function may answer: the request is refused before it is looked into, or something is down. */
const ALWAYS = [400, 401, 404, 413, 414, 431, 500, 503] as const;
/** Where the caller's rights count. */
const WITH_RIGHTS = [403] as const;

/** Statuses of the problem documents that a function may answer; `more` are those of its own. */
export function describeProblems(row: HttpRow, more: readonly number[] = []): readonly number[] {
  const rights = row.callers === 'anyone' ? [] : WITH_RIGHTS;
  return [...ALWAYS, ...rights, ...more].sort((a, b) => a - b);
}

export const PROBLEM_SCHEMA = {
  ...wireSchema(problemDocument),
  description: 'Problem document (RFC 9457). Act on `type`: it never changes; `detail` is for people.',
};

const HEADERS: Readonly<Record<number, object>> = {
  401: { 'WWW-Authenticate': { description: 'Always `Signature`.', schema: { type: 'string' } } },
  405: { Allow: { description: 'The methods that the path takes.', schema: { type: 'string' } } },
  503: { 'Retry-After': { description: 'Seconds.', schema: { type: 'string', pattern: '^[0-9]+$' } } },
};

/** A response of the components for every status that a problem has, with the types of that status. */
export const PROBLEM_RESPONSES = Object.fromEntries(
  [...Map.groupBy(Object.entries(PROBLEMS), ([, { status }]) => status)]
    .sort(([a], [b]) => a - b)
    .map(([status, problems]) => {
      const types = problems.map(([type]) => type as ProblemType);
      const headers = HEADERS[status];
      return [
        responseName(status),
        {
          description: problems.map(([type, { title }]) => `\`${type}\`: ${title}`).join('\n'),
          ...(headers === undefined ? {} : { headers }),
          content: {
            'application/problem+json': {
              schema: {
                allOf: [
                  { $ref: '#/components/schemas/Problem' },
                  { type: 'object', properties: { type: { enum: types }, status: { const: status } } },
                ],
              },
            },
          },
        },
      ];
    }),
);

export function responseName(status: number): string {
  return `Problem${status}`;
}
