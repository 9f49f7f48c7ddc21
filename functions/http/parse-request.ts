import type * as z from 'zod';
import { Problem } from '../answer/problem.ts';
import type { HttpRow } from '../row.ts';

/** Path parameters, query and body of a request, each by its schema. @throws Problem naming the field */
export function parseRequest(
  schemas: HttpRow['request'],
  given: { path: Record<string, string>; query: string; body: Uint8Array | undefined },
): { params: unknown; query: unknown; body: unknown } {
  return {
    params: parse('path', schemas.params, given.path),
    query: parse('query', schemas.query, readQuery(given.query)),
    body: parse('body', schemas.body, given.body === undefined ? undefined : readJson(given.body)),
  };
}

function parse(where: string, schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = [where, ...(issue?.path ?? [])].join('.');
  throw new Problem('/problems/bad-request', `${field}: ${issue?.message ?? 'is malformed'}.`.slice(0, 500));
}

function readQuery(query: string): Record<string, string> {
  const read = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (read.has(name)) throw new Problem('/problems/bad-request', 'query: has a parameter twice.');
    read.set(name, value);
  }
  return Object.fromEntries(read);
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Problem('/problems/bad-request', 'body: is not JSON in UTF-8.');
  }
}
