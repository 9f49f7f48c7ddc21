import type { RequestTarget } from './parse-request-target.ts';
import { Refusal } from './refusal.ts';

/** What a signature can cover of a request. */
export interface CoverableRequest {
  method: string;
  target: RequestTarget;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
}

const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;

/**
 * The bytes that were signed: the signature base of RFC 9421 §2.5, over exactly what was received.
 * @throws Refusal `components` when one of the covered components is not in the request or not supported.
 */
export function buildSignatureBase(
  components: readonly string[],
  request: CoverableRequest,
  paramsValue: string,
): Uint8Array {
  const lines = components.map((component) => `"${component}": ${componentValue(component, request)}\n`);
  return new TextEncoder().encode(`${lines.join('')}"@signature-params": ${paramsValue}`);
}

function componentValue(component: string, { method, target, headers }: CoverableRequest): string {
  switch (component) {
    case '@method':
      return method;
    case '@authority':
      return target.authority.toLowerCase();
    case '@path':
      return target.path;
    case '@query':
      // RFC 9421 §2.2.7: the question mark belongs to it, and stands alone when there is no query.
      return `?${target.query}`;
  }
  const value = FIELD_NAME.test(component) ? headers.get(component) : undefined;
  if (value === undefined) {
    throw new Refusal(
      'components',
      'A covered component is not in the request, or is not one of @method, @authority, @path, @query and header fields.',
    );
  }
  // A line feed in a value could forge further lines of the base.
  if (!FIELD_VALUE.test(value)) throw new Refusal('malformed', 'A covered header has characters outside ASCII.');
  return value.replace(/^[ \t]+|[ \t]+$/g, '');
}
